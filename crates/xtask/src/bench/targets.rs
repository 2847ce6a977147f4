//! The example with packages for all targets that run here in one command, against one command for each.
//!
//! Both begin with what is made once: the host's part, and another target's so that dune has built what runs on this machine.
//! It takes half an hour and more; `BACTRIAN_TARGETS` names fewer targets.

use std::fs;
use std::path::Path;
use std::time::Duration;

use testkit::{bactrian, checkout, command, copy_tree, link_stores};

use super::{JOBS, timed};

const OCAML: &str = "5.3.0";
/// The target for which the host's part is made.
const FIRST: &str = "x86_64-linux-gnu";
const TARGETS: &str = "x86_64-linux-musl,aarch64-linux-musl,riscv64-linux-musl,powerpc64le-linux-musl,s390x-linux-musl,\
                       x86_64-windows-gnu";

pub(super) fn run() -> Result<(), String> {
    let corpus = testkit::shared("corpus").ok_or("the corpus is not beside the checkout")?;
    let targets = std::env::var("BACTRIAN_TARGETS").unwrap_or_else(|_| TARGETS.to_owned());
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let place = |name: &str| temp.path().join(name);
    let build = |name: &str, targets: &str| -> Result<Duration, String> {
        let mut line = command(bactrian()?);
        line.args(["build", "--ocaml", OCAML, "-j", JOBS, "--target", targets]);
        line.arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
        timed(line.arg("--store").arg(place(name)).arg(place(&format!("{name}-project"))))
    };
    project(&place("single-project"))?;
    let host = build("single", FIRST)?;
    link_stores(&place("single"), &place("together")).map_err(|error| format!("cannot copy the store: {error}"))?;
    project(&place("together-project"))?;
    build("together", FIRST)?;
    println!("targets: the host's part and {FIRST} {:.1} s", host.as_secs_f64());
    let mut sum = 0.0;
    for target in targets.split(',') {
        let took = build("single", target)?.as_secs_f64();
        println!("targets: {target} {took:.1} s");
        sum += took;
    }
    let together = build("together", &targets)?.as_secs_f64();
    println!("targets: together {together:.1} s, one by one {sum:.1} s; ratio {:.2}", together / sum);
    Ok(())
}

fn project(at: &Path) -> Result<(), String> {
    let made = fs::create_dir_all(at).and_then(|()| copy_tree(&checkout().join("examples/caravan"), at));
    made.map_err(|error| format!("{}: {error}", at.display()))
}
