//! Benchmarks as ratios against a peer measured in the same run, on the same machine, with the same C compiler.
//!
//! - `noop`: a build in which nothing changed, against dune alone inside the same root; and `--help`.
//! - `toolchain`: the host's OCaml and a further target's, against upstream's own build; sizes; peak memory.
//! - `armv7`: OCaml 4.14.1 for 32-bit ARM, against upstream's build of its host and two passes by hand.
//! - `schedule`: a graph of small actions, against the longest way through it and the processors' time.
//! - `store`: taking over and laying out a big tree, against `cp -r` and `tar`.
//! - `closure`: the corpus's packages for one further target, against a native `opam install` of them.
//! - `targets`: an example for all targets in one command, against one command for each.
//! - `repository`: loading a repository of the public one's size and choosing packages in it, against `opam`.
//!
//! Times are of wall clocks; run it on a machine that does nothing else.

mod armv7;
mod closure;
mod repository;
mod schedule;
mod store;
mod targets;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{bactrian, checkout, command, copy_tree, output};

const TARGET: &str = "aarch64-linux-musl";
/// What dune calls it.
const CONTEXT: &str = "aarch64_linux_musl";
const HOST: &str = "x86_64-linux-gnu.2.28";
const RELEASE: &str = "5.4.1";
const JOBS: &str = "2";

