//! Facts against expectations. NOT here: where an expectation comes from, and what to say about a violation.

use crate::content::{Content, Item, Place};
use crate::error::Error;
use crate::machine::{Arch, Bits, Endian, FloatAbi};
use crate::platform::{AppleVersion, Libc, Os, Platform, Signature};
use crate::report::{Format, Kind, Linkage, Report};

/// What a file has to be. `None` and `false` ask nothing; so does the default value as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expectation<'e> {
    /// The container; [`Format::Pe`] and [`Format::Coff`] are two.
    pub format: Option<Format>,
    /// What the file is for.
    pub kind: Option<Kind>,
    /// The processor.
    pub arch: Option<Arch>,
    /// Its width.
    pub bits: Option<Bits>,
    /// Its byte order.
    pub endian: Option<Endian>,
    /// How floating-point arguments are passed; a file that does not say goes with both.
    pub float_abi: Option<FloatAbi>,
    /// The system; a file that does not say goes with all.
    pub os: Option<Os>,
    /// The C library of Linux; a file that does not say goes with all.
    pub libc: Option<Libc>,
    /// The newest glibc release whose symbols may be required.
    pub glibc_ceiling: Option<(u32, u32)>,
    /// No loader and no libraries. Nothing for macOS can meet this, and no Windows program that imports its system.
    pub static_required: bool,
    /// The loader a dynamic program has to name.
    pub interpreter: Option<&'e str>,
    /// The only libraries it may need; a final `*` stands for any rest. Windows names compare without case.
    pub libraries: Option<&'e [&'e str]>,
    /// The newest release of its system that a Mach-O file may ask for.
    pub apple_ceiling: Option<AppleVersion>,
    /// A Mach-O file has to be signed, if only ad hoc: Apple's own processors run nothing else.
    pub signature_required: bool,
}

/// One expectation not met by one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation<'c> {
    /// Which object in the file.
    pub place: Place<'c>,
    /// What is wrong.
    pub fault: Fault<'c>,
}

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault<'c> {
    /// The file holds no object at all.
    NotAnObject,
    /// It cannot be read.
    Unreadable(Error),
    /// Another container.
    Format {
        /// Of the file.
        found: Format,
        /// Asked for.
        expected: Format,
    },
    /// For another use.
    Kind {
        /// Of the file.
        found: Kind,
        /// Asked for.
        expected: Kind,
    },
    /// Another processor.
    Arch {
        /// Of the file.
        found: Arch,
        /// Asked for.
        expected: Arch,
    },
    /// Another width.
    Bits {
        /// Of the file.
        found: Bits,
        /// Asked for.
        expected: Bits,
    },
    /// Another byte order.
    Endian {
        /// Of the file.
        found: Endian,
        /// Asked for.
        expected: Endian,
    },
    /// Another way to pass floating-point arguments.
    FloatAbi {
        /// Of the file.
        found: FloatAbi,
        /// Asked for.
        expected: FloatAbi,
    },
    /// Another system.
    Os {
        /// Of the file.
        found: Os,
        /// Asked for.
        expected: Os,
    },
    /// Another C library.
    Libc {
        /// Of the file.
        found: Libc,
        /// Asked for.
        expected: Libc,
    },
    /// A glibc newer than the ceiling is required; one fault for each version of each library.
    GlibcTooNew {
        /// The release required.
        found: (u32, u32),
        /// The newest allowed.
        ceiling: (u32, u32),
        /// The library that must have it.
        library: &'c str,
        /// The symbols taken in that version.
        symbols: Vec<&'c str>,
    },
    /// A version of glibc is required that is in no release, `GLIBC_PRIVATE` for one, so that no floor is safe.
    GlibcUnranked {
        /// The version.
        version: &'c str,
        /// The library that must have it.
        library: &'c str,
    },
    /// It has to be static and is not; the loader and the libraries say why.
    NotStatic {
        /// The loader.
        interpreter: Option<&'c str>,
        /// The libraries, also those it can start without.
        needed: Vec<&'c str>,
    },
    /// Another loader, for example one in a directory of the build machine.
    Interpreter {
        /// Of the file.
        found: &'c str,
    },
    /// A library that is not among those allowed.
    Library {
        /// Its name.
        name: &'c str,
    },
    /// A system newer than the ceiling is required.
    AppleTooNew {
        /// The release required.
        found: AppleVersion,
        /// The newest allowed.
        ceiling: AppleVersion,
    },
    /// It has to be signed and is not.
    NotSigned,
}

