use super::*;

fn gnu() -> Description {
    Description {
        cc: "/home/me/x-tools/bin/aarch64-linux-gnu-gcc".to_owned(),
        prefix: "/home/me/x-tools".to_owned(),
        sysroot: Some("/home/me/sdk/root".to_owned()),
        tools: BTreeMap::from([
            ("as".to_owned(), "/home/me/x-tools/bin/aarch64-linux-gnu-as".to_owned()),
            ("ar".to_owned(), "/opt/tools/ar".to_owned()),
        ]),
        cflags: ["-O2", "-I/home/me/sdk/root/usr/include", "--sysroot=/home/me/sdk/root", "-DX='1'", "-I/elsewhere"]
            .map(str::to_owned)
            .into(),
        ..Description::default()
    }
}

fn value(brought: &Brought, name: &str) -> String {
    brought.environment.iter().find(|(known, _)| *known == name).unwrap().1.clone()
}

#[test]
fn what_is_built_depends_on_the_compiler_not_on_where_it_was() {
    let target: Target = "aarch64-linux-gnu.2.36".parse().unwrap();
    let brought = Brought::new(target, &gnu()).unwrap();
    let parts: Vec<_> = brought.capture.parts.iter().map(|(from, at)| format!("{from} {at}")).collect();
    assert_eq!(parts, ["/home/me/x-tools usr", "/home/me/sdk/root sysroot", "/opt/tools/ar extra/0/ar"]);
    assert_eq!(value(&brought, "CC"), "usr/bin/aarch64-linux-gnu-gcc");
    assert_eq!(value(&brought, "TOOLS"), "ar=extra/0/ar as=usr/bin/aarch64-linux-gnu-as");
    assert_eq!(
        value(&brought, "CFLAGS"),
        "'-O2' '-I/opt/cc/aarch64-linux-gnu.2.36/from/sysroot/usr/include' \
         '--sysroot=/opt/cc/aarch64-linux-gnu.2.36/from/sysroot' '-DX='\\''1'\\''' '-I/elsewhere'"
    );
    let mut moved = gnu();
    for path in [&mut moved.cc, &mut moved.prefix].into_iter().chain(moved.tools.values_mut()) {
        *path = path.replace("/home/me/x-tools", "/srv/gcc");
    }
    assert_eq!(Brought::new(target, &moved).unwrap().environment, brought.environment);
}

#[test]
fn parts_of_a_system_keep_their_places() {
    let description = Description {
        cc: "/usr/bin/x-gcc".to_owned(),
        prefix: "/usr".to_owned(),
        parts: ["/usr/lib/gcc/x/12", "/usr/lib/gcc/x", "/usr/x"].map(str::to_owned).into(),
        tools: BTreeMap::from([("ld".to_owned(), "/usr/x/bin/ld".to_owned())]),
        ..Description::default()
    };
    let brought = Brought::new("x86_64-linux-musl".parse().unwrap(), &description).unwrap();
    let parts: Vec<_> = brought.capture.parts.iter().map(|(from, at)| format!("{from} {at}")).collect();
    assert_eq!(parts, ["/usr/lib/gcc/x usr/lib/gcc/x", "/usr/x usr/x", "/usr/bin/x-gcc usr/bin/x-gcc"]);
    assert_eq!((value(&brought, "MODE"), value(&brought, "ELF")), ("-static".to_owned(), "1".to_owned()));
}

#[test]
fn the_build_machines_own_toolchain_is_not_replaced() {
    let host = layout::HOST_CC_TARGET.parse().unwrap();
    assert_eq!(Brought::new(host, &gnu()), Err(BroughtError::Host { target: layout::HOST_CC_TARGET.to_owned() }));
}

