use std::collections::BTreeSet;

use super::*;
