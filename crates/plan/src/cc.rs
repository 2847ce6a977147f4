//! C toolchains: clang and lld out of zig's bundle, and an ordinary sysroot for each target.
//!
//! zig's own cache of libcs is not used: an action makes each target's libc once and lays it out as a sysroot that plain
//! clang understands (`docs/design/c-toolchain.md`, `recipes/cc`). What runs afterwards sees the zig executable and
//! clang's headers alone. A target may have a compiler of the user's own instead ([`brought`]).

pub mod brought;
pub mod gnu;
pub mod ndk;

use action::graph::{Fetch, Node, NodeId, Unpack};
use action::pattern::Pattern;

use crate::layout;
use crate::planner::{Job, PlanError, Planner, input, script};
use crate::sources;
use crate::target::{Abi, Cpu, Target};
use crate::world::World;

const ARCHES: &str = include_str!("../recipes/cc/arches.txt");
const FILES: &str = include_str!("../recipes/cc/zig-files.txt");

/// The recipe's files, by path below [`layout::BACTRIAN`].
const RECIPES: &[(&str, &str)] = &[
    ("cc/arches.txt", ARCHES),
    ("cc/bin/ar", include_str!("../recipes/cc/bin/ar")),
    ("cc/bin/as-any", include_str!("../recipes/cc/bin/as-any")),
    ("cc/bin/cc-dynamic", include_str!("../recipes/cc/bin/cc-dynamic")),
    ("cc/bin/cc-static", include_str!("../recipes/cc/bin/cc-static")),
    ("cc/bin/cpp", include_str!("../recipes/cc/bin/cpp")),
    ("cc/bin/ld", include_str!("../recipes/cc/bin/ld")),
    ("cc/bin/ranlib", include_str!("../recipes/cc/bin/ranlib")),
    ("cc/glibc.sh", include_str!("../recipes/cc/glibc.sh")),
    ("cc/musl.sh", include_str!("../recipes/cc/musl.sh")),
    ("cc/sysroot.sh", include_str!("../recipes/cc/sysroot.sh")),
    ("cc/tools.sh", include_str!("../recipes/cc/tools.sh")),
    ("cc/tools/as.c", include_str!("../recipes/cc/tools/as.c")),
    ("cc/tools/elf.h", include_str!("../recipes/cc/tools/elf.h")),
    ("cc/tools/nm.c", include_str!("../recipes/cc/tools/nm.c")),
    ("cc/tools/rt.h", include_str!("../recipes/cc/tools/rt.h")),
    ("cc/tools/strip.c", include_str!("../recipes/cc/tools/strip.c")),
];

/// Files of the recipe: where they are put, and what is in them.
type Files = &'static [(&'static str, &'static str)];

/// What the recipe reads besides for a system that is not Linux.
const WINDOWS_LIBS: &str = include_str!("../recipes/cc/windows-libs.txt");
const WINDOWS: &[(&str, &str)] = &[
    ("cc/bin/dlltool", include_str!("../recipes/cc/bin/dlltool")),
    ("cc/tools/coff-r.c", include_str!("../recipes/cc/tools/coff-r.c")),
    ("cc/bin/ld-windows", include_str!("../recipes/cc/bin/ld-windows")),
    ("cc/windows-libs.txt", WINDOWS_LIBS),
    ("cc/windows.sh", include_str!("../recipes/cc/windows.sh")),
];
const DARWIN: &[(&str, &str)] = &[
    ("cc/bin/dsymutil", include_str!("../recipes/cc/bin/dsymutil")),
    ("cc/bin/ld-darwin", include_str!("../recipes/cc/bin/ld-darwin")),
    ("cc/darwin.sh", include_str!("../recipes/cc/darwin.sh")),
    ("cc/tools/darwin-rt.c", include_str!("../recipes/cc/tools/darwin-rt.c")),
];
/// What it reads besides where `long double` is a sum of two doubles.
const IBM_LONG_DOUBLE: &[(&str, &str)] = &[("cc/ibm-long-double.c", include_str!("../recipes/cc/ibm-long-double.c"))];
const FREEBSD: &[(&str, &str)] = &[("cc/freebsd.sh", include_str!("../recipes/cc/freebsd.sh"))];

