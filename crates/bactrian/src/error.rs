//! Errors as the user is told of them: what happened, why, and what to do next.
//!
//! Libraries report facts; a command turns each into a [`CommandError`] where it knows what the user was after.
//! Not here: printing (`ui`).

use std::fmt;

use crate::exit::Exit;

/// Why a command could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandError {
    /// Whose fault it is; decides the exit code.
    pub(crate) kind: Kind,
    /// What happened, one sentence without a full stop.
    pub(crate) message: String,
    /// Why, from the nearest cause to the farthest.
    pub(crate) causes: Vec<String>,
    /// What to do about it.
    pub(crate) hints: Vec<String>,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The project's: its build failed, its file is damaged.
    Build,
    /// The command line's, a variable's or `bactrian.toml`'s.
    Usage,
    /// The packages': their constraints contradict each other, or something asked for is not among them.
    NoSolution,
    /// This machine's.
    Environment,
    /// A remote engine's or cache's.
    Remote,
    /// Ours.
    Bug,
}

impl CommandError {
    /// An error without causes and hints.
    pub(crate) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A build that failed.
    pub(crate) fn build(message: impl fmt::Display) -> Self {
        Self::new(Kind::Build, message)
    }

    /// Something impossible was asked for.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Something is missing on this machine.
    pub(crate) fn environment(message: impl fmt::Display) -> Self {
        Self::new(Kind::Environment, message)
    }

    /// A remote engine or cache did not do its part.
    pub(crate) fn remote(message: impl fmt::Display) -> Self {
        Self::new(Kind::Remote, message)
    }

    /// Something that cannot happen did.
    pub(crate) fn bug(message: impl fmt::Display) -> Self {
        Self::new(Kind::Bug, message)
            .hint(format!("please report this, with the command line; bactrian {}", crate::version::long()))
    }

    /// The same error, caused by `cause`.
    #[must_use]
    pub(crate) fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// The same error, caused by `error` and what is behind it. A source whose text its parent quotes is left out.
    #[must_use]
    pub(crate) fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            if !self.causes.last().is_some_and(|last| last.contains(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// The same error with advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// How the process ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self.kind {
            Kind::Build => Exit::Failed,
            Kind::Usage => Exit::Usage,
            Kind::NoSolution => Exit::NoSolution,
            Kind::Environment => Exit::Environment,
            Kind::Remote => Exit::Remote,
            Kind::Bug => Exit::Bug,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Self>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Layer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_deref().map(|layer| layer as _)
        }
    }

    #[test]
    fn chains_are_followed_and_not_repeated() {
        let chain =
            Layer("cannot read a: denied", Some(Box::new(Layer("denied", Some(Box::new(Layer("deep", None)))))));
        let error = CommandError::environment("no store").caused_by(&chain).hint("try again");
        assert_eq!(error.causes, ["cannot read a: denied", "deep"]);
        assert_eq!(error.exit().code(), 4);
    }
}
