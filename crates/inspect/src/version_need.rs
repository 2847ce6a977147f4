//! Required symbol versions, and what they say of glibc. NOT here: reading them out of ELF (`elf::versions`).

use std::borrow::Cow;

/// One version that one library must have for this file to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionNeed<'d> {
    /// The library, as in the list of needed ones.
    pub library: Cow<'d, str>,
    /// For example `GLIBC_2.34`.
    pub version: Cow<'d, str>,
    /// All its uses are weak, so that the loader starts the file without it.
    pub weak: bool,
    /// The symbols that are taken in this version, in the order of the symbol table. Empty for versions that
    /// stand for a feature (`GLIBC_ABI_DT_RELR`).
    pub symbols: Vec<Cow<'d, str>>,
}

impl VersionNeed<'_> {
    /// The glibc release that first had this version: `GLIBC_2.2.5` is in (2, 2).
    ///
    /// `None` for versions of other libraries, and for those of glibc that name no release.
    #[must_use]
    pub fn glibc_release(&self) -> Option<(u32, u32)> {
        glibc_release(&self.version)
    }

    fn is_glibc(&self) -> bool {
        self.version.starts_with("GLIBC_")
    }
}

/// What a file requires of glibc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlibcUse<'r> {
    /// The oldest release with which the file starts: the highest version required, weak ones left out.
    /// `None` if no requirement names a release.
    pub floor: Option<(u32, u32)>,
    /// The requirements that set the floor, with their symbols.
    pub decided_by: Vec<&'r VersionNeed<'r>>,
    /// Requirements that name no release (`GLIBC_PRIVATE`: that very build of glibc), weak ones left out.
    pub unranked: Vec<&'r VersionNeed<'r>>,
}

impl<'r> GlibcUse<'r> {
    pub(crate) fn of(needs: &'r [VersionNeed<'r>]) -> Option<Self> {
        if !needs.iter().any(VersionNeed::is_glibc) {
            return None;
        }
        let strong = || needs.iter().filter(|need| need.is_glibc() && !need.weak);
        let floor = strong().filter_map(VersionNeed::glibc_release).max();
        Some(Self {
            floor,
            decided_by: strong().filter(|need| floor.is_some() && need.glibc_release() == floor).collect(),
            unranked: strong().filter(|need| need.glibc_release().is_none()).collect(),
        })
    }
}

fn glibc_release(version: &str) -> Option<(u32, u32)> {
    let release = version.strip_prefix("GLIBC_")?;
    // Not a set of symbols but a promise of the loader, first given in 2.36 (glibc NEWS, "DT_RELR").
    if release == "ABI_DT_RELR" {
        return Some((2, 36));
    }
    let mut numbers = release.split('.').map(str::parse::<u32>);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    numbers.all(|number| number.is_ok()).then_some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(version: &str, weak: bool) -> VersionNeed<'_> {
        VersionNeed { library: "libc.so.6".into(), version: version.into(), weak, symbols: Vec::new() }
    }

    #[test]
    fn releases() {
        let table = [
            ("GLIBC_2.17", Some((2, 17))),
            ("GLIBC_2.2.5", Some((2, 2))),
            ("GLIBC_2.34", Some((2, 34))),
            ("GLIBC_10.0", Some((10, 0))),
            ("GLIBC_ABI_DT_RELR", Some((2, 36))),
            ("GLIBC_PRIVATE", None),
            ("GLIBC_2", None),
            ("GLIBC_2.x", None),
            ("GLIBC_2.2.5.x", None),
            ("GLIBC_", None),
            ("GLIBCXX_3.4", None),
            ("GCC_3.0", None),
            ("", None),
        ];
        for (version, expected) in table {
            assert_eq!(glibc_release(version), expected, "{version}");
        }
    }

    #[test]
    fn floors() {
        #[expect(clippy::type_complexity, reason = "a table of literals")]
        let table: [(&[(&str, bool)], Option<(Option<(u32, u32)>, usize, usize)>); 7] = [
            (&[], None),
            (&[("GCC_3.0", false)], None),
            (&[("GLIBC_2.17", false), ("GLIBC_2.34", false)], Some((Some((2, 34)), 1, 0))),
            // 2.9 is older than 2.10: numbers, not text.
            (&[("GLIBC_2.9", false), ("GLIBC_2.10", false)], Some((Some((2, 10)), 1, 0))),
            (&[("GLIBC_2.17", false), ("GLIBC_2.38", true)], Some((Some((2, 17)), 1, 0))),
            (&[("GLIBC_2.2.5", false), ("GLIBC_2.2", false)], Some((Some((2, 2)), 2, 0))),
            (&[("GLIBC_PRIVATE", false)], Some((None, 0, 1))),
        ];
        for (needs, expected) in table {
            let needs: Vec<_> = needs.iter().map(|(version, weak)| need(version, *weak)).collect();
            let found = GlibcUse::of(&needs).map(|use_| (use_.floor, use_.decided_by.len(), use_.unranked.len()));
            assert_eq!(found, expected, "{needs:?}");
        }
    }
}
