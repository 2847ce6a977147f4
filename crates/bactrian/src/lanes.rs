//! Lanes: the targets of a command, by the OCaml that they are built with.
//!
//! OCaml 5 has no native code for 32 bits, so targets of one command may need compilers of two releases. What is chosen and
//! made for a release is one lane: its own choice of packages, its own root. Whoever asks for byte code gets OCaml 5 for all. Not here: choosing ([`crate::resolution`]).

use plan::ocaml::Release;
use plan::ocaml::byte::Code;
use plan::target::{Os, Target};

use crate::error::CommandError;
use crate::settings::Means;
use crate::text;
use crate::workshop::release;

/// Targets that are built with one OCaml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Those of the targets, in the order in which they were given.
    pub(crate) targets: Vec<Target>,
    /// The releases that serve all of them, the one to try first being the first: at least one.
    pub(crate) releases: Vec<Release>,
}

/// The lanes of `targets`, that of the newest release first; without targets there is one, for the build machine.
///
/// A version that the command or the environment names is for every target; that of `bactrian.toml` is for those that it
/// serves.
pub(crate) fn lanes(targets: &[Target], means: &Means) -> Result<Vec<Lane>, CommandError> {
    let wanted = means.ocaml.map(|_| release(means)).transpose()?;
    let mut lanes: Vec<Lane> = Vec::new();
    for target in targets {
        let serving: Vec<_> =
            Release::ALL.into_iter().rev().filter(|release| serves(*release, *target, means)).collect();
        let releases = match wanted {
            Some(wanted) if serving.contains(&wanted) => vec![wanted],
            Some(wanted) if means.ocaml_is_for_all => return Err(unserved(wanted, *target, &serving)),
            _ => serving,
        };
        match lanes.iter_mut().find(|lane| lane.releases.first() == releases.first()) {
            Some(lane) => {
                lane.targets.push(*target);
                lane.releases.retain(|release| releases.contains(release));
            }
            None => lanes.push(Lane { targets: vec![*target], releases }),
        }
    }
    if lanes.is_empty() {
        let releases = wanted.map_or_else(|| Release::ALL.into_iter().rev().collect(), |wanted| vec![wanted]);
        lanes.push(Lane { targets: Vec::new(), releases });
    }
    if let Some(lane) = lanes.iter().find(|lane| lane.releases.is_empty()) {
        let names: Vec<_> = lane.targets.iter().map(ToString::to_string).collect();
        let names = names.join(", ");
        return Err(CommandError::usage(format_args!("no OCaml that can be built has native code for {names}")));
    }
    lanes.sort_by(|one, other| other.releases.first().cmp(&one.releases.first()));
    Ok(lanes)
}

/// Whether programs of `target` can be made with `release`, in byte code if that is wanted.
fn serves(release: Release, target: Target, means: &Means) -> bool {
    match release.code(target) {
        Some(Code::Native) => true,
        Some(Code::Byte) => means.bytecode,
        None => false,
    }
}

/// A version was asked for that has no native code for a target.
fn unserved(wanted: Release, target: Target, serving: &[Release]) -> CommandError {
    let told = match (target.cpu().bits, target.spec().os) {
        (_, Os::Windows) => CommandError::usage(format_args!("OCaml {wanted} is not made for {target}"))
            .cause("OCaml 4 for Windows needs FlexDLL, and Bactrian makes programs without it"),
        (bits, _) => {
            let told = CommandError::usage(format_args!("OCaml {wanted} has no native code for {target}"));
            if bits == 32 { told.cause("OCaml 5 compiles for 64-bit machines only") } else { told }
        }
    };
    let told = match wanted.code(target) {
        Some(Code::Byte) => told.hint("with `--bytecode` its programs are made of byte code, with the runtime inside"),
        _ => told,
    };
    let serving: Vec<_> = serving.iter().map(|release| release.version()).collect();
    match serving.first() {
        Some(_) => told.hint(format_args!(
            "leave the version out, and each target gets an OCaml that serves it: {target} is built with {}",
            text::any_of(&serving)
        )),
        None => told,
    }
}

impl Lane {
    /// The release that is taken where nothing else decides.
    pub(crate) fn release(&self) -> Release {
        self.releases.first().copied().unwrap_or_default()
    }

