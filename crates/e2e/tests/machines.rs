//! Machines that this one is not: other CPUs under their emulators; systems that nothing here runs, whose programs are read.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests panic to fail, and say what they skip"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use testkit::{bactrian, command, copy_of, link_store, output, shared, store};

/// Targets and their emulators; the second has the other order of bytes.
const CPUS: [(&str, &str); 2] = [("powerpc64le-linux-musl", "qemu-ppc64le"), ("s390x-linux-musl", "qemu-s390x")];
const NATIVE: &str = "x86_64-linux-musl";

fn run_bactrian(arguments: &[&str]) -> String {
    output(command(bactrian().unwrap()).args(arguments)).unwrap_or_else(|error| panic!("{error}"))
}

fn targets() -> String {
    let mut names: Vec<&str> = CPUS.iter().map(|(target, _)| *target).collect();
    names.push(NATIVE);
    names.join(",")
}

fn said(emulator: Option<&str>, program: &Path) -> String {
    let mut line = emulator.map_or_else(|| Command::new(program), Command::new);
    if emulator.is_some() {
        line.arg(program);
    }
    output(line.env_clear()).unwrap_or_else(|error| panic!("{error}"))
}

/// What `inspect` tells of files, one line of JSON each.
fn inspected(files: &[&Path]) -> Vec<String> {
    let files = files.iter().map(|file| file.to_str().unwrap());
    let arguments: Vec<&str> = ["inspect", "--message-format", "json"].into_iter().chain(files).collect();
    let lines = run_bactrian(&arguments);
    lines.lines().filter(|line| line.contains("\"reason\":\"inspected\"")).map(str::to_owned).collect()
}

fn has_all(line: &str, facts: &[&str]) {
    for fact in facts {
        assert!(line.contains(fact), "no {fact} in {line}");
    }
}

#[test]
fn the_example_says_the_same_on_other_cpus_whatever_their_order_of_bytes() {
    if !testkit::has_time_for("the example says the same on other cpus whatever their order of bytes", 8) {
        return;
    }
    let (_temp, project) = copy_of("examples/first-light").unwrap();
    run_bactrian(&["build", "--target", &targets(), project.to_str().unwrap()]);
    let program = |target: &str| project.join("dist").join(target).join("first-light");
    let native = said(None, &program(NATIVE));
    for (target, emulator) in CPUS {
        let big = target == "s390x-linux-musl";
        let order = format!("big endian: {big}, int: 63, ocaml big endian: {big}");
        let there = said(Some(emulator), &program(target));
        assert!(there.lines().nth(1).unwrap().ends_with(&order), "{there}");
        // All but the first two lines, which tell of the CPU.
        let rest = |text: &str| text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
        assert!(rest(&native).len() > 5, "{native}");
        assert_eq!(rest(&there), rest(&native), "{target}");
    }
}

