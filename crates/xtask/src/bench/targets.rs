//! The example with packages for several targets in one command, against one command for each.
//!
//! Both begin with what is made once: the host's part, and another target's so that dune has built what runs on this machine.
//! They work on links of the user's store, which must not have the targets yet: so these are for a floor of glibc that nobody asks
//! for, whose C library, compilers and packages are all to be made. `BACTRIAN_TARGETS` names others (with commas between them);
//! then the links are of sources alone, and the host's part is made first, which takes a while. `BACTRIAN_EXAMPLE` names another
//! project's directory: targets of 32 bits, which `examples/caravan` is not for, have an OCaml of their own, and what that one
//! needs of this machine counts with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::{bactrian, checkout, command, copy_tree, link_areas, output, store};

use super::JOBS;

/// The target for which the host's part is made.
const FIRST: &str = "x86_64-linux-gnu";
const TARGETS: &str = "aarch64-linux-gnu.2.35,riscv64-linux-gnu.2.35,powerpc64le-linux-gnu.2.35,s390x-linux-gnu.2.35";

pub(super) fn run() -> Result<(), String> {
    let corpus = testkit::shared("corpus").ok_or("the corpus is not beside the checkout")?;
    let asked = std::env::var("BACTRIAN_TARGETS");
    let near = store();
    let sources = if asked.is_ok() { &["memo", "cas"] as &[_] } else { &["ac", "memo", "cas"] };
    let targets = asked.unwrap_or_else(|_| TARGETS.to_owned());
    let example =
        std::env::var_os("BACTRIAN_EXAMPLE").map_or_else(|| checkout().join("examples/caravan"), PathBuf::from);
    let temp = tempfile::tempdir_in(near.parent().unwrap_or(&near)).map_err(|error| error.to_string())?;
    let place = |name: &str| temp.path().join(name);
    let build = |name: &str, targets: &str| -> Result<(Duration, String), String> {
        let mut line = command(bactrian()?);
        line.args(["build", "-j", JOBS, "--target", targets, "--message-format", "json"]);
        line.arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
        line.arg("--store").arg(place(name)).arg(place(&format!("{name}-project")));
        let begun = Instant::now();
        let messages = output(&mut line)?;
        Ok((begun.elapsed(), messages))
    };
    for (name, from, areas) in [("single", &near, sources), ("together", &place("single"), &["ac", "memo", "cas"])] {
        link_areas(from, &place(name), areas).map_err(|error| format!("cannot copy the store: {error}"))?;
        project(&example, &place(&format!("{name}-project")))?;
        let (took, _) = build(name, FIRST)?;
        println!("targets: what is made once, {:.1} s", took.as_secs_f64());
    }
    let mut sum = 0.0;
    for target in targets.split(',') {
        let (took, messages) = build("single", target)?;
        let whom = format!(" for {target}\"");
        let is_made =
            |line: &str| line.contains("\"end\":\"made\"") && line.contains("\"OCaml ") && line.contains(&whom);
        if !messages.lines().any(is_made) {
            return Err(format!("{target} was made already: name others with BACTRIAN_TARGETS, which has no {FIRST}"));
        }
        let took = took.as_secs_f64();
        println!("targets: {target} {took:.1} s");
        sum += took;
    }
    let together = build("together", &targets)?.0.as_secs_f64();
    println!("targets: together {together:.1} s, one by one {sum:.1} s; ratio {:.2}", together / sum);
    Ok(())
}

fn project(example: &Path, at: &Path) -> Result<(), String> {
    let made = fs::create_dir_all(at).and_then(|()| copy_tree(example, at));
    made.map_err(|error| format!("{} as {}: {error}", example.display(), at.display()))
}
