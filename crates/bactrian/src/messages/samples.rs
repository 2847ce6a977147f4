//! One message of each kind, for the reference.

use super::{Floors, GlibcNeed, HostPath, Inspected, Message, Object, StoreArea, Target};

const LABEL: &str = "OCaml 5.3.0 for aarch64-linux-musl";

/// All of them, in the order of the reference.
pub(crate) fn all() -> Vec<Message<'static>> {
    vec![
        Message::Planned { nodes: 12 },
        Message::Started { node: 7, kind: "run", label: LABEL },
        Message::Progress { node: 2, bytes: 1_048_576, total: Some(5_242_880) },
        Message::Waiting { node: 7 },
        Message::Remote { node: 7, stage: "queued" },
        Message::Ran {
            node: 7,
            worker: Some("worker-3"),
            sending_milliseconds: 120,
            queued_milliseconds: 2500,
            running_milliseconds: 7250,
            sent: 52_480,
        },
        Message::RemoteOff { why: "FindMissingBlobs: the server said nothing for too long" },
        Message::Finished { node: 7, kind: "run", label: LABEL, end: "made", milliseconds: 41_200 },
        Message::Program {
            target: "aarch64-linux-musl",
            name: "hello",
            file: "/home/me/hello/dist/aarch64-linux-musl/hello",
        },
        Message::Lock { file: "/home/me/hello/bactrian.lock", written: true },
        Message::Change { name: "lwt", before: Some("5.6.0"), now: Some("5.6.1") },
        Message::Node { depth: 1, name: "lwt", version: "5.6.1", role: "target", repeated: false },
        Message::Chain { steps: leaked(vec!["hello dev".to_owned(), "lwt 5.6.1".to_owned()]) },
        Message::Assessment {
            name: "conf-gmp",
            version: "4",
            role: "target",
            class: "of the system",
            verdict: "library",
            note: "gmp 6.3.0 is built for the target",
        },
        Message::Toolchain { ocaml: "5.3.0", target: "aarch64-linux-musl", bytes: 190_840_832 },
        Message::Addition { name: "macos-sdk", version: "14.5", bytes: 734_003_200 },
        Message::Target(target()),
        Message::Inspected(inspected()),
        Message::Check {
            name: "qemu-riscv64",
            status: "warn",
            found: "not there: programs for riscv64 cannot be run",
            fixes: leaked(vec!["sudo apt-get install qemu-user".to_owned()]),
        },
        Message::StoreStats {
            directory: "/home/me/.cache/bactrian",
            bytes_on_disk: 4096,
            areas: leaked(vec![StoreArea { area: "files", objects: 1, files: 1, bytes: 5, bytes_on_disk: 4096 }]),
        },
        Message::StoreCollected { objects: 311, bytes: 73_400_320 },
        Message::StoreFault { path: "cas/2c/2cf24d", fault: "its bytes are not those of its name" },
        Message::StoreVerified { objects: 1902, bytes: 1_288_490_188, faults: 1, repaired: false },
        Message::Error {
            kind: "usage",
            message: "--target: there is no target `aarch64-linux-msul`",
            causes: &[],
            hints: leaked(vec!["did you mean `aarch64-linux-musl`? `bactrian target list` shows all".to_owned()]),
        },
        Message::End { exit: "usage", exit_code: 2 },
    ]
}

/// Samples are made once per test run.
fn leaked<T>(items: Vec<T>) -> &'static [T] {
    Box::leak(items.into_boxed_slice())
}

fn target() -> Target<'static> {
    Target {
        name: "aarch64-linux-gnu",
        cpu: "aarch64",
        bits: 64,
        gnu_triple: "aarch64-linux-gnu",
        aliases: &["aarch64-unknown-linux-gnu"],
        glibc: Some(Floors { oldest: "2.17".to_owned(), default: "2.28".to_owned(), newest: "2.44".to_owned() }),
        runner: Some("qemu-aarch64"),
    }
}

fn inspected() -> Inspected {
    let object = Object {
        format: Some("ELF"),
        kind: Some("executable"),
        cpu: Some("aarch64".to_owned()),
        bits: Some(64),
        endian: Some("little"),
        system: Some("Linux".to_owned()),
        oldest_release: Some("3.7.0".to_owned()),
        libc: Some("glibc"),
        linkage: Some("dynamic"),
        interpreter: Some("/lib/ld-linux-aarch64.so.1".to_owned()),
        libraries: vec!["libm.so.6".to_owned(), "libc.so.6".to_owned()],
        glibc: Some(GlibcNeed {
            floor: Some("2.28".to_owned()),
            because_of: vec!["fcntl64".to_owned()],
            private: Vec::new(),
        }),
        ..Object::default()
    };
    let path = HostPath { path: "/home/me/hello/main.ml".to_owned(), count: 2, section: Some(".rodata".to_owned()) };
    Inspected { file: "dist/hello".to_owned(), container: None, objects: vec![object], host_paths: vec![path] }
}