/// A directory that holds the compiler's own does not move that: a compiler finds its parts from where its program is.
#[test]
fn what_is_needed_besides_leaves_the_compilers_own_where_it_was() {
    let description = Description {
        cc: "/usr/bin/x-gcc".to_owned(),
        prefix: "/usr".to_owned(),
        parts: ["/usr/lib/gcc/x"].map(str::to_owned).into(),
        directories: vec!["/usr/lib".to_owned()],
        ldflags: ["-L/usr/lib", "-B/usr/lib/gcc/x", "-Wl,-rpath=/usr/lib"].map(str::to_owned).into(),
        ..Description::default()
    };
    let brought = Brought::new("x86_64-linux-musl".parse().unwrap(), &description).unwrap();
    let parts: Vec<_> = brought.capture.parts.iter().map(|(from, at)| format!("{from} {at}")).collect();
    assert_eq!(parts, ["/usr/lib/gcc/x usr/lib/gcc/x", "/usr/bin/x-gcc usr/bin/x-gcc", "/usr/lib extra/0/lib"]);
    assert_eq!(
        value(&brought, "LDFLAGS"),
        "'-L/opt/cc/x86_64-linux-musl/from/extra/0/lib' '-B/opt/cc/x86_64-linux-musl/from/usr/lib/gcc/x' \
         '-Wl,-rpath=/usr/lib'"
    );
}

#[test]
fn libraries_are_apart_from_other_arguments_of_links() {
    let flags = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect();
    let description = Description {
        ldflags: flags(&["-Wl,-z,relro", "-latomic", "/home/me/sdk/root/libx.a"]),
        ldlibs: flags(&["-lkernel32"]),
        ..gnu()
    };
    let brought = Brought::new("aarch64-linux-gnu.2.36".parse().unwrap(), &description).unwrap();
    assert_eq!(value(&brought, "LDFLAGS"), "'-Wl,-z,relro'");
    let archive = "/opt/cc/aarch64-linux-gnu.2.36/from/sysroot/libx.a";
    assert_eq!(value(&brought, "LDLIBS"), format!("'-latomic' '{archive}' '-lkernel32'"));
}

#[test]
fn a_brought_compiler_replaces_ours_for_its_target_alone() {
    let target: Target = "aarch64-linux-gnu.2.36".parse().unwrap();
    let labels = |brought: bool| {
        let mut planner = Planner::new(b"builder");
        if brought {
            planner.bring(Brought::new(target, &gnu()).unwrap());
        }
        planner.cc(target).unwrap();
        planner.host_cc().unwrap();
        let graph = planner.finish();
        let captured = graph.iter().any(|(_, node)| matches!(node, Node::Capture(_)));
        let runs = graph.iter().filter_map(|(_, node)| match node {
            Node::Run(run) => Some((run.label.clone(), format!("{:?}", run.command.environment))),
            _ => None,
        });
        (captured, runs.collect::<BTreeMap<_, _>>())
    };
    let ((none, ours), (some, theirs)) = (labels(false), labels(true));
    assert!(some && !none);
    let host = format!("C toolchain for {}", layout::HOST_CC_TARGET);
    assert_eq!(ours[&host], theirs[&host]);
    assert_ne!(ours["C toolchain for aarch64-linux-gnu.2.36"], theirs["C toolchain for aarch64-linux-gnu.2.36"]);
}

/// Compilers of 32-bit targets run on the build machine, so they are not compiled for what the user's target may do.
#[test]
fn what_runs_on_the_build_machine_is_not_made_by_a_brought_compiler() {
    let (own, other): (Target, Target) = ("x86-linux-musl".parse().unwrap(), "armv7-linux-musleabihf".parse().unwrap());
    let mut planner = Planner::new(b"builder");
    planner.bring(Brought::new(own, &gnu()).unwrap());
    let release = crate::ocaml::Release::V4_14_1;
    let [of_own, of_other] = [own, other].map(|target| planner.ocaml_cross(release, target).unwrap());
    let graph = planner.finish();
    let label = |node: &Node| match node {
        Node::Run(run) => run.label.clone(),
        _ => String::new(),
    };
    let (host, _) = graph.iter().find(|(_, node)| label(node) == "OCaml 4.14.1 of 32 bits for this machine").unwrap();
    let is_of_brought = |goal| {
        let needed = graph.needed_for(&[goal]);
        graph.iter().zip(needed).any(|((_, node), needed)| needed && matches!(node, Node::Capture(_)))
    };
    assert_eq!([of_own, of_other, host].map(is_of_brought), [true, false, false]);
}
