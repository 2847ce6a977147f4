use std::collections::BTreeSet;

use action::graph::{Graph, Run};

use super::conf::{Conf, Tool};
use super::*;

/// The graph that makes `library`, and the library's own action in it.
fn plan(library: Library, world: World) -> (Graph, Run) {
    let mut planner = Planner::new(b"builder");
    planner.library(library, world).unwrap();
    let graph = planner.finish();
    let run = own_action(&graph, library).1.clone();
    (graph, run)
}

fn own_action(graph: &Graph, library: Library) -> (NodeId, &Run) {
    let start = format!("{} {} for ", library.facts().name, library.facts().version);
    let mut found = Vec::new();
    for (id, node) in graph.iter() {
        if let Node::Run(run) = node
            && run.label.starts_with(&start)
        {
            found.push((id, run));
        }
    }
    let [found] = found.as_slice() else { panic!("{library:?} is made by {} actions", found.len()) };
    *found
}

fn target(name: &str) -> World {
    World::Target(name.parse().unwrap())
}

/// The labels of actions, fetches and captures.
fn labels(graph: &Graph) -> Vec<String> {
    let label = |node: &Node| match node {
        Node::Run(run) => Some(run.label.clone()),
        Node::Fetch(fetch) => Some(fetch.label.clone()),
        _ => None,
    };
    graph.iter().filter_map(|(_, node)| label(node)).collect()
}

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<_> = Library::ALL.iter().map(|library| library.facts().name).collect();
    assert_eq!(names.len(), Library::ALL.len());
    let confs: Vec<_> = Conf::all().collect();
    assert_eq!(confs.iter().collect::<BTreeSet<_>>().len(), confs.len());
    for library in Library::ALL {
        assert_eq!(Library::named(library.facts().name), Some(library));
        for conf in library.facts().conf {
            assert_eq!(Library::for_conf(conf), Some(library));
            assert_eq!(Conf::named(conf), Some(Conf::Library(library)));
        }
    }
    assert_eq!(Library::named("conf-gmp"), None);
    assert_eq!(Library::for_conf("gmp"), None);
}

#[test]
fn conf_packages_mean_what_they_should() {
    for (conf, meaning) in [
        ("conf-libcurl", Conf::Library(Library::Curl)),
        ("conf-expat", Conf::Library(Library::Expat)),
        ("conf-gmp", Conf::Library(Library::Gmp)),
        ("conf-gmp-powm-sec", Conf::Library(Library::Gmp)),
        ("conf-zlib", Conf::Library(Library::Zlib)),
        ("conf-libffi", Conf::Library(Library::Libffi)),
        ("conf-sqlite3", Conf::Library(Library::Sqlite3)),
        ("conf-libev", Conf::Library(Library::Libev)),
        ("conf-libpcre2-8", Conf::Library(Library::Pcre2)),
        ("conf-libssl", Conf::Library(Library::Openssl)),
        ("conf-pkg-config", Conf::Tool(Tool::PkgConfig)),
        ("conf-which", Conf::Tool(Tool::Base("which"))),
        ("conf-perl", Conf::Tool(Tool::Extra(Extra::Perl))),
        ("conf-python-3", Conf::Tool(Tool::Absent("python3"))),
    ] {
        assert_eq!(Conf::named(conf), Some(meaning), "{conf}");
    }
    assert_eq!(Conf::named("conf-of-nothing"), None);
}

/// A tool that is said to be in the base image is there, one that is said not to be is not.
#[test]
fn the_table_of_tools_agrees_with_the_base_image() {
    let base = crate::base::image();
    let has = |name: &str| base.tools.iter().any(|tool| tool.names.iter().any(|known| known == name));
    for conf in Conf::all() {
        match Conf::named(conf) {
            Some(Conf::Tool(Tool::Base(name))) => assert!(has(name), "{conf}"),
            Some(Conf::Tool(Tool::Absent(name))) => assert!(!has(name), "{conf}"),
            _ => {}
        }
    }
}

#[test]
fn every_library_can_be_planned_for_every_target_and_the_host() {
    let worlds = Target::all().filter(|target| target.has_own_cc()).map(World::Target).chain([World::Host]);
    for world in worlds {
        for library in Library::ALL {
            let (_, run) = plan(library, world);
            assert_eq!(run.serves.as_deref(), world.target().map(|target| target.spec().name));
            let environment = &run.command.environment;
            assert_eq!(environment.get("CC_TARGET"), Some(&world.c_target().unwrap().to_string()));
            assert_eq!(environment.get("PREFIX"), Some(&world.prefix()));
            assert_eq!(environment.get("VERSION").map(String::as_str), Some(library.facts().version));
            assert!(!environment.contains_key("BACTRIAN_JOBS"));
            assert_eq!(sources::library(library).len(), 1);
            let names = |source: &action::source::Source| source.name.contains(library.facts().version);
            assert!(sources::library(library).iter().all(names), "{library:?}");
        }
    }
}

#[test]
fn a_library_sees_its_own_toolchain_and_the_hosts() {
    let toolchains = |world| -> BTreeSet<String> {
        let (_, run) = plan(Library::Zlib, world);
        let at = run.inputs.iter().map(|input| input.at.to_string());
        at.filter(|at| at.starts_with(layout::CC)).collect()
    };
    let host = "opt/cc/x86_64-linux-gnu.2.28".to_owned();
    let musl = "opt/cc/aarch64-linux-musl".to_owned();
    assert_eq!(toolchains(target("aarch64-linux-musl")), [musl, host.clone()].into());
    assert_eq!(toolchains(target("x86_64-linux-gnu.2.28")), [host.clone()].into());
    assert_eq!(toolchains(World::Host), [host].into());
}

