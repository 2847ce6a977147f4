//! Sizes and ages of `store gc`. Not here: how they are read (`text`).

use super::StoreWork;
use crate::args;
use crate::error::CommandError;
use crate::text::{self, QuantityError};

pub(super) fn store_work(args: args::Store) -> Result<StoreWork, CommandError> {
    match args {
        args::Store::Stats => Ok(StoreWork::Stats),
        args::Store::Verify { repair } => Ok(StoreWork::Verify { repair }),
        args::Store::Gc { max_size, max_age } => Ok(StoreWork::Gc {
            max_bytes: quantity("--max-size", max_size, text::parse_size)?,
            max_age: quantity("--max-age", max_age, text::parse_age)?,
        }),
    }
}

fn quantity<T>(
    option: &str,
    given: Option<String>,
    parse: fn(&str) -> Result<T, QuantityError>,
) -> Result<Option<T>, CommandError> {
    let wrong = |given: &str, reason| CommandError::usage(format_args!("`{option} {given}`: `{given}` {reason}"));
    given.map(|given| parse(&given).map_err(|reason| wrong(&given, reason))).transpose()
}
