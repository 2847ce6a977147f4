//! Small universes for tests, as opam text. Not here: tests.

use std::collections::BTreeMap;

use opam::dependency::Dependencies;
use opam::formula::VersionConstraint;
use opam::name::PackageName;
use opam::package::Package;
use opam::universe::{Universe, UniverseBuilder};
use opam::version::Version;

use crate::constraint;
use crate::problem::Kind;
use crate::request::{Environment, LocalPackage, Request, Root, Worlds};
use crate::solution::{On, Role, Solution};

pub(crate) fn name(text: &str) -> PackageName {
    PackageName::new(text).unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    Version::new(text).unwrap()
}

pub(crate) fn constraint(text: &str) -> VersionConstraint {
    constraint::parse(text).unwrap()
}

/// `fields` as an opam file's fields; it must be free of mistakes.
pub(crate) fn package(package: &str, fields: &str) -> Package {
    let (of, number) = package.split_once('.').unwrap();
    let (package, errors) = Package::parse(name(of), version(number), fields.as_bytes());
    assert_eq!(errors, [], "{fields}");
    package
}

/// A universe of these packages, `name.version` with the fields of its opam file, and two compilers.
pub(crate) fn universe(rows: &[(&str, &str)]) -> Universe {
    let mut builder = UniverseBuilder::new();
    let compilers = [
        ("ocaml-base-compiler.4.14.1", "flags: compiler depends: \"ocaml\" {= \"4.14.1\" & post}"),
        ("ocaml-base-compiler.5.3.0", "flags: compiler depends: \"ocaml\" {= \"5.3.0\" & post}"),
        ("ocaml.4.14.1", "depends: \"ocaml-base-compiler\" {= \"4.14.1\"}"),
        ("ocaml.5.3.0", "depends: \"ocaml-base-compiler\" {= \"5.3.0\"}"),
    ];
    for (of, fields) in compilers.iter().chain(rows) {
        package(of, fields);
        let (of, number) = of.split_once('.').unwrap();
        assert!(builder.add(0, name(of), version(number), fields.as_bytes(), &[]), "{of} twice");
    }
    builder.build()
}

pub(crate) fn environment(os: &str, arch: &str) -> Environment {
    Environment::new([("os", os), ("arch", arch), ("os-distribution", "debian"), ("os-family", "debian")])
}

/// A request for `roots`, as in `a` or `a >= "1"`, on one target that is like the host.
pub(crate) fn request(roots: &[&str]) -> Request {
    let root = |text: &&str| {
        let (of, versions) = text.split_once(' ').unwrap_or((text, "*"));
        Root { name: name(of), versions: constraint(versions) }
    };
    Request {
        roots: roots.iter().map(root).collect(),
        project: Vec::new(),
        worlds: Worlds {
            host: environment("linux", "x86_64"),
            targets: vec![("t".to_owned(), environment("linux", "x86_64"))],
        },
        ocaml: version("5.3.0"),
        with_test: false,
        preferences: Vec::new(),
        favoured: BTreeMap::new(),
        excluded: Vec::new(),
    }
}

/// A package of the project with these fields.
pub(crate) fn local(of: &str, fields: &str) -> LocalPackage {
    let Package { depends, depopts, conflicts, .. } = package(&format!("{of}.dev"), fields);
    let depopts: Dependencies = depopts;
    LocalPackage { name: name(of), depends, depopts, conflicts, host: Vec::new() }
}

/// Every node as `H:name.version` or `T:name.version` with its dependencies, in order; compilers left out.
pub(crate) fn show(solution: &Solution) -> Vec<String> {
    let compiler = |text: &PackageName| text.as_str().starts_with("ocaml");
    let letter = |role| if role == Role::Host { 'H' } else { 'T' };
    let on = |on: &On| match on {
        On::All => String::new(),
        On::Only(targets) => format!("@{}", targets.join("+")),
    };
    let nodes = solution.nodes.iter().filter(|(key, _)| !compiler(&key.name));
    let lines = nodes.map(|(key, node)| {
        let deps = node.deps.iter().filter(|dep| !compiler(&dep.key.name)).map(|dep| {
            let kind = match dep.kind {
                Kind::Link => "",
                Kind::Build => "!",
                Kind::Order => "?",
                Kind::Post => "+",
            };
            format!(" {}:{}{kind}{}", letter(dep.key.role), dep.key.name, on(&dep.on))
        });
        let deps: String = deps.collect();
        format!("{}:{}.{}{}{deps}", letter(key.role), key.name, node.version, on(&node.on))
    });
    lines.collect()
}
