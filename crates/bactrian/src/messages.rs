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
    /// An action is on its way on a remote engine. `stage` is one of sending, asked, queued, running, requeued.
    Remote { node: usize, stage: &'static str },
    /// An action has been run by a remote engine: by which worker, null if the engine does not say; how long its inputs were on
    /// their way, it was queued and a worker had it; and how many bytes were sent for it.
    Ran {
        node: usize,
        worker: Option<&'m str>,
        sending_milliseconds: u64,
        queued_milliseconds: u64,
        running_milliseconds: u64,
        sent: u64,
    },
    /// The remote cache failed, and is done without.
    RemoteOff { why: &'m str },
    /// A node is done. `end` is one of cached, made, downloaded, made-remotely, failed, skipped.
    Finished { node: usize, kind: &'static str, label: &'m str, end: &'static str, milliseconds: u64 },
    /// A target that can be built for.
    Target(Target<'m>),
    /// A program that `build` delivered: its name, and the file.
    Program { target: &'m str, name: &'m str, file: &'m str },
    /// The project's lock; whether it was written just now.
    Lock { file: &'m str, written: bool },
    /// A package of which the lock has another version now; null if it has none.
    Change { name: &'m str, before: Option<&'m str>, now: Option<&'m str> },
    /// A line of `tree`: a package below the one that needs it. `role` is one of host, target; what a repeated one needs was
    /// told before.
    Node { depth: usize, name: &'m str, version: &'m str, role: &'static str, repeated: bool },
    /// An answer of `why`: each step needs the next.
    Chain { steps: &'m [String] },
    /// What `check` knows of a package. `verdict` is one of crosses, quirk, library, untold, lacks, blocked.
    Assessment {
        name: &'m str,
        version: &'m str,
        role: &'static str,
        class: &'static str,
        verdict: &'static str,
        note: &'m str,
    },
    /// A toolchain that is in the store; `bytes` is what its files hold.
    Toolchain { ocaml: &'m str, target: &'m str, bytes: u64 },
    /// What a user added to the store, such as `macos-sdk`, and its version; `bytes` is what its files hold.
    Addition { name: &'m str, version: &'m str, bytes: u64 },
    /// A file that was inspected.
    Inspected(Inspected),
    /// A check of `doctor`. `status` is one of ok, warn, fail.
    Check { name: &'m str, status: &'static str, found: &'m str, fixes: &'m [String] },
    /// What `store stats` found.
    StoreStats { directory: &'m str, bytes_on_disk: u64, areas: &'m [StoreArea] },
    /// What `store gc` deleted.
    StoreCollected { objects: u64, bytes: u64 },
    /// Something that `store verify` found damaged; `path` is seen from the store.
    StoreFault { path: &'m str, fault: &'m str },
    /// What `store verify` did in all.
    StoreVerified { objects: u64, bytes: u64, faults: u64, repaired: bool },
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

/// A part of the store.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoreArea {
    pub(crate) area: &'static str,
    pub(crate) objects: u64,
    pub(crate) files: u64,
    /// As the files read.
    pub(crate) bytes: u64,
    /// What is shared with an earlier area is counted there.
    pub(crate) bytes_on_disk: u64,
}

/// A file: what is in it, and what of the build machine.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Inspected {
    /// As it was given.
    pub(crate) file: String,
    /// `archive`, `thin-archive`, `universal`; null for one object or none.
    pub(crate) container: Option<&'static str>,
    /// Empty if the file is no object file.
    pub(crate) objects: Vec<Object>,
    /// Paths of a build machine: below people's homes or the working directory.
    pub(crate) host_paths: Vec<HostPath>,
}

/// One object: a file, a member of an archive, a slice of a universal file. What a file does not say is null or empty.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Object {
    /// Number of the slice, from 0.
    pub(crate) slice: Option<usize>,
    /// Name of the archive's member.
    pub(crate) member: Option<String>,
    /// Why it cannot be read; then everything below is null or empty.
    pub(crate) damage: Option<String>,
    pub(crate) format: Option<&'static str>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) cpu: Option<String>,
    pub(crate) bits: Option<u8>,
    pub(crate) endian: Option<&'static str>,
    pub(crate) float_abi: Option<&'static str>,
    pub(crate) system: Option<String>,
    /// Of the system: for Linux, the oldest kernel its C library was built for.
    pub(crate) oldest_release: Option<String>,
    pub(crate) libc: Option<&'static str>,
    pub(crate) signature: Option<&'static str>,
    pub(crate) linkage: Option<&'static str>,
    pub(crate) interpreter: Option<String>,
    pub(crate) own_name: Option<String>,
    pub(crate) libraries: Vec<String>,
    pub(crate) optional_libraries: Vec<String>,
    pub(crate) search_path: Vec<String>,
    pub(crate) glibc: Option<GlibcNeed>,
}

/// What an object needs of glibc.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct GlibcNeed {
    /// The oldest release it starts with; null if any.
    pub(crate) floor: Option<String>,
    /// The symbols that decide that.
    pub(crate) because_of: Vec<String>,
    /// Symbols that only one build of glibc has.
    pub(crate) private: Vec<String>,
}

/// A path of a build machine in a file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HostPath {
    pub(crate) path: String,
    /// In how many places it is.
    pub(crate) count: u64,
    /// The section of the first.
    pub(crate) section: Option<String>,
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

#[cfg(test)]
pub(crate) mod samples;