/// Targets whose programs are dynamic, and are run with the glibc that the machine has for them.
fn dynamic_programs_do_the_same(targets: &[&str]) {
    let targets: Vec<&str> = targets.iter().copied().filter(|target| testkit::has_glibc(target)).collect();
    let (_temp, project) = copy_of("examples/first-light").unwrap();
    let path = project.to_str().unwrap();
    let of_target = |target: &str| {
        let said = run_bactrian(&["run", "--target", target, path]);
        // All but the first two lines, which tell of the CPU.
        said.lines().skip(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let native = of_target(NATIVE);
    assert!(native.len() > 5, "{native:?}");
    for target in targets {
        assert_eq!(of_target(target), native, "{target}");
    }
}

#[test]
fn dynamic_programs_run_with_the_glibc_of_their_cpu() {
    dynamic_programs_do_the_same(&["aarch64-linux-gnu.2.28"]);
}

#[test]
fn dynamic_programs_run_with_the_glibc_of_every_cpu() {
    // Five for three toolchains where there are none yet, and what the tests that come after it take then.
    if !testkit::has_time_for("dynamic programs run with the glibc of every cpu", 25) {
        return;
    }
    // The oldest glibc of the last one's CPU is newer.
    dynamic_programs_do_the_same(&["powerpc64le-linux-gnu.2.28", "s390x-linux-gnu.2.28", "riscv64-linux-gnu.2.35"]);
}

#[test]
#[ignore = "minutes; run with --ignored"]
fn packages_with_c_in_them_do_the_same_on_other_cpus() {
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so there are no packages");
        return;
    };
    let (_temp, project) = copy_of("crates/e2e/projects/exercise").unwrap();
    let mut build = command(bactrian().unwrap());
    // The last one differs in `long double`, which sqlite3 uses; it runs where there is a glibc for it.
    let dynamic = "powerpc64le-linux-gnu.2.28";
    let targets = format!("{},{dynamic}", targets());
    build.args(["build", "--target", &targets, project.to_str().unwrap()]);
    build.arg("--repo").arg(corpus.join("repo")).arg("--mirror").arg(corpus.join("archives"));
    output(&mut build).unwrap_or_else(|error| panic!("{error}"));
    for name in ["zarith", "cryptokit", "sqlite3", "lwt", "ctypes", "bin-prot"] {
        let program = |target: &str| project.join("dist").join(target).join(format!("with-{name}"));
        let native = said(None, &program(NATIVE));
        assert!(native.lines().count() > 1, "{name}: {native}");
        for (target, emulator) in CPUS {
            assert_eq!(said(Some(emulator), &program(target)), native, "{name} for {target}");
        }
        if testkit::has_glibc(dynamic) {
            let glibc = Path::new("/usr/powerpc64le-linux-gnu");
            let there = output(Command::new("qemu-ppc64le").env_clear().arg("-L").arg(glibc).arg(program(dynamic)));
            assert_eq!(there.unwrap_or_else(|error| panic!("{error}")), native, "{name} for {dynamic}");
        }
    }
}

#[test]
fn programs_for_macos_are_whole_and_need_nothing_but_the_system() {
    let (_temp, project) = copy_of("examples/first-light").unwrap();
    let path = project.to_str().unwrap();
    let delivered = run_bactrian(&["build", "--target", "universal-macos,aarch64-apple-darwin", path]);
    let program = |place: &str| project.join("dist").join(place).join("first-light");
    let expected = ["universal-macos", "aarch64-macos"].map(program);
    assert_eq!(delivered.lines().map(PathBuf::from).collect::<Vec<_>>(), expected);
    let lines = inspected(&[&expected[0], &expected[1]]);
    let [universal, arm] = lines.as_slice() else { panic!("{lines:?}") };
    let system = "\"system\":\"macOS\",\"oldest_release\":\"13.0\"";
    has_all(arm, &["\"cpu\":\"aarch64\"", system, "\"signature\":\"linker-signed\"", "\"/usr/lib/dyld\""]);
    has_all(arm, &["\"libraries\":[\"/usr/lib/libSystem.B.dylib\"]", "\"host_paths\":[]"]);
    has_all(universal, &["\"container\":\"universal\"", "\"slice\":0", "\"slice\":1", "\"cpu\":\"x86_64\""]);
    assert_eq!(universal.matches(system).count(), 2, "{universal}");
    // The part for Apple's processors is the other file, byte for byte: its signature holds.
    let (all, part) = (fs::read(&expected[0]).unwrap(), fs::read(&expected[1]).unwrap());
    assert!(all.ends_with(&part) && (all.len() - part.len()).is_multiple_of(1 << 14));

    run_bactrian(&["build", "--ocaml", "5.3.0", "--target", "x86_64-macos", path]);
    let lines = inspected(&[&program("x86_64-macos")]);
    has_all(&lines[0], &["\"cpu\":\"x86_64\"", system, "\"/usr/lib/dyld\"", "\"host_paths\":[]"]);

    let refused = command(bactrian().unwrap()).args(["run", "--target", "aarch64-macos", path]).output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.status.code() == Some(4) && told.contains("nothing here runs programs for aarch64-macos"),
        "{told}"
    );
}

/// libffi's closures on Apple's processors are code of the program that is mapped a page at a time: it must fill one.
#[test]
#[ignore = "minutes; run with --ignored"]
fn programs_for_macos_and_freebsd_link_libffi() {
    let Some(corpus) = shared("corpus") else {
        println!("SKIPPED: there is no ../shared/corpus, so there is no ctypes-foreign");
        return;
    };
    let (_temp, project) = copy_of("crates/e2e/projects/calls").unwrap();
    let (repo, mirror) = (corpus.join("repo"), corpus.join("archives"));
    let places = ["--repo", repo.to_str().unwrap(), "--mirror", mirror.to_str().unwrap()];
    let targets = ["aarch64-macos", "x86_64-macos", "x86_64-freebsd"];
    let asked = ["build", "--ocaml", "5.3.0", "--target", &targets.join(","), project.to_str().unwrap()];
    run_bactrian(&[asked.as_slice(), &places].concat());
    let programs = targets.map(|target| project.join("dist").join(target).join("calls"));
    let lines = inspected(&programs.each_ref().map(PathBuf::as_path));
    let system = "\"libraries\":[\"/usr/lib/libSystem.B.dylib\"]";
    has_all(&lines[0], &["\"cpu\":\"aarch64\"", "\"signature\":\"linker-signed\"", system]);
    has_all(&lines[1], &["\"cpu\":\"x86_64\"", system]);
    has_all(&lines[2], &["\"cpu\":\"x86_64\"", "\"libthr.so.3\""]);

    const PAGE: usize = 1 << 14;
    // adr x16, -16384; ldp x17, x16, [x16]; br x16; nop
    let entry = [0x10, 0, 0xfe, 0x10, 0x11, 0x42, 0x40, 0xa9, 0, 0x02, 0x1f, 0xd6, 0x1f, 0x20, 0x03, 0xd5];
    let bytes = fs::read(&programs[0]).unwrap();
    let start = bytes.windows(entry.len()).position(|window| window == entry).unwrap();
    assert!(start.is_multiple_of(PAGE), "{start:#x}");
    assert!(bytes[start..start + PAGE].chunks(entry.len()).all(|chunk| chunk == entry));
}

