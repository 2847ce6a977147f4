use opam::universe::UniverseBuilder;

use super::*;

fn fetch(url: &str) -> Result<Source, InstructionError> {
    let (name, version) = (PackageName::new("x").unwrap(), Version::new("1").unwrap());
    let (package, errors) = Package::parse(name, version, format!("url {{ {url} }}").as_bytes());
    assert_eq!(errors, [], "{url}");
    fetched(&package, package.source.as_ref().unwrap(), &["https://m.test/cache/".to_owned()])
}

#[test]
fn an_archive_has_all_its_checksums_and_addresses() {
    let (md5, sha256, sha512) = ("01".repeat(16), "02".repeat(32), "03".repeat(64));
    let src = "src: \"https://a.test/x.tbz\" mirrors: [\"https://b.test/x\" \"https://c.test/x\"]";
    for (checksum, identity, weak) in [
        (format!("\"sha256={sha256}\""), &sha256, false),
        (format!("[\"md5={md5}\" \"sha256={sha256}\" \"sha512={sha512}\"]"), &sha256, false),
        (format!("[\"md5={md5}\" \"sha512={sha512}\"]"), &sha512, false),
        (format!("\"{md5}\""), &md5, true),
    ] {
        let source = fetch(&format!("{src} checksum: {checksum}")).unwrap();
        assert_eq!((&source.hex(), source.checksums.is_weak()), (identity, weak), "{checksum}");
        assert_eq!(source.checksums.iter().count(), checksum.matches('"').count() / 2);
        let own = ["https://a.test/x.tbz", "https://b.test/x", "https://c.test/x"].map(str::to_owned);
        let cached = source.checksums.iter().map(|one| format!("https://m.test/cache/{}", one.cache_path()));
        let urls: Vec<_> = cached.chain(own).map(Origin::Url).collect();
        assert_eq!(source.origins, urls);
    }
    assert!(matches!(fetch(src), Err(InstructionError::NoChecksum { .. })));
}

fn name(text: &str) -> PackageName {
    PackageName::new(text).unwrap()
}

fn target() -> World {
    World::Target("aarch64-linux-musl".parse().unwrap())
}

/// What is done for the package `x` of this text, for a target, beside `lib` there and `tool` on the build machine.
fn of(text: &str, exporters: &[(&str, &str)]) -> Instructions {
    of_target(target(), text, exporters)
}

fn of_target(world: World, text: &str, exporters: &[(&str, &str)]) -> Instructions {
    let mut builder = UniverseBuilder::new();
    let version = Version::new("1.0").unwrap();
    for (package, text) in [("x", text)].iter().chain(exporters) {
        builder.add(1, name(package), version.clone(), text.as_bytes(), &[]);
    }
    let universe = builder.build();
    let entry = |package: &str| universe.get(&name(package), &version).unwrap();
    let installed = |world| Installed { version: version.clone(), world };
    let installed = [(name("lib"), installed(world)), (name("tool"), installed(World::Host))].into();
    let exporters: Vec<&Package> = exporters.iter().map(|(package, _)| entry(package).package()).collect();
    let setting = Setting {
        world,
        release: Release::V5_3_0,
        installed: &installed,
        exporters: &exporters,
        quirks: &Quirks::default(),
        archive_mirrors: &[],
    };
    assert_eq!(entry("x").parsed().errors, []);
    instructions(entry("x"), &setting).unwrap()
}

#[test]
fn packages_change_the_environment_of_those_that_use_them() {
    let text = "build-env: [[FLAGS += \"-x\"] [PATH = \"/own\"] [OPAMCLI = \"2.1\"]]";
    let lib = "setenv: [[FLAGS += \"-lib\"] [HERE = \"%{lib:lib}%\"] [PATH += \"%{bin}%\"]]";
    let tool = "setenv: [[FLAGS =+ \"-tool\"] [TOOL = \"%{share}%/t %{_:lib}%\"]]";
    let environment = of(text, &[("lib", lib), ("tool", tool)]).environment;
    assert_eq!(environment["FLAGS"], "-x:-lib:-tool");
    assert_eq!(environment["HERE"], "/target/aarch64_linux_musl/lib/lib");
    // A tool of the build machine speaks of its own prefix.
    assert_eq!(environment["TOOL"], "/host/share/t /host/lib/tool");
    assert_eq!(environment["OPAMCLI"], "2.1");
    // Nothing goes before the tools that know for whom they are called.
    let path = &of("", &[]).environment["PATH"];
    assert!(path.starts_with("/bactrian/tools:/host/bin:"), "{path}");
    assert_eq!(environment["PATH"], format!("{path}:/own"));
    let path_of_lib = &of("", &[("lib", lib)]).environment["PATH"];
    assert_eq!(path_of_lib, &format!("{path}:/target/aarch64_linux_musl/bin"));
}

