//! Exit codes: the one table. Scripts rely on it; `docs/reference/exit-codes.md` is made from it.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was done.
    Done,
    /// A build failed, or a check found something.
    Failed,
    /// The command line, an environment variable or `bactrian.toml` asks for something impossible.
    Usage,
    /// The packages' constraints have no solution.
    NoSolution,
    /// This machine lacks something.
    Environment,
    /// A remote engine or cache did not do its part.
    Remote,
    /// A defect of Bactrian.
    Bug,
    /// The user's own program ran and ended with this code.
    Program(u8),
}

/// A row of the documented table.
pub(crate) struct Row {
    pub(crate) exit: Exit,
    /// One word, as in messages.
    pub(crate) name: &'static str,
    /// What it means to whoever wrote the script.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference is made from it"))]
    pub(crate) meaning: &'static str,
}

/// All codes that are Bactrian's own.
pub(crate) const TABLE: &[Row] = &[
    Row { exit: Exit::Done, name: "done", meaning: "Everything asked for was done." },
    Row {
        exit: Exit::Failed,
        name: "failed",
        meaning: "A build or a test failed, or a check found something wrong: the input is at fault. For `inspect`: a file is no \
                  object file; for `store verify`: an object of the store is damaged.",
    },
    Row {
        exit: Exit::Usage,
        name: "usage",
        meaning: "The command line, a `BACTRIAN_*` variable or `bactrian.toml` is wrong. Nothing was done.",
    },
    Row { exit: Exit::NoSolution, name: "no-solution", meaning: "The constraints of the packages have no solution." },
    Row {
        exit: Exit::Environment,
        name: "environment",
        meaning: "This machine lacks something: a tool, a permission, disk space, a source that could not be fetched. \
                  The message says what to do; `bactrian doctor` looks for more.",
    },
    Row {
        exit: Exit::Remote,
        name: "remote",
        meaning: "A remote engine or cache failed. Trying again may help; the build itself is not at fault.",
    },
    Row { exit: Exit::Bug, name: "bug", meaning: "A defect of Bactrian itself. Please report it." },
];

impl Exit {
    /// The number the process ends with.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NoSolution => 3,
            Self::Environment => 4,
            Self::Remote => 5,
            Self::Bug => 101,
            Self::Program(code) => code,
        }
    }

    /// The user's program ended like this; a signal is told as shells do, by 128 and its number.
    pub(crate) fn of_program(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        Self::Program(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
    }

    /// One word for it, as in messages.
    pub(crate) fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.exit == self).map_or("program", |row| row.name)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn the_contract() {
        let codes: Vec<_> = TABLE.iter().map(|row| (row.name, row.exit.code())).collect();
        let contract = [
            ("done", 0),
            ("failed", 1),
            ("usage", 2),
            ("no-solution", 3),
            ("environment", 4),
            ("remote", 5),
            ("bug", 101),
        ];
        assert_eq!(codes, contract);
    }

    #[test]
    fn programs() {
        assert_eq!(Exit::of_program(ExitStatus::from_raw(7 << 8)).code(), 7);
        assert_eq!(Exit::of_program(ExitStatus::from_raw(9)).code(), 137);
    }
}