#[test]
fn programs_for_freebsd_name_its_loader_and_libraries() {
    let (_temp, project) = copy_of("examples/first-light").unwrap();
    run_bactrian(&["build", "--target", "x86_64-unknown-freebsd", project.to_str().unwrap()]);
    let lines = inspected(&[&project.join("dist/x86_64-freebsd/first-light")]);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    has_all(line, &["\"system\":\"FreeBSD\"", "\"interpreter\":\"/libexec/ld-elf.so.1\"", "\"libc.so.7\""]);
}

/// What looks like an SDK: the headers that come with the toolchain, and a framework that is in no system.
fn stand_in_sdk(store: &str, project: &Path) -> PathBuf {
    let sdk = project.join("Standin.sdk");
    let framework = sdk.join("System/Library/Frameworks/Standin.framework");
    fs::create_dir_all(framework.join("Headers")).unwrap();
    fs::create_dir_all(sdk.join("usr")).unwrap();
    let name = "/System/Library/Frameworks/Standin.framework/Versions/A/Standin";
    let symbols = format!(
        "--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-macos ]\ninstall-name: '{name}'\nexports:\n  \
         - targets: [ arm64-macos ]\n    symbols: [ _standin_answer ]\n...\n"
    );
    fs::write(framework.join("Standin.tbd"), symbols).unwrap();
    fs::write(framework.join("Headers/Standin.h"), "#include <stdio.h>\nint standin_answer(void);\n").unwrap();
    fs::write(
        sdk.join("SDKSettings.json"),
        r#"{"CanonicalName":"macosx14.5","Version":"14.5","MaximumDeploymentTarget":"14.5.99"}"#,
    )
    .unwrap();
    let copy = "cp -rL /opt/cc/aarch64-macos/include /opt/cc/aarch64-macos/lib Standin.sdk/usr/";
    let project = project.to_str().unwrap();
    let line = ["exec", "--store", store, "--target", "aarch64-macos", project, "--", "sh", "-c", copy];
    run_bactrian(&line);
    sdk
}

#[test]
#[ignore = "minutes; run with --ignored"]
fn frameworks_are_found_in_the_sdk_that_the_user_brings() {
    let private = tempfile::tempdir_in(store().parent().unwrap()).unwrap();
    link_store(private.path()).unwrap();
    let store = private.path().to_str().unwrap();
    let (_temp, project) = copy_of("crates/e2e/projects/framework").unwrap();
    let path = project.to_str().unwrap();
    let sdk = stand_in_sdk(store, &project);
    let failing = |arguments: &[&str], code| {
        let Output { status, stderr, .. } =
            command(bactrian().unwrap()).args(arguments).args(["--store", store]).output().unwrap();
        let told = String::from_utf8_lossy(&stderr).into_owned();
        assert_eq!(status.code(), Some(code), "{told}");
        told
    };
    let build = ["build", "--target", "aarch64-macos", path, "--store", store];
    // Without the SDK there is no such framework.
    assert!(failing(&build[..4], 1).contains("Standin/Standin.h"));
    for part in ["SDKSettings.json", "System/Library/Frameworks", "usr/lib/libSystem.tbd"] {
        let (there, away) = (sdk.join(part), sdk.join("away"));
        fs::rename(&there, &away).unwrap();
        let told = failing(&["toolchain", "add", "macos-sdk", sdk.to_str().unwrap()], 2);
        assert!(told.contains(&format!("it has no {part}")), "{told}");
        fs::rename(&away, &there).unwrap();
    }
    run_bactrian(&["toolchain", "add", "macos-sdk", sdk.to_str().unwrap(), "--store", store]);
    // It is the store's from now on.
    fs::remove_dir_all(&sdk).unwrap();
    assert!(run_bactrian(&["toolchain", "list", "--store", store]).contains("14.5    macos-sdk"));
    run_bactrian(&build);
    let lines = inspected(&[&project.join("dist/aarch64-macos/asks")]);
    has_all(&lines[0], &["Standin.framework/Versions/A/Standin\"", "\"/usr/lib/libSystem.B.dylib\""]);
    run_bactrian(&["toolchain", "remove", "macos-sdk", "--store", store]);
    assert!(!run_bactrian(&["toolchain", "list", "--store", store]).contains("macos-sdk"));
    assert!(failing(&build[..4], 1).contains("Standin/Standin.h"));
}