/// A package finds out about native code by looking for its compiler, or by asking for opam's variable.
#[test]
fn a_package_sees_that_there_is_no_native_code() {
    let text = "build: [[\"a\"] [\"opt\"] {ocaml:native} [\"tools\"] {ocaml:native-tools}]";
    let commands = |wanted: &Instructions| -> Vec<String> {
        wanted.commands.iter().map(|command| command.arguments[0].clone()).collect()
    };
    let native = of(text, &[]);
    assert_eq!(commands(&native), ["a", "opt", "tools"]);
    assert!(native.environment["PATH"].contains(":/opt/ocaml/bin:"));
    let byte = of_target(World::Target("armv7-linux-musleabihf".parse().unwrap()), text, &[]);
    assert_eq!(commands(&byte), ["a", "tools"]);
    assert!(!byte.environment["PATH"].contains("/opt/ocaml/"), "{}", byte.environment["PATH"]);
}

#[test]
fn tools_and_libraries_are_found_in_their_own_prefixes() {
    let wanted = of("build: [\"x\" \"%{lib:share}%\" \"%{tool:share}%\" tool:bin \"%{absent:share}%\"]", &[]);
    let expected = ["x", "/target/aarch64_linux_musl/share/lib", "/host/share/tool", "/host/bin", ""];
    assert_eq!(wanted.commands[0].arguments, expected);
}

#[test]
fn what_is_only_known_later_is_asked_for_then() {
    let wanted = of("build: [[\"x\" \"-j\" jobs \"it's %{tool:cmd}%\"]] build-env: [MAKEFLAGS = \"-j%{jobs}%\"]", &[]);
    let step = package::step(&wanted.commands[0], &wanted, "/tmp/build");
    let builder::Step::Run { argv, env, .. } = step else { panic!("{step:?}") };
    let line = String::from_utf8(argv[2].to_vec()).unwrap();
    assert_eq!(
        line,
        "export MAKEFLAGS='-j'\"$BACTRIAN_JOBS\"''; exec 'x' '-j' ''\"$BACTRIAN_JOBS\"'' \
         'it'\\''s '\"$(cat '/host/.bactrian/tool.config/cmd' 2>/dev/null)\"''"
    );
    assert!(!env.iter().any(|(name, _)| name.as_slice() == b"MAKEFLAGS"));
    let plain = of("build: [\"x\" \"y\"]", &[]);
    let step = package::step(&plain.commands[0], &plain, "/tmp/build");
    assert!(matches!(step, builder::Step::Run { argv, .. } if argv.len() == 2));
}

#[test]
fn nothing_is_decided_by_what_is_only_known_later() {
    let filters = ["tool:cmd", "tool:cmd != \"x\"", "?tool:cmd", "jobs != \"1\"", "tool:cmd & tool:installed"];
    for filter in filters {
        assert_eq!(of(&format!("build: [[\"x\"] {{{filter}}}]"), &[]).commands, [], "{filter}");
    }
    for filter in ["!(?tool:cmd)", "tool:cmd | tool:installed", "tool:version = \"1.0\""] {
        assert_eq!(of(&format!("build: [[\"x\"] {{{filter}}}]"), &[]).commands.len(), 1, "{filter}");
    }
}

#[test]
fn files_to_be_expanded_come_with_what_variables_are() {
    let wanted = of("substs: [\"config.mk\" \"fix.patch\"] patches: [\"fix.patch\"] build: [\"make\"]", &[]);
    assert_eq!(wanted.substs, ["config.mk", "fix.patch"]);
    let value = |key: &str| wanted.variables.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    for (key, expected) in [
        (":name", Some("x")),
        ("_:version", Some("1.0")),
        ("x:lib", Some("/target/aarch64_linux_musl/lib/x")),
        (":arch", Some("arm64")),
        (":jobs", Some("1")),
        ("lib:installed", Some("true")),
        ("lib:share", Some("/target/aarch64_linux_musl/share/lib")),
        ("tool:lib", Some("/host/lib/tool")),
        ("absent:installed", None),
    ] {
        assert_eq!(value(key), expected, "{key}");
    }
    assert!(of("build: [\"make\"]", &[]).variables.is_empty());
}
