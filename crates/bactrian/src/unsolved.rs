//! Why there is no choice of packages, in words.
//!
//! The tree of facts is `solve`'s; here each fact is a line, what follows from it indented below. Not here: finding it.

use opam::dependency::Requirement;
use opam::formula::{Formula, VersionConstraint};
use opam::universe::Universe;
use opam::version::Version;
use solve::constraint;
use solve::explain::{Cause, Explanation, Place, Reason, Unmet, Who};
use solve::solution::Key;

use crate::error::{CommandError, Kind};
use crate::settings::Wanted;
use crate::text;

/// Versions that are listed one by one; of more, the newest are.
const LISTED: usize = 5;

/// Whether a package that was asked for by name is there at all.
pub(crate) fn check_exists(universe: &Universe, wanted: &Wanted) -> Result<(), CommandError> {
    let known = universe.versions(&wanted.name);
    if known.is_empty() {
        let told = CommandError::new(Kind::NoSolution, format_args!("there is no package `{}`", wanted.name));
        let near: Vec<String> = universe.suggest(wanted.name.as_str()).iter().map(ToString::to_string).collect();
        return Err(if near.is_empty() {
            told.hint("repositories are named with --repo; `bactrian install --help` says how")
        } else {
            told.hint(format_args!("did you mean {}?", text::any_of(&near)))
        });
    }
    match &wanted.version {
        Some(version) if universe.get(&wanted.name, version).is_none() => {
            let versions: Vec<Version> = known.iter().map(|entry| entry.version().clone()).collect();
            let name = &wanted.name;
            Err(CommandError::new(Kind::NoSolution, format_args!("there is no version {version} of `{name}`"))
                .hint(format_args!("there is {}", list(&versions))))
        }
        _ => Ok(()),
    }
}

/// A failure to choose, for people.
pub(crate) fn tell(failure: &solve::Failure) -> CommandError {
    match failure {
        solve::Failure::NoSolution(explanation) => no_solution(explanation),
        solve::Failure::Cycle(cycle) => {
            let told = CommandError::new(Kind::NoSolution, "packages wait for each other");
            told.cause(circle(&cycle.0))
                .hint("an opam file of the repository is wrong: a dependency should be `{post}`")
        }
    }
}

/// `a needs b, b needs a`
pub(crate) fn circle(keys: &[Key]) -> String {
    let next = keys.iter().skip(1).chain(keys.first());
    let pairs = keys.iter().zip(next).map(|(one, other)| format!("{} needs {}", one.name, other.name));
    pairs.collect::<Vec<_>>().join(", ")
}

fn no_solution(explanation: &Explanation) -> CommandError {
    let told = CommandError::new(Kind::NoSolution, "no choice of package versions is possible");
    let Some(tree) = &explanation.tree else {
        let names: Vec<_> = explanation.about.iter().map(ToString::to_string).collect();
        return told.cause(format_args!("these packages cannot be had together: {}", names.join(", ")));
    };
    let mut lines = Vec::new();
    unmet(tree, 0, &mut lines);
    let hint = hint(tree);
    let told = told.cause(lines.join("\n"));
    hint.map_or_else(|| told.clone(), |hint| told.clone().hint(hint))
}

/// What to do about the commonest reasons.
fn hint(tree: &Unmet) -> Option<String> {
    tree.because.iter().find_map(|reason| match reason {
        Reason::UnknownPackage { nearest, .. } if !nearest.is_empty() => {
            let near: Vec<String> = nearest.iter().map(ToString::to_string).collect();
            Some(format!("did you mean {}?", text::any_of(&near)))
        }
        Reason::Versions { cause: Cause::OtherCompiler { .. }, .. } => Some("choose another with --ocaml".to_owned()),
        Reason::Versions { cause: Cause::Requires(unmet), .. } => hint(unmet),
        Reason::Together { unmet, .. } => hint(unmet),
        Reason::UnknownPackage { .. } | Reason::NoVersion { .. } | Reason::Versions { .. } => None,
    })
}