/// Where a toolchain has the user's SDK.
const SDK: &str = "sdk";

/// What of an SDK for macOS is used; all of it must be there.
pub const MACOS_SDK: &[&str] = &["SDKSettings.json", "System/Library/Frameworks", "usr/include", "usr/lib"];

impl Planner {
    /// What compiling and linking need of zig: at [`layout::ZIG`].
    pub(crate) fn zig(&mut self) -> Result<NodeId, PlanError> {
        self.zig_part("use", &["use"], None)
    }

    fn zig_part(&mut self, name: &str, classes: &[&str], cpu: Option<&str>) -> Result<NodeId, PlanError> {
        let archive = self.once("zig archive", |_| {
            Ok(Node::Fetch(Fetch { label: "zig 0.17.1".to_owned(), alternatives: sources::zig() }))
        })?;
        self.once(format!("zig {name}"), |_| {
            let mut keep = Vec::new();
            for line in FILES.lines().filter(|line| !line.starts_with('#')) {
                let mut words = line.split_whitespace();
                let (Some(class), Some(prefix)) = (words.next(), words.next()) else { continue };
                if classes.contains(&class) {
                    keep.push(Pattern::new(fill(prefix, cpu)?.trim_end_matches('/'))?);
                }
            }
            let executable = vec![Pattern::new("zig")?];
            Ok(Node::Unpack(Unpack { archive, strip: 1, keep, leave_out: Vec::new(), executable }))
        })
    }

    /// The C toolchain of `target`, as a goal of its own.
    ///
    /// # Errors
    /// Only if a constant of this crate is wrong.
    pub fn c_toolchain(&mut self, target: Target) -> Result<NodeId, PlanError> {
        self.cc(target)
    }

    /// The C toolchain of the build machine.
    pub(crate) fn host_cc(&mut self) -> Result<NodeId, PlanError> {
        let target = layout::HOST_CC_TARGET.parse()?;
        self.cc(target)
    }

    /// The C toolchain of `target`: at [`layout::CC`]`/<target>`.
    pub(crate) fn cc(&mut self, target: Target) -> Result<NodeId, PlanError> {
        if let Some(brought) = self.brought_cc(target)? {
            return Ok(brought);
        }
        self.own_cc(target)
    }

    /// The same of our own, whatever is brought: what it makes runs on the build machine.
    pub(crate) fn own_cc(&mut self, target: Target) -> Result<NodeId, PlanError> {
        let cpu = target.cpu().name;
        let (libc, own) = recipe(target)?;
        let bundle = self.zig_part(&format!("{libc} {cpu}"), &["use", "make", libc], Some(cpu))?;
        let sdk = self.macos_sdk.filter(|_| target.spec().abi == Abi::Darwin);
        let own_place = format!("/{}/{target}/{SDK}", layout::CC);
        let made = self.once(format!("cc {target}"), |planner| {
            let mut environment = vec![("PACKAGES", packages(target)), ("TARGET", target.to_string())];
            environment.extend(sdk.map(|_| ("SDK", own_place)));
            planner.run(Job {
                label: format!("C toolchain for {target}"),
                inputs: vec![input(layout::ZIG, bundle)?],
                files: [RECIPES, own].concat(),
                steps: vec![script("cc/sysroot.sh")],
                environment,
                target: (target.to_string() != layout::HOST_CC_TARGET).then_some(target),
            })
        })?;
        let Some(sdk) = sdk else { return Ok(made) };
        let sdk = self.once("macos sdk", |_| Ok(Node::Known(sdk)))?;
        self.once(format!("cc {target} with sdk"), |_| Ok(Node::Compose(vec![input("", made)?, input(SDK, sdk)?])))
    }
}

