//! Random trees come out as they went in; random damage is an error or does no harm.

use std::io::Read;

use proptest::prelude::*;

use super::archives::{Tar, Zip, bzip2, gzip, xz, zstd};
use super::{Node, Place, Spec, Tree};

/// Any tree: few names, so that directories share files' parents; a name is a file or a directory, never both.
fn trees() -> impl Strategy<Value = Tree> {
    let node = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..2000).prop_map(Node::File),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Node::Program),
        "[a-c]{1,2}(/[a-c])?".prop_map(Node::Link),
        Just(Node::Directory),
    ];
    let name = "[A-C]{1,2}(/[A-C]{1,2}){0,3}/[a-cé]{1,3}";
    proptest::collection::btree_map(name, node, 0..12)
}

/// The tree with the directories that its paths imply.
fn whole(mut tree: Tree) -> Tree {
    for path in tree.keys().cloned().collect::<Vec<_>>() {
        for (at, _) in path.match_indices('/') {
            tree.insert(path.split_at(at).0.to_owned(), Node::Directory);
        }
    }
    tree
}

fn tar_of(tree: &Tree) -> Vec<u8> {
    let add = |tar: Tar, (path, node): (&String, &Node)| match node {
        Node::File(bytes) => tar.member(b'0', path.as_bytes(), b"", 0o640, bytes),
        Node::Program(bytes) => tar.member(b'0', path.as_bytes(), b"", 0o700, bytes),
        Node::Directory => tar.directory(path),
        Node::Link(target) => tar.link(path, target),
    };
    tree.iter().fold(Tar::default(), add).end()
}

/// The crate's own writer, which knows about long names, in place of ours.
fn tar_by_crate(tree: &Tree) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (path, node) in tree {
        let mut header = ::tar::Header::new_gnu();
        let (kind, mode, bytes): (_, _, &[u8]) = match node {
            Node::File(bytes) => (::tar::EntryType::Regular, 0o644, bytes),
            Node::Program(bytes) => (::tar::EntryType::Regular, 0o755, bytes),
            Node::Directory => (::tar::EntryType::Directory, 0o755, b""),
            Node::Link(_) => (::tar::EntryType::Symlink, 0o777, b""),
        };
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        match node {
            Node::Link(target) => builder.append_link(&mut header, path, target).unwrap(),
            _ => builder.append_data(&mut header, path, bytes).unwrap(),
        }
    }
    builder.into_inner().unwrap()
}

fn zip_of(tree: &Tree) -> Vec<u8> {
    let add = |zip: Zip, (path, node): (&String, &Node)| match node {
        Node::File(bytes) => {
            let (size, crc) = (u32::try_from(bytes.len()).unwrap(), super::archives::crc(bytes));
            let (name, contents) = (path.as_bytes(), bytes.as_slice());
            zip.member(&super::archives::ZipMember { name, mode: 0o100_600, deflated: false, contents, size, crc })
        }
        Node::Program(bytes) => zip.deflated(path, bytes),
        Node::Directory => zip.of_mode(&format!("{path}/"), 0o040_755, ""),
        Node::Link(target) => zip.link(path, target),
    };
    tree.iter().fold(Zip::default(), add).end()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_goes_in_comes_out(tree in trees()) {
        let place = Place::new();
        let tar = tar_of(&tree);
        let archives = [gzip(&tar), bzip2(&tar), xz(&tar), zstd(&tar), tar, tar_by_crate(&tree), zip_of(&tree)];
        let expected = whole(tree);
        for (index, archive) in archives.iter().enumerate() {
            let (_, found) = place.unpack(archive, &Spec::default()).unwrap();
            prop_assert_eq!(&found, &expected, "{}", index);
        }
    }

    /// `Place` checks that nothing outside was touched; and where the damage went unnoticed, as it may in a plain tar,
    /// that modes are the allowed ones and no link leads out.
    #[test]
    fn damage_does_no_harm(
        tree in trees(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kind in 0..5_usize,
    ) {
        let tar = tar_of(&tree);
        let mut archive = match kind {
            0 => tar,
            1 => gzip(&tar),
            2 => xz(&tar),
            3 => zstd(&tar),
            _ => zip_of(&tree),
        };
        for (at, byte) in damage {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        let _outcome = Place::new().unpack(&archive, &Spec::default());
    }

    /// Headers with valid checksums and hostile fields: what random damage to a tar never gets to.
    #[test]
    fn hostile_members_do_no_harm(
        members in proptest::collection::vec(
            (
                prop::sample::select(b"0125LKxg67S".to_vec()),
                prop::sample::select(vec!["a", "a/b", "l", "l/x", "../victim", "/victim", "d/../..", "d", "", ".", "victim"]),
                prop::sample::select(vec!["", "..", "../victim", "a", "l", "d/..", "/", ".", "l/..", "victim", "a/.."]),
                0..0o10000_u32,
            ),
            1..8,
        ),
    ) {
        let add = |tar: Tar, (kind, name, target, mode): &(u8, &str, &str, u32)| {
            tar.member(*kind, name.as_bytes(), target.as_bytes(), *mode, name.as_bytes())
        };
        let archive = members.iter().fold(Tar::default(), add).end();
        let _outcome = Place::new().unpack(&archive, &Spec::default());
    }

    #[test]
    fn any_bytes_do_no_harm(bytes: Vec<u8>, magic in 0..7_usize) {
        let magics: [&[u8]; 7] = [b"", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"!<arch>\n"];
        let mut archive = magics[magic].to_vec();
        bytes.as_slice().read_to_end(&mut archive).unwrap();
        prop_assert!(Place::new().unpack(&archive, &Spec::default()).is_err());
    }
}
