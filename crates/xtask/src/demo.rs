//! The demo: menhir and an example, for two CPUs, run under qemu and compared with the host's.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use testkit::{bactrian, checkout, command, output};

use crate::menhir;

const TARGETS: [(&str, &str); 2] = [("aarch64-linux-musl", "qemu-aarch64"), ("riscv64-linux-musl", "qemu-riscv64")];
const GRAMMAR: &str = include_str!("../data/calc.mly");

pub(crate) fn run() -> Result<(), String> {
    let begun = Instant::now();
    let bactrian = bactrian()?;
    let place = checkout().join("target/demo");
    let menhir = place.join("menhir");
    menhir::fetch(&menhir)?;
    let targets = TARGETS.map(|(target, _)| target).join(",");
    let example = checkout().join("examples/first-light");
    for project in [&menhir, &example] {
        announced(command(&bactrian).args(["build", "--target", &targets]).arg(project))?;
    }
    for (target, emulator) in TARGETS {
        announced(Command::new(emulator).arg(example.join("dist").join(target).join("first-light")))?;
    }
    compare_parsers(&bactrian, &menhir, &place)?;
    println!("demo: done in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Lets the host's menhir and each cross-built one write a parser from the same grammar; all must be identical.
fn compare_parsers(bactrian: &Path, menhir: &Path, place: &Path) -> Result<(), String> {
    // The project's directory is what a command inside the root can write to.
    let work = menhir.join("dist/host");
    fs::create_dir_all(&work).map_err(|error| error.to_string())?;
    fs::write(work.join("calc.mly"), GRAMMAR).map_err(|error| error.to_string())?;
    let host = "dune build --root . ./_build/install/default/bin/menhir && cd dist/host && \
                ../../_build/install/default/bin/menhir --table calc.mly";
    let target = TARGETS.map(|(target, _)| target)[0];
    announced(command(bactrian).args(["exec", "--target", target]).arg(menhir).args(["--", "sh", "-c", host]))?;
    let expected = fs::read(work.join("calc.ml")).map_err(|error| error.to_string())?;
    for (target, emulator) in TARGETS {
        let work = place.join("parser").join(target);
        fs::create_dir_all(&work).map_err(|error| error.to_string())?;
        fs::write(work.join("calc.mly"), GRAMMAR).map_err(|error| error.to_string())?;
        let program = menhir.join("dist").join(target).join("menhir");
        output(Command::new(emulator).current_dir(&work).arg(&program).args(["--table", "calc.mly"]))?;
        let written = fs::read(work.join("calc.ml")).map_err(|error| error.to_string())?;
        if written != expected {
            return Err(format!("{target}: menhir writes another parser than the host's"));
        }
        println!("{target}: menhir writes the host's parser, {} bytes", written.len());
    }
    Ok(())
}

/// Says what is run, and runs it.
fn announced(command: &mut Command) -> Result<(), String> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    println!("$ {line}");
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("{line}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{line}: {status}")) }
}