/// The name of a target's C library in the recipe, and what the recipe reads besides [`RECIPES`].
fn recipe(target: Target) -> Result<(&'static str, Files), PlanError> {
    Ok(match target.spec().abi {
        Abi::Gnu if target.spec().cpu == Cpu::Powerpc64le => ("glibc", IBM_LONG_DOUBLE),
        Abi::Gnu => ("glibc", &[]),
        Abi::Musl => ("musl", &[]),
        Abi::Mingw => ("windows", WINDOWS),
        Abi::Darwin => ("darwin", DARWIN),
        Abi::FreeBsd => ("freebsd", FREEBSD),
        Abi::Bionic => return Err(PlanError::NoCc(target.to_string())),
    })
}

/// The libraries that a program for `target` may ask its system for, where programs ask for libraries by name and hold
/// all others themselves; a final `*` stands for any rest.
#[must_use]
pub fn system_libraries(target: Target) -> Option<Vec<String>> {
    let names = WINDOWS_LIBS.lines().filter(|line| !line.starts_with('#'));
    // The Universal C Runtime is asked for by these names; what is called `.drv` is a library as well. The older C runtime, which
    // GNU compilers that a user brings may be made for, comes with every Windows, too.
    let names = names.map(|name| format!("{name}.*")).chain(["api-ms-win-*".to_owned(), "msvcrt.dll".to_owned()]);
    (target.spec().abi == Abi::Mingw).then(|| names.collect())
}

/// Where the packages are that a compiler for `target` finds by itself. That of the build machine is a target as well.
fn packages(target: Target) -> String {
    let own = World::Target(target).prefix();
    if target.to_string() == layout::HOST_CC_TARGET { format!("{own} {}", World::Host.prefix()) } else { own }
}

/// Fills in `{column}`s of a path from the CPU's row of `arches.txt`.
fn fill(path: &str, cpu: Option<&str>) -> Result<String, PlanError> {
    let Some((before, rest)) = path.split_once('{') else { return Ok(path.to_owned()) };
    let (column, after) = rest.split_once('}').unwrap_or((rest, ""));
    let none = || PlanError::NoCpu(cpu.unwrap_or("any").to_owned());
    let header = ARCHES.lines().find_map(|line| line.strip_prefix("#cpu")).ok_or_else(none)?;
    let at = header.split_whitespace().position(|name| name == column).ok_or_else(none)? + 1;
    let row = ARCHES.lines().find(|line| line.split_whitespace().next() == cpu).ok_or_else(none)?;
    let value = row.split_whitespace().nth(at).ok_or_else(none)?;
    fill(&format!("{before}{value}{after}"), cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What clang was seen to call for all arithmetic and all conversions of `long double` on powerpc64le.
    #[test]
    fn long_double_of_two_doubles_is_made_where_it_is_used() {
        for target in Target::all() {
            let Ok((_, own)) = recipe(target) else { continue };
            let source = own.iter().find(|(path, _)| *path == "cc/ibm-long-double.c");
            let used = target.cpu().name == "powerpc64le" && target.spec().abi == Abi::Gnu;
            assert_eq!(source.is_some(), used, "{target}");
            let Some((_, source)) = source else { continue };
            for function in [
                "gcc_qadd",
                "gcc_qsub",
                "gcc_qmul",
                "gcc_qdiv",
                "floatditf",
                "floattitf",
                "fixtfdi",
                "fixtfti",
                "fixunstfdi",
                "fixunstfti",
                "powitf2",
                "multc3",
                "divtc3",
            ] {
                assert!(source.contains(&format!(" __{function}(")), "{function}");
            }
        }
    }

    #[test]
    fn only_windows_has_libraries_that_programs_name() {
        for target in Target::all() {
            let names = system_libraries(target);
            assert_eq!(names.is_some(), target.spec().abi == Abi::Mingw, "{target}");
            let Some(names) = names else { continue };
            for wanted in ["kernel32.*", "ws2_32.*", "api-ms-win-*"] {
                assert!(names.iter().any(|name| name == wanted), "{wanted}");
            }
            // A name without a stem would allow everything.
            assert!(names.iter().all(|name| name.len() > 4));
        }
    }
}