pub(crate) fn run(names: &[&str]) -> Result<(), String> {
    let all = names.is_empty();
    if all || names.contains(&"noop") {
        noop()?;
    }
    if all || names.contains(&"toolchain") {
        toolchain()?;
    }
    if all || names.contains(&"armv7") {
        armv7::run()?;
    }
    if all || names.contains(&"schedule") {
        schedule::run()?;
    }
    if all || names.contains(&"store") {
        store::run()?;
    }
    if all || names.contains(&"closure") {
        closure::run()?;
    }
    if all || names.contains(&"targets") {
        targets::run()?;
    }
    if all || names.contains(&"repository") {
        repository::run()?;
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

fn timed(command: &mut Command) -> Result<Duration, String> {
    let begun = Instant::now();
    output(command)?;
    Ok(begun.elapsed())
}

fn noop() -> Result<(), String> {
    const RUNS: usize = 15;
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let project = temp.path().join("first-light");
    copy_tree(&checkout().join("examples/first-light"), &project).map_err(|error| error.to_string())?;
    let bactrian = bactrian()?;
    let build = || {
        let mut build = command(&bactrian);
        build.args(["build", "--target", TARGET]).arg(&project);
        build
    };
    output(&mut build())?;
    // dune's own time is taken inside the root, where entering it costs nothing.
    let dune = format!(
        "i=0; while [ $i -lt {RUNS} ]; do a=$(date +%s%N); \
         dune build --root . -j {JOBS} -x {CONTEXT} @_build/default.{CONTEXT}/install 2>/dev/null; \
         b=$(date +%s%N); echo $((b - a)); i=$((i + 1)); done"
    );
    let inside = ["exec", "--target", TARGET];
    let printed = output(command(&bactrian).args(inside).arg(&project).args(["--", "sh", "-c", &dune]))?;
    let dune = median(printed.lines().filter_map(|line| Some(Duration::from_nanos(line.parse().ok()?))).collect());
    let ours = (0..RUNS).map(|_| timed(&mut build())).collect::<Result<_, _>>()?;
    let ours = median(ours);
    let help = (0..RUNS).map(|_| timed(command(&bactrian).arg("--help"))).collect::<Result<_, _>>()?;
    println!("noop: dune inside the root {:.0} ms, bactrian build {:.0} ms", dune * 1e3, ours * 1e3);
    println!("noop: bactrian costs {:.0} ms more, {:.2} times dune", (ours - dune) * 1e3, ours / dune);
    println!("help: {:.1} ms", median(help) * 1e3);
    Ok(())
}

fn toolchain() -> Result<(), String> {
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let store = temp.path().join("store");
    // In this order each OCaml is made alone: no C toolchain beside it takes the processors.
    let mut lines = Vec::new();
    let mut peak = 0;
    for target in [HOST, TARGET] {
        let mut make = command(bactrian()?);
        make.args(["toolchain", "build", "--ocaml", RELEASE, "-j", JOBS, "--message-format", "json"]);
        let (printed, bytes) = with_peak(make.args(["--target", target, "--store"]).arg(&store))?;
        peak = peak.max(bytes);
        lines.extend(printed.lines().map(str::to_owned));
    }
    let host = milliseconds(&lines, &format!("OCaml {RELEASE} for this machine"))?;
    let cross = milliseconds(&lines, &format!("OCaml {RELEASE} for {TARGET}"))?;
    println!(
        "toolchain: host {:.1} s, {TARGET} {:.1} s, peak memory of bactrian {} MiB",
        host / 1e3,
        cross / 1e3,
        peak >> 20
    );
    let sizes = "du -sLk /opt/ocaml /opt/cross/* | while read size path; do echo $path $((size / 1024)) MiB; done";
    println!("{}", in_root(temp.path(), &store, sizes)?.trim_end());
    let upstream = temp.path().join("upstream");
    fs::create_dir(&upstream).map_err(|error| error.to_string())?;
    sources(&upstream, &store)?;
    let upstream_host = seconds(&in_root(&upstream, &store, UPSTREAM_HOST)?)?;
    println!("toolchain: upstream's host build {upstream_host:.1} s; ours is {:.2} of it", host / 1e3 / upstream_host);
    let upstream_cross = seconds(&in_root(&upstream, &store, UPSTREAM_CROSS)?)?;
    println!("toolchain: upstream's crossopt {upstream_cross:.1} s; ours is {:.2} of it", cross / 1e3 / upstream_cross);
    Ok(())
}

/// The host's compilers of both languages: upstream's configure wants a C compiler for the build machine too.
const UPSTREAM_PATH: &str = "/opt/ocaml/bin:/opt/cc/x86_64-linux-gnu.2.28/bin:/usr/bin:/bin";

/// Upstream's build for the host, as its INSTALL says.
const UPSTREAM_HOST: &str = "set -e; rm -rf /tmp/u; cp -r /src/ocaml /tmp/u; cd /tmp/u; chmod -R u+w .; \
     B=/opt/cc/x86_64-linux-gnu.2.28/bin; a=$(date +%s%N); \
     { ./configure --prefix=/tmp/p CC=$B/cc AR=$B/ar RANLIB=$B/ranlib && make -j2 && make install; } \
     >/tmp/log 2>&1 || { tail -30 /tmp/log; exit 1; }; b=$(date +%s%N); echo $((b - a))";

/// Upstream's cross build with the host's compilers of the same version in PATH.
const UPSTREAM_CROSS: &str = "set -e; rm -rf /tmp/u; cp -r /src/ocaml /tmp/u; cd /tmp/u; chmod -R u+w .; \
     T=/opt/cc/aarch64-linux-musl/bin; a=$(date +%s%N); \
     { ./configure --prefix=/tmp/q --disable-ocamldoc --disable-ocamltest --disable-stdlib-manpages --without-zstd \
       --disable-shared --target=aarch64-linux-musl TARGET_LIBDIR=/nonexistent CC=$T/cc AR=$T/ar RANLIB=$T/ranlib \
       AS=$T/as LD=$T/ld PARTIALLD=\"$T/ld -r\" STRIP=true && make -j2 crossopt && make installcross; } \
     >/tmp/log 2>&1 || { tail -30 /tmp/log; exit 1; }; b=$(date +%s%N); echo $((b - a))";

/// Puts upstream's sources into `directory/ocaml`, out of the store, where the build above has left their archive.
fn sources(directory: &Path, store: &Path) -> Result<(), String> {
    let store = exec::store::Store::open(store).map_err(|error| error.to_string())?;
    let release: plan::ocaml::Release = RELEASE.parse().map_err(|error| format!("{error}"))?;
    let known = plan::sources::ocaml(release).into_iter().find_map(|source| {
        match store.memo_get("source", source.checksums.identity().bytes()) {
            Ok(Some(exec::store::MemoValue::Blob(blob))) => store.blob_path(blob, false).ok(),
            _ => None,
        }
    });
    let archive = known.ok_or("the store has no sources of OCaml")?;
    let spec = exec::unpack::Spec { strip: 1, ..exec::unpack::Spec::default() };
    exec::unpack::unpack(&archive, &directory.join("ocaml"), &spec).map_err(|error| error.to_string())?;
    Ok(())
}

fn in_root(directory: &Path, store: &Path, script: &str) -> Result<String, String> {
    let mut line = command(bactrian()?);
    line.args(["exec", "--ocaml", RELEASE, "--target", TARGET, "--store"]).arg(store).arg(directory);
    output(line.args(["--", "sh", "-c", &format!("PATH={UPSTREAM_PATH}; {script}")]))
}

fn seconds(nanoseconds: &str) -> Result<f64, String> {
    let last = nanoseconds.lines().next_back().unwrap_or_default();
    last.parse::<f64>().map(|time| time / 1e9).map_err(|error| format!("{last}: {error}"))
}

/// How long the node called `label` took, of the messages of a run.
fn milliseconds(lines: &[String], label: &str) -> Result<f64, String> {
    let wanted = format!("\"label\":\"{label}\"");
    let line = lines.iter().find(|line| {
        line.contains("\"reason\":\"finished\"") && line.contains(&wanted) && line.contains("\"end\":\"made\"")
    });
    let line = line.ok_or_else(|| format!("{label} was not made"))?;
    let (_, rest) = line.split_once("\"milliseconds\":").ok_or("a message without a time")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map_err(|error| format!("{line}: {error}"))
}

/// Runs `command`; returns its output and the most memory it had, in bytes, looked at every few milliseconds.
pub(crate) fn with_peak(command: &mut Command) -> Result<(String, u64), String> {
    let temp = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let file = temp.reopen().map_err(|error| error.to_string())?;
    let child = command.stdout(file).stderr(Stdio::inherit()).spawn();
    let mut child = child.map_err(|error| format!("{command:?}: {error}"))?;
    let mut peak = 0;
    let status = loop {
        let about = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let kib = about.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or(0) * 1024);
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let printed = fs::read_to_string(temp.path()).map_err(|error| error.to_string())?;
    if status.success() { Ok((printed, peak)) } else { Err(format!("{command:?}: {status}")) }
}
