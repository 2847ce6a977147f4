use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Replica;

const LEFT_OUT: &[&str] = &["_build"];

/// Writes a file whose time differs from any written with another `age`.
fn write(path: PathBuf, contents: &str, age: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, contents).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Paths and contents of everything below.
fn contents(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(here) = open.pop() {
        for entry in fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(directory).unwrap().to_owned();
            if path.is_symlink() {
                all.insert(inside, format!("-> {}", fs::read_link(path).unwrap().display()));
            } else if path.is_dir() {
                open.push(path);
                all.insert(inside, "/".to_owned());
            } else {
                all.insert(inside, fs::read_to_string(path).unwrap());
            }
        }
    }
    all
}

struct Sides {
    _temp: tempfile::TempDir,
    original: PathBuf,
    copy: PathBuf,
}

fn sides() -> Sides {
    let temp = tempfile::tempdir().unwrap();
    let (original, copy) = (temp.path().join("original"), temp.path().join("copy"));
    for (name, age) in [("dune-project", 1), ("src/a.ml", 2), ("src/b.ml", 3), ("gone/c.ml", 4)] {
        write(original.join(name), name, age);
    }
    write(original.join("_build/log"), "the user's", 5);
    symlink("src/a.ml", original.join("link")).unwrap();
    Sides { _temp: temp, original, copy }
}

#[test]
fn only_what_changed_is_copied() {
    let Sides { original, copy, _temp } = sides();
    Replica::refresh(&original, &copy, LEFT_OUT).unwrap();
    fs::remove_dir_all(original.join("_build")).unwrap();
    assert_eq!(contents(&copy), contents(&original));
    let time = |path: PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(time(copy.join("src/a.ml")), time(original.join("src/a.ml")));
    // A file that is the same by all signs is not read again: the copy keeps what was put there by hand.
    write(copy.join("src/a.ml"), "SRC/A.ML", 2);
    write(original.join("src/b.ml"), "new", 9);
    fs::remove_dir_all(original.join("gone")).unwrap();
    fs::remove_file(original.join("link")).unwrap();
    write(original.join("link/now/a/directory"), "", 9);
    fs::set_permissions(original.join("dune-project"), fs::Permissions::from_mode(0o755)).unwrap();
    Replica::refresh(&original, &copy, LEFT_OUT).unwrap();
    assert_eq!(fs::read_to_string(copy.join("src/a.ml")).unwrap(), "SRC/A.ML");
    write(original.join("src/a.ml"), "SRC/A.ML", 2);
    assert_eq!(contents(&copy), contents(&original));
    assert_eq!(fs::metadata(copy.join("dune-project")).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn what_was_done_to_the_copy_is_done_to_the_original() {
    let Sides { original, copy, _temp } = sides();
    let replica = Replica::refresh(&original, &copy, LEFT_OUT).unwrap();
    write(copy.join("src/b.ml"), "promoted", 9);
    write(copy.join("made/by/rule.ml"), "made", 9);
    write(copy.join("_build/log"), "ours", 9);
    fs::remove_dir_all(copy.join("gone")).unwrap();
    fs::remove_file(copy.join("dune-project")).unwrap();
    write(copy.join("dune-project/file"), "in a directory of that name", 9);
    assert_eq!(replica.bring_back().unwrap(), Vec::<PathBuf>::new());
    assert_eq!(fs::read_to_string(original.join("_build/log")).unwrap(), "the user's");
    for side in [&original, &copy] {
        fs::remove_dir_all(side.join("_build")).unwrap();
    }
    assert_eq!(contents(&copy), contents(&original));
    assert!(!original.join("gone").exists());
}

#[test]
fn what_the_user_changed_meanwhile_stays() {
    let Sides { original, copy, _temp } = sides();
    let replica = Replica::refresh(&original, &copy, LEFT_OUT).unwrap();
    write(copy.join("src/a.ml"), "theirs", 10);
    write(original.join("src/a.ml"), "the user's", 11);
    fs::remove_file(copy.join("src/b.ml")).unwrap();
    write(original.join("src/b.ml"), "edited", 12);
    write(copy.join("new"), "theirs", 13);
    write(original.join("new"), "the user's", 14);
    write(original.join("gone/other.ml"), "added", 15);
    fs::remove_dir_all(copy.join("gone")).unwrap();
    let conflicts = replica.bring_back().unwrap();
    assert_eq!(conflicts, ["new", "src/a.ml", "src/b.ml"].map(PathBuf::from));
    let read = |name: &str| fs::read_to_string(original.join(name)).unwrap();
    assert_eq!(
        (read("src/a.ml"), read("src/b.ml"), read("new")),
        ("the user's".into(), "edited".into(), "the user's".into())
    );
    // Of a directory that was removed, what was put there meanwhile stays.
    assert_eq!(read("gone/other.ml"), "added");
    assert!(!original.join("gone/c.ml").exists());
}

#[test]
fn what_masks_a_file_is_gone_with_the_run() {
    let Sides { original, copy, _temp } = sides();
    let by = _temp.path().join("other.ml");
    // As long as the original and of the same time: only the mask itself tells them apart.
    write(by.clone(), "SRC/A.ML", 2);
    let mut replica = Replica::refresh(&original, &copy, LEFT_OUT).unwrap();
    replica.mask(Path::new("src/a.ml"), &by).unwrap();
    let read = |side: &PathBuf| fs::read_to_string(side.join("src/a.ml")).unwrap();
    assert_eq!(read(&copy), "SRC/A.ML");
    write(copy.join("src/b.ml"), "promoted", 9);
    assert_eq!(replica.bring_back().unwrap(), Vec::<PathBuf>::new());
    assert_eq!(read(&original), "src/a.ml");
    assert_eq!(fs::read_to_string(original.join("src/b.ml")).unwrap(), "promoted");
    Replica::refresh(&original, &copy, LEFT_OUT).unwrap();
    assert_eq!(read(&copy), "src/a.ml");
}
