//! Messages for machines: the wire types of `--message-format json`, one object per line.
//!
//! A contract of its own, apart from the types of the program. Within one [`SCHEMA`] fields and reasons may be added,
//! never changed or taken away. `docs/reference/messages.md` is made from here. Not here: when they are sent.

use serde::Serialize;

/// Version of the contract; in every message.
pub(crate) const SCHEMA: u32 = 1;

/// A line of output.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub(crate) enum Message<'m> {
    /// A run begins; how many nodes it needs.
    Planned { nodes: usize },
    /// Work on a node begins.
    Started { node: usize, kind: &'static str, label: &'m str },
    /// Some of a download is here; `total` is null if the server did not say.
    Progress { node: usize, bytes: u64, total: Option<u64> },
    /// Another process makes the same thing; this one waits.
    Waiting { node: usize },
    /// A node is done. `end` is one of cached, made, downloaded, made-remotely, failed, skipped.
    Finished { node: usize, kind: &'static str, label: &'m str, end: &'static str, milliseconds: u64 },
    /// A target that can be built for.
    Target(Target<'m>),
    /// The command did not do what was asked. `kind` is a name of `exit-codes.md`.
    Error { kind: &'static str, message: &'m str, causes: &'m [String], hints: &'m [String] },
    /// The last line. `exit` is a name of `exit-codes.md`, or `program` for the user's program.
    End { exit: &'static str, exit_code: u8 },
}

/// A target.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Target<'m> {
    pub(crate) name: &'m str,
    pub(crate) cpu: &'static str,
    pub(crate) bits: u8,
    pub(crate) gnu_triple: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// Null for targets without glibc.
    pub(crate) glibc: Option<Floors>,
    /// `native`, the name of an emulator, or null.
    pub(crate) runner: Option<&'static str>,
}

/// Versions of glibc that can be the floor of a target.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Floors {
    pub(crate) oldest: String,
    pub(crate) default: String,
    pub(crate) newest: String,
}

#[derive(Serialize)]
struct Line<'m> {
    schema: u32,
    #[serde(flatten)]
    message: &'m Message<'m>,
}

impl Message<'_> {
    /// The message as a line of JSON, line end included.
    pub(crate) fn to_line(&self) -> String {
        // Serialising strings and numbers into a string cannot fail.
        let mut line = serde_json::to_string(&Line { schema: SCHEMA, message: self }).unwrap_or_default();
        line.push('\n');
        line
    }
}