    /// The lane with those of its targets alone that are among `targets`.
    pub(crate) fn only(&self, targets: &[Target]) -> Vec<Target> {
        self.targets.iter().filter(|target| targets.contains(target)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use plan::target::OcamlVersion;

    use super::*;

    fn of(targets: &str, ocaml: Option<(u16, u16, u16)>, for_all: bool) -> Result<Vec<String>, CommandError> {
        let targets: Vec<Target> = targets.split_whitespace().map(|name| name.parse().unwrap()).collect();
        let ocaml = ocaml.map(|(major, minor, patch)| OcamlVersion::new(major, minor, patch));
        let means = Means { ocaml, ocaml_is_for_all: for_all, ..Means::for_test(PathBuf::new()) };
        let shown = |lane: &Lane| {
            let targets: Vec<_> = lane.targets.iter().map(ToString::to_string).collect();
            let releases: Vec<_> = lane.releases.iter().map(ToString::to_string).collect();
            format!("{}: {}", releases.join(" "), targets.join(" "))
        };
        Ok(lanes(&targets, &means)?.iter().map(shown).collect())
    }

    #[test]
    fn targets_get_an_ocaml_that_serves_them() {
        let (wide, narrow) = ("aarch64-linux-musl x86_64-linux-musl", "armv7-linux-musleabihf x86-linux-musl");
        let both = format!("armv7-linux-musleabihf {wide}");
        assert_eq!(of(wide, None, false).unwrap(), [format!("5.4.1 5.3.0 4.14.1: {wide}")]);
        assert_eq!(of(narrow, None, false).unwrap(), [format!("4.14.1: {narrow}")]);
        let two = |newest: &str| [format!("{newest}: {wide}"), "4.14.1: armv7-linux-musleabihf".to_owned()];
        assert_eq!(of(&both, None, false).unwrap(), two("5.4.1 5.3.0 4.14.1"));
        assert_eq!(of(&both, Some((5, 3, 0)), false).unwrap(), two("5.3.0"));
        assert_eq!(of(&both, Some((4, 14, 1)), true).unwrap(), [format!("4.14.1: {both}")]);
        assert_eq!(of("", None, false).unwrap(), ["5.4.1 5.3.0 4.14.1: "]);
    }

    #[test]
    fn a_version_that_does_not_serve_a_target_is_refused() {
        let error = of("aarch64-linux-musl x86-linux-musl", Some((5, 3, 0)), true).unwrap_err();
        assert_eq!(error.message, "OCaml 5.3.0 has no native code for x86-linux-musl");
        assert!(error.hints[0].contains("`--bytecode`"), "{:?}", error.hints);
        assert!(error.hints[1].ends_with("x86-linux-musl is built with `4.14.1`"), "{:?}", error.hints);
    }

    #[test]
    fn ocaml_4_is_not_made_for_windows() {
        let windows = "x86_64-windows-gnu";
        assert_eq!(of(windows, None, false).unwrap(), [format!("5.4.1 5.3.0: {windows}")]);
        let error = of(windows, Some((4, 14, 1)), true).unwrap_err();
        assert!(error.causes[0].contains("FlexDLL") && error.exit().code() == 2, "{error:?}");
        // With the other targets it shares the releases that serve both.
        let two = of(&format!("aarch64-linux-musl {windows}"), None, false).unwrap();
        assert_eq!(two, [format!("5.4.1 5.3.0: aarch64-linux-musl {windows}")]);
    }

    #[test]
    fn whoever_asks_for_byte_code_gets_any_release() {
        let targets: Vec<Target> =
            ["aarch64-linux-musl", "x86-linux-musl"].iter().map(|name| name.parse().unwrap()).collect();
        let means = Means { bytecode: true, ..Means::for_test(PathBuf::new()) };
        let all = Release::ALL.into_iter().rev().collect();
        assert_eq!(lanes(&targets, &means).unwrap(), [Lane { targets: targets.clone(), releases: all }]);
        let means = Means { ocaml: Some(OcamlVersion::new(5, 3, 0)), ocaml_is_for_all: true, ..means };
        assert_eq!(lanes(&targets, &means).unwrap(), [Lane { targets, releases: vec![Release::V5_3_0] }]);
    }
}
