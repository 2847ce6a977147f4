//! Failures of remote engines and caches, as the user is told of them. None of them says that a build failed.

use exec::remote::{Fault, RemoteError};

use super::store;
use crate::error::CommandError;

/// A failure and what is behind it, in a line.
pub(crate) fn in_a_line(error: &RemoteError) -> String {
    CommandError::remote("").caused_by(error).causes.join(": ")
}

/// Something could not be done remotely; while making what, if that is known.
pub(crate) fn failed(label: Option<&str>, error: &RemoteError) -> CommandError {
    let told = |what: &str| {
        let told = match label {
            Some(label) => CommandError::remote(format_args!("{label}: {what}")),
            None => CommandError::remote(what),
        };
        told.caused_by(error)
    };
    match error {
        RemoteError::Store(cause) => store(cause),
        RemoteError::Stopped => CommandError::environment("stopped"),
        RemoteError::File { .. } | RemoteError::Header(_) => CommandError::usage("the remote engine cannot be used")
            .caused_by(error)
            .hint("see `[remote]` in docs/reference/configuration.md"),
        RemoteError::Runtime(_) => CommandError::environment("cannot connect").caused_by(error),
        RemoteError::Connect { .. } => told("the remote engine cannot be reached")
            .hint("see that the address is right and the server runs; `--remote none` builds without it"),
        RemoteError::NoSha256 => told("the remote engine cannot be used").hint("have it know SHA256 digests"),
        RemoteError::NoExecution => told("this is a cache and no engine").hint("say `--remote-mode cache`"),
        RemoteError::Queued { .. } => told("no worker takes actions")
            .hint(
                "see that workers are connected, and that one has the properties of `remote.platform` in bactrian.toml",
            )
            .hint("`remote.queue-timeout` in bactrian.toml says how long is too long"),
        RemoteError::Worker { .. } => told("a worker of the remote engine could not run it")
            .hint("`bactrian doctor --remote URL` looks at what its workers can do"),
        RemoteError::Lost(_) => told("the remote cache loses results while they are used")
            .hint("give it more room: what it tells of is gone soon after"),
        RemoteError::Corrupt(_)
        | RemoteError::Digest(_)
        | RemoteError::Tree(_)
        | RemoteError::Malformed(_)
        | RemoteError::Result(_) => told("the remote engine sent what makes no sense"),
        RemoteError::NoAnswer => told("the remote engine did not answer"),
        RemoteError::Call { fault, .. } | RemoteError::Engine { fault, .. } => by_fault(*fault, &told),
    }
}

fn by_fault(fault: Fault, told: &dyn Fn(&str) -> CommandError) -> CommandError {
    match fault {
        Fault::Unreachable => told("the remote engine does not answer any more")
            .hint("run the same command again: what was made is kept")
            .hint("`remote.patience` in bactrian.toml says how long it is tried"),
        Fault::Unauthenticated => told("the remote engine does not know who calls, or the token has expired")
            .hint("renew the token of BACTRIAN_REMOTE_TOKEN, or of `remote.token-file` in bactrian.toml"),
        Fault::Forbidden => told("the remote engine does not allow this")
            .hint("ask for the right to execute; `--remote-mode cache` needs less"),
        Fault::Full => told("the remote engine has no room left").hint("make room there, or try again later"),
        Fault::Unsupported => {
            told("the remote engine does not offer what is needed").hint("`--remote-mode cache` needs a cache alone")
        }
        Fault::Platform => told("the remote engine has no workers with these platform properties").hint(
            "see that `remote.platform` in bactrian.toml has the properties of workers and no others, and the address their instance",
        ),
        Fault::Abandoned => told("the remote engine lost its workers again and again")
            .hint("see whether workers run out of memory or disk, and run the same command again"),
        Fault::Cancelled => told("somebody cancelled it on the remote engine"),
        Fault::Missing => told("the remote engine lacks what it was sent").hint("give its storage more room"),
        Fault::Stumbled | Fault::Refused => told("the remote engine failed"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_remote_is_a_failed_build() {
        let faults = [
            Fault::Unreachable,
            Fault::Stumbled,
            Fault::Missing,
            Fault::Unauthenticated,
            Fault::Forbidden,
            Fault::Full,
            Fault::Unsupported,
            Fault::Platform,
            Fault::Abandoned,
            Fault::Cancelled,
            Fault::Refused,
        ];
        let action = action::digest::ActionDigest::of(b"x");
        let engine = |fault| RemoteError::Engine { action, fault, code: 13, message: "its words".to_owned() };
        for error in faults.map(engine) {
            let told = failed(Some("zarith 1.14"), &error);
            assert_eq!(told.exit().code(), 5, "{told:?}");
            assert!(told.message.starts_with("zarith 1.14: ") && told.causes[0].contains("its words"), "{told:?}");
        }
        let others = [
            RemoteError::Queued { waited: Duration::from_secs(600) },
            RemoteError::Worker { message: "no root".to_owned() },
            RemoteError::NoAnswer,
            RemoteError::NoExecution,
            RemoteError::Lost(Vec::new()),
        ];
        for error in others {
            assert_eq!(failed(None, &error).exit().code(), 5, "{error:?}");
        }
    }
}
