//! Workers of another kind than this machine: an engine that runs arm64 programs is asked to run an arm64 test.
//!
//! The kernel stands in for an arm64 machine: in a user namespace of the engine's own, `binfmt_misc` has such programs run by qemu
//! (Linux 6.7 and newer), whatever root they are in. Not here: engines that run nothing but this machine's programs, which the end-to-end
//! tests have.

use std::fs;
use std::path::Path;

use testkit::casd::Casd;
use testkit::{bactrian, command};

use super::engines::Engines;
use super::{Asked, place};

const TARGET: &str = "aarch64-linux-musl";

/// Registers an emulator, its first word, and runs the rest. `F` opens it at once, so that it is there in every root.
const REGISTER: &str = r#"set -e
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
printf %s ":arm64:M::$magic:$mask:$1:F" > /proc/sys/fs/binfmt_misc/register
shift
exec "$@""#;

/// What passes nowhere but on arm64, and in a root that has nothing else.
const PROJECT: &[(&str, &str)] = &[
    ("dune-project", "(lang dune 3.22)\n"),
    ("dune", "(test (name t) (foreign_stubs (language c) (names cpu)))\n"),
    (
        "cpu.c",
        "#include <caml/mlvalues.h>\n#ifdef __aarch64__\nvalue is_arm(value unit) { return Val_true; }\n\
         #else\nvalue is_arm(value unit) { return Val_false; }\n#endif\n",
    ),
    (
        "t.ml",
        "external is_arm : unit -> bool = \"is_arm\"\nlet () = assert (is_arm () && not (Sys.file_exists \"/usr\"))\n",
    ),
];

pub(super) fn run(_asked: &Asked) -> Result<(), String> {
    let emulator = Engines::bring()?.emulator()?;
    let temp = place()?;
    let project = temp.path().join("project");
    fs::create_dir(&project).map_err(|error| error.to_string())?;
    for (name, text) in PROJECT {
        fs::write(project.join(name), text).map_err(|error| format!("{name}: {error}"))?;
    }
    let within = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", REGISTER, "sh"];
    let within = within.into_iter().map(str::to_owned).chain([emulator.display().to_string()]);
    // In this order: what has passed dune does not run again.
    for (name, within, code) in [("x86_64", Vec::new(), 5), ("arm64", within.collect(), 0)] {
        let engine = Casd::start_within(&temp.path().join(name), within)?;
        let engine = engine.ok_or("there is no ../shared/tools/reapi")?;
        let ended = test(&project, &engine.address())?;
        println!("kinds: a test for {TARGET} on workers that run {name} programs: exit code {ended}");
        if ended != code {
            return Err(format!("the exit code is to be {code}"));
        }
    }
    Ok(())
}

/// Runs the tests on an engine's workers, with everything built here; the exit code.
fn test(project: &Path, address: &str) -> Result<i32, String> {
    let mut line = command(bactrian()?);
    line.args(["test", "--target", TARGET, "--runner", "remote", "--remote", address]).arg(project);
    let output = line.output().map_err(|error| format!("{line:?}: {error}"))?;
    print!("{}", String::from_utf8_lossy(&output.stderr));
    output.status.code().ok_or_else(|| "bactrian was ended by a signal".to_owned())
}
