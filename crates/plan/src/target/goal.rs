//! What a command is asked for: a target, or several whose programs are delivered as one file.
//!
//! Not here: putting the file together (the crate `inspect`), for that is a matter of formats.

use std::fmt;
use std::str::FromStr;

use super::{Target, TargetError};

/// A target, or several in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// Programs for one target.
    One(Target),
    /// One file out of a program for each of several targets.
    Universal(&'static Universal),
}

/// Several targets whose programs fit into one file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Universal {
    /// Its name, which is no target's.
    pub name: &'static str,
    /// The targets' names, in the order of the file's parts.
    parts: &'static [&'static str],
}

impl Universal {
    /// All of them: only macOS has such files.
    pub const ALL: &[Self] = &[Self { name: "universal-macos", parts: &["x86_64-macos", "aarch64-macos"] }];

    /// The targets, in the order of the file's parts.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        self.parts.iter().filter_map(|part| part.parse().ok())
    }
}

impl Goal {
    /// What has to be built for: one target or several.
    #[must_use]
    pub fn targets(self) -> Vec<Target> {
        match self {
            Self::One(target) => vec![target],
            Self::Universal(universal) => universal.targets().collect(),
        }
    }
}

impl From<Target> for Goal {
    fn from(target: Target) -> Self {
        Self::One(target)
    }
}

impl FromStr for Goal {
    type Err = TargetError;

    fn from_str(given: &str) -> Result<Self, TargetError> {
        match Universal::ALL.iter().find(|universal| universal.name == given) {
            Some(universal) => Ok(Self::Universal(universal)),
            None => given.parse().map(Self::One),
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(target) => target.fmt(f),
            Self::Universal(universal) => f.pad(universal.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{ObjectFormat, Os};

    #[test]
    fn parts_are_targets_of_the_one_format_that_can_be_joined() {
        for universal in Universal::ALL {
            let targets: Vec<_> = universal.targets().collect();
            assert_eq!(targets.len(), universal.parts.len());
            assert!(targets.iter().all(|target| target.spec().object_format == ObjectFormat::MachO));
            assert!(targets.iter().all(|target| target.spec().os == Os::MacOs));
            assert!(universal.name.parse::<Target>().is_err());
            let goal: Goal = universal.name.parse().unwrap();
            assert_eq!((goal.to_string().as_str(), goal.targets()), (universal.name, targets));
        }
    }

    #[test]
    fn a_target_is_a_goal_by_any_of_its_names() {
        let goal: Goal = "arm64-apple-macos".parse().unwrap();
        assert_eq!(goal, Goal::One("aarch64-macos".parse().unwrap()));
        assert_eq!(goal.targets().len(), 1);
        assert!("universal-macso".parse::<Goal>().is_err());
    }
}
