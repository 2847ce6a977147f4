//! From the files of a repository to its packages, and what it says of itself. Not here: reading the files, and what is in
//! those of packages.

use std::sync::Arc;

use action::pattern::Pattern;
use exec::collection::{Member, Shape};
use exec::unpack::Limits;
use opam::name::PackageName;
use opam::repository::Repository;
use opam::universe::{Universe, UniverseBuilder};
use opam::version::Version;

/// Files of a repository that make a package, and its own.
const PATTERNS: [&str; 3] = ["packages/*/*/opam", "packages/*/*/files", REPO];
const REPO: &str = "repo";
/// Some thirty times the public repository.
const LIMITS: Limits = Limits { bytes: 1 << 30, members: 1_000_000 };

/// What is read of a repository.
pub(super) fn shape() -> Shape {
    let patterns = PATTERNS.iter().filter_map(|text| Pattern::new(text).ok()).collect();
    Shape { patterns, limits: LIMITS }
}

/// The packages in `members`, which are in the order of paths; and the directories that are none. What the repository
/// names by a path of its own is seen from `base`, a URL that ends in `/`.
pub(super) fn packages(members: Vec<Member>, base: Option<&str>) -> (Universe, Vec<String>) {
    let mut builder = UniverseBuilder::new();
    let mut strange = Vec::new();
    let mut members = members.into_iter().peekable();
    while let Some(first) = members.next() {
        if first.path.as_str() == REPO {
            builder.set_archive_mirrors(0, archive_mirrors(&first.bytes, base));
        }
        let Some((directory, _)) = split(first.path.as_str()) else { continue };
        let directory = directory.to_owned();
        let mut package = Files::default();
        package.add(&directory, first);
        while let Some(member) =
            members.next_if(|member| split(member.path.as_str()).is_some_and(|(of, _)| of == directory))
        {
            package.add(&directory, member);
        }
        match (named(&directory), package.opam) {
            (Some((name, version)), Some(text)) => {
                builder.add_shared(0, name, version, text, package.others);
            }
            _ => strange.push(directory),
        }
    }
    (builder.build(), strange)
}

/// The URLs of the archive mirrors that a `repo` file names. A file that cannot be read names none: archives have other
/// places.
fn archive_mirrors(text: &[u8], base: Option<&str>) -> Vec<String> {
    let (repository, _) = Repository::parse(text);
    let url = |mirror: String| match (mirror.contains("://"), base) {
        (true, _) => Some(mirror),
        (false, base) => base.map(|base| format!("{base}{mirror}")),
    };
    repository.archive_mirrors.into_iter().filter_map(url).collect()
}

/// The files of one package.
#[derive(Default)]
struct Files {
    opam: Option<Arc<[u8]>>,
    others: Vec<(String, Arc<[u8]>)>,
}

impl Files {
    fn add(&mut self, directory: &str, member: Member) {
        let path = member.path.as_str().strip_prefix(directory).unwrap_or_default();
        match path.strip_prefix("/files/") {
            Some(path) => self.others.push((path.to_owned(), member.bytes)),
            None if path == "/opam" => self.opam = Some(member.bytes),
            None => {}
        }
    }
}

/// `packages/a/a.1/files/x` is `packages/a/a.1` and `files/x`.
fn split(path: &str) -> Option<(&str, &str)> {
    let (at, _) = path.match_indices('/').nth(2)?;
    Some((path.get(..at)?, path.get(at + 1..)?))
}

/// The package that belongs into a directory.
fn named(directory: &str) -> Option<(PackageName, Version)> {
    let mut names = directory.split('/').skip(1);
    let (package, full) = (names.next()?, names.next()?);
    let version = full.strip_prefix(package)?.strip_prefix('.')?;
    Some((PackageName::new(package).ok()?, Version::new(version).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use action::path::RelPath;

    #[test]
    fn archive_mirrors_are_seen_from_the_repository() {
        let text = "archive-mirrors: [\"cache\" \"https://b.test/c\"]";
        let member = |text: &str| Member { path: RelPath::new("repo").unwrap(), bytes: text.as_bytes().into() };
        let mirrors = |base| packages(vec![member(text)], base).0.archive_mirrors(0).to_vec();
        assert_eq!(mirrors(Some("https://a.test/")), ["https://a.test/cache", "https://b.test/c"]);
        assert_eq!(mirrors(None), ["https://b.test/c"]);
        let (universe, strange) = packages(vec![member("archive-mirrors: [")], None);
        assert!(universe.archive_mirrors(0).is_empty() && strange.is_empty());
    }

    #[test]
    fn files_are_put_to_their_packages() {
        let member = |path: &str| Member { path: RelPath::new(path).unwrap(), bytes: path.as_bytes().into() };
        let mut members: Vec<_> = [
            "packages/a/a.1/opam",
            "packages/a/a.1/files/x",
            "packages/a/a.1/files/deep/y",
            "packages/a/a.1-beta/opam",
            "packages/a/b.1/opam",
            "packages/a/a/opam",
            "packages/a/a.2/files/x",
            "packages/a/a.3/opam/x",
            "packages/1/1.1/opam",
            "packages/ab/ab.1.2.3/opam",
        ]
        .map(member)
        .into();
        members.sort_by(|one, other| one.path.cmp(&other.path));
        let (universe, strange) = packages(members, None);
        let found: Vec<_> = universe
            .entries()
            .map(|entry| {
                let files: Vec<_> = entry.files().map(|(path, _)| path.to_owned()).collect();
                format!("{}.{} {}", entry.name(), entry.version(), files.join(" "))
            })
            .collect();
        assert_eq!(found, ["a.1 files/deep/y files/x".replace("files/", ""), "a.1-beta ".into(), "ab.1.2.3 ".into()]);
        let none = ["1/1.1", "a/a.2", "a/a.3", "a/a", "a/b.1"].map(|name| format!("packages/{name}"));
        assert_eq!(strange, none);
    }
}