#[test]
fn a_library_is_planned_once_for_each_world() {
    let mut planner = Planner::new(b"builder");
    for world in [World::Host, target("x86_64-linux-gnu.2.28"), target("aarch64-linux-musl")] {
        let first = planner.library(Library::Gmp, world).unwrap();
        assert_eq!(planner.library(Library::Gmp, world).unwrap(), first);
    }
    let labels = labels(&planner.finish());
    let made: Vec<_> = labels.iter().filter(|label| label.starts_with("gmp")).map(String::as_str).collect();
    assert_eq!(
        made,
        [
            "gmp 6.3.0 sources",
            "gmp 6.3.0 for this machine",
            "gmp 6.3.0 for x86_64-linux-gnu.2.28",
            "gmp 6.3.0 for aarch64-linux-musl"
        ]
    );
}

#[test]
fn openssl_is_told_the_machine_in_its_own_words() {
    for (name, configuration) in [
        ("aarch64-linux-musl", "linux-aarch64"),
        ("x86_64-linux-gnu", "linux-x86_64"),
        ("riscv64-linux-musl", "linux64-riscv64"),
        ("armv7-linux-musleabihf", "linux-armv4"),
        ("x86-linux-musl", "linux-x86"),
    ] {
        let (_, run) = plan(Library::Openssl, target(name));
        assert_eq!(run.command.environment.get("CONFIGURATION").map(String::as_str), Some(configuration));
    }
}

/// A library's action sees what it uses where the compiler looks for it; who asks for the library gets both, and once.
#[test]
fn a_library_brings_what_it_uses() {
    for world in [World::Host, target("aarch64-linux-musl")] {
        let mut planner = Planner::new(b"builder");
        let zlib = planner.library(Library::Zlib, world).unwrap();
        let curl = planner.library(Library::Curl, world).unwrap();
        assert_eq!(planner.library(Library::Curl, world).unwrap(), curl);
        let openssl = planner.library(Library::Openssl, world).unwrap();
        let graph = planner.finish();
        let (own, run) = own_action(&graph, Library::Curl);
        let place = RelPath::new(&world.place()).unwrap();
        let seen: BTreeSet<_> =
            run.inputs.iter().filter(|input| input.at == place).map(|input| input.from.node).collect();
        assert_eq!(seen, [openssl.node, zlib.node].into());
        let Some(Node::Compose(brought)) = graph.get(curl.node) else { panic!("curl comes alone") };
        assert!(brought.iter().all(|input| input.at == RelPath::root()));
        let brought: BTreeSet<_> = brought.iter().map(|input| input.from.node).collect();
        assert_eq!(brought, [own, openssl.node, zlib.node].into());
    }
}

/// Otherwise planning would not end, and `pkg-config` could not say in which order to link.
#[test]
fn no_library_uses_itself() {
    fn below(library: Library, path: &[Library]) {
        assert!(!path.contains(&library), "{library:?} uses itself: {path:?}");
        for used in library.facts().uses {
            below(*used, &[path, &[library]].concat());
        }
    }
    Library::ALL.into_iter().for_each(|library| below(library, &[]));
}

/// Where a library has another recipe, its action reads that one, and actions for all other systems do not know of it.
#[test]
fn a_system_may_have_a_recipe_of_its_own() {
    let scripts = |library, name: &str| -> BTreeSet<String> {
        let (graph, run) = plan(library, target(name));
        let literals = run.inputs.iter().filter_map(|input| match graph.get(input.from.node) {
            Some(Node::Literal(literal)) => Some(literal.files.iter().map(|file| file.path.to_string())),
            _ => None,
        });
        let start = format!("bactrian/clib/{}", library.facts().name);
        literals.flatten().filter(|path| path.starts_with(&start) && path.ends_with(".sh")).collect()
    };
    for target in ["aarch64-macos", "x86_64-macos", "x86_64-freebsd"] {
        assert_eq!(scripts(Library::Expat, target), ["bactrian/clib/expat-bsd.sh".to_owned()].into(), "{target}");
    }
    for target in ["aarch64-linux-musl", "x86_64-linux-gnu.2.28", "x86_64-windows-gnu"] {
        assert_eq!(scripts(Library::Expat, target), ["bactrian/clib/expat.sh".to_owned()].into(), "{target}");
    }
}

/// perl is an image of its own: other libraries' actions do not depend on it.
#[test]
fn only_what_needs_a_tool_has_it() {
    let images = |library| -> Vec<Vec<String>> {
        let (graph, _) = plan(library, World::Host);
        let tools = |node: &Node| match node {
            Node::Base(base) => Some(base.tools.iter().flat_map(|tool| tool.names.clone()).collect::<Vec<_>>()),
            _ => None,
        };
        graph.iter().filter_map(|(_, node)| tools(node)).filter(|tools| tools.len() == 1).collect()
    };
    assert_eq!(images(Library::Openssl), [["perl"]]);
    assert_eq!(images(Library::Gmp), [["m4"]]);
    assert!(images(Library::Zlib).is_empty());
}