fn unmet(tree: &Unmet, depth: usize, lines: &mut Vec<String>) {
    let requires = match &tree.who {
        Who::Compiler(_) => "the compiler must be",
        Who::Request(_) => "you asked for",
        Who::Project(_) => "the project has",
        Who::Package { .. } => "",
    };
    let what = formula(&tree.what);
    let line =
        if requires.is_empty() { format!("{} requires {what}", who(&tree.who)) } else { format!("{requires} {what}") };
    push(lines, depth, &line);
    for reason in &tree.because {
        tell_reason(reason, depth + 1, lines);
    }
}

fn tell_reason(reason: &Reason, depth: usize, lines: &mut Vec<String>) {
    match reason {
        Reason::UnknownPackage { name, .. } => push(lines, depth, &format!("there is no package {name}")),
        Reason::NoVersion { name, constraint, known } => {
            push(lines, depth, &format!("no version of {name} is {}; there is {}", bounds(constraint), list(known)));
        }
        Reason::Versions { name, versions, cause } => {
            let these = format!("{name} {}", list(versions));
            match cause_line(&these, cause) {
                Ok(line) => push(lines, depth, &line),
                Err(below) => unmet(below, depth, lines),
            }
        }
        Reason::Together { what, unmet: below } => {
            push(lines, depth, &format!("{} together:", formula(what)));
            unmet(below, depth + 1, lines);
        }
    }
}

/// One line, or the tree to tell instead.
fn cause_line<'c>(these: &str, cause: &'c Cause) -> Result<String, &'c Unmet> {
    Ok(match cause {
        Cause::Unavailable { place: at, filter } => {
            format!("{these} is not available on {}, only where {filter}", place(at))
        }
        Cause::OtherCompiler { pinned } => format!("{these} is another compiler than {pinned}"),
        Cause::Excluded => format!("{these} is excluded"),
        Cause::OthersRequired { by, constraint } => {
            format!("{these} does not fit {}, which requires {}", who(by), bounds(constraint))
        }
        Cause::OthersTaken { versions } => format!("{these} cannot be had beside {}", list(versions)),
        Cause::ConflictOf { by } => format!("{these} conflicts with {}", who(by)),
        Cause::ConflictWith { name, needed_by } => {
            format!("{these} conflicts with {name}, which {} needs", who(needed_by))
        }
        Cause::Class { class, by } => format!("{these} excludes {}: both are {class}", who(by)),
        Cause::Requires(unmet) => return Err(unmet),
    })
}

fn push(lines: &mut Vec<String>, depth: usize, line: &str) {
    lines.push(format!("{:indent$}{line}", "", indent = depth * 2));
}

fn who(who: &Who) -> String {
    match who {
        Who::Compiler(_) => "the choice of the compiler".to_owned(),
        Who::Request(_) => "what you asked for".to_owned(),
        Who::Project(_) => "the project".to_owned(),
        Who::Package { name, versions, place: at } => match at {
            Place::Host => format!("{name} {} (on this machine)", list(versions)),
            Place::Target(_) => format!("{name} {}", list(versions)),
        },
    }
}

fn place(place: &Place) -> &str {
    match place {
        Place::Host => "this machine",
        Place::Target(name) => name,
    }
}

pub(crate) fn formula(what: &Formula<Requirement>) -> String {
    let join = |parts: &[Formula<Requirement>], word: &str| {
        parts.iter().map(formula).collect::<Vec<_>>().join(&format!(" {word} "))
    };
    match what {
        Formula::True => "nothing".to_owned(),
        Formula::False => "what nothing is".to_owned(),
        Formula::Atom(requirement) => match &requirement.versions {
            Formula::True => requirement.name.to_string(),
            versions => format!("{} {}", requirement.name, bounds(versions)),
        },
        Formula::And(parts) => join(parts, "and"),
        Formula::Or(parts) => join(parts, "or"),
    }
}

fn bounds(constraint: &VersionConstraint) -> String {
    constraint::to_text(constraint).replace('"', "")
}

/// The newest versions, and how many more there are.
fn list(versions: &[Version]) -> String {
    let newest = versions.iter().rev().take(LISTED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match versions.len().saturating_sub(LISTED) {
        0 => newest,
        more => format!("{newest} and {more} older"),
    }
}