/// Everything in the file that is not as expected.
///
/// Every object in an archive is checked, members that are no objects are not. Of a universal file, slices for the
/// expected processor are checked; if there are none, every slice is at fault.
#[must_use]
pub fn check<'c>(content: &'c Content<'_>, expected: &Expectation<'_>) -> Vec<Violation<'c>> {
    let mut items = content.items();
    if items.is_empty() {
        return vec![Violation { place: Place::default(), fault: Fault::NotAnObject }];
    }
    if matches!(content, Content::Universal(_)) {
        let meant = |item: &Item<'_, '_>| {
            item.report.is_ok_and(|report| expected.arch.is_none_or(|arch| report.machine.arch == arch))
        };
        if items.iter().any(meant) {
            items.retain(|item| meant(item) || item.report.is_err());
        }
    }
    let violations = |item: Item<'c, '_>| {
        let faults = match item.report {
            Ok(report) => faults(report, expected),
            Err(error) => vec![Fault::Unreadable(error)],
        };
        faults.into_iter().map(move |fault| Violation { place: item.place, fault })
    };
    items.into_iter().flat_map(violations).collect()
}

fn faults<'c>(report: &'c Report<'_>, expected: &Expectation<'_>) -> Vec<Fault<'c>> {
    let mut faults = Vec::new();
    faults.extend(
        differs(Some(report.format), expected.format).map(|(found, expected)| Fault::Format { found, expected }),
    );
    faults.extend(differs(Some(report.kind), expected.kind).map(|(found, expected)| Fault::Kind { found, expected }));
    machine_faults(report, expected, &mut faults);
    let platform = report.platform;
    faults.extend(differs(platform.os(), expected.os).map(|(found, expected)| Fault::Os { found, expected }));
    faults.extend(differs(platform.libc(), expected.libc).map(|(found, expected)| Fault::Libc { found, expected }));
    if let Some(ceiling) = expected.glibc_ceiling {
        glibc_faults(report, ceiling, &mut faults);
    }
    link_faults(report, expected, &mut faults);
    apple_faults(report, expected, &mut faults);
    faults
}

/// The two values if both are said and differ.
fn differs<T: PartialEq>(found: Option<T>, expected: Option<T>) -> Option<(T, T)> {
    found.zip(expected).filter(|(found, expected)| found != expected)
}

fn machine_faults(report: &Report<'_>, expected: &Expectation<'_>, faults: &mut Vec<Fault<'_>>) {
    let found = report.machine;
    faults.extend(differs(Some(found.arch), expected.arch).map(|(found, expected)| Fault::Arch { found, expected }));
    faults.extend(differs(Some(found.bits), expected.bits).map(|(found, expected)| Fault::Bits { found, expected }));
    faults.extend(
        differs(Some(found.endian), expected.endian).map(|(found, expected)| Fault::Endian { found, expected }),
    );
    faults.extend(
        differs(found.float_abi, expected.float_abi).map(|(found, expected)| Fault::FloatAbi { found, expected }),
    );
}

fn glibc_faults<'c>(report: &'c Report<'_>, ceiling: (u32, u32), faults: &mut Vec<Fault<'c>>) {
    let too_new = report.version_needs.iter().filter(|need| !need.weak).filter_map(|need| {
        let found = need.glibc_release().filter(|release| *release > ceiling)?;
        let symbols = need.symbols.iter().map(AsRef::as_ref).collect();
        Some(Fault::GlibcTooNew { found, ceiling, library: &need.library, symbols })
    });
    faults.extend(too_new);
    let unranked = report.glibc().map(|glibc| glibc.unranked).unwrap_or_default();
    faults.extend(unranked.iter().map(|need| Fault::GlibcUnranked { version: &need.version, library: &need.library }));
}

fn link_faults<'c>(report: &'c Report<'_>, expected: &Expectation<'_>, faults: &mut Vec<Fault<'c>>) {
    let libraries = || report.needed.iter().chain(&report.optional).map(AsRef::<str>::as_ref);
    let interpreter = report.interpreter.as_deref();
    if expected.static_required && report.linkage == Some(Linkage::Dynamic) {
        faults.push(Fault::NotStatic { interpreter, needed: libraries().collect() });
    }
    if let (Some(found), Some(expected)) = (interpreter, expected.interpreter)
        && found != expected
    {
        faults.push(Fault::Interpreter { found });
    }
    if let Some(allowed) = expected.libraries {
        let any_case = report.format == Format::Pe;
        let is_allowed = |name: &str| allowed.iter().any(|pattern| matches_library(name, pattern, any_case));
        faults.extend(libraries().filter(|name| !is_allowed(name)).map(|name| Fault::Library { name }));
    }
}

fn apple_faults(report: &Report<'_>, expected: &Expectation<'_>, faults: &mut Vec<Fault<'_>>) {
    let Platform::Apple { minimum, signature, .. } = report.platform else { return };
    if let Some(ceiling) = expected.apple_ceiling.filter(|ceiling| minimum > *ceiling) {
        faults.push(Fault::AppleTooNew { found: minimum, ceiling });
    }
    if expected.signature_required && signature == Signature::None {
        faults.push(Fault::NotSigned);
    }
}

fn matches_library(name: &str, pattern: &str, any_case: bool) -> bool {
    let same = |a: &str, b: &str| if any_case { a.eq_ignore_ascii_case(b) } else { a == b };
    match pattern.strip_suffix('*') {
        Some(start) => name.get(..start.len()).is_some_and(|name| same(name, start)),
        None => same(name, pattern),
    }
}

#[cfg(test)]
mod tests;
