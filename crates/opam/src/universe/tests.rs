use super::*;
use proptest::prelude::*;

fn name(text: &str) -> PackageName {
    PackageName::new(text).unwrap()
}

fn version(text: &str) -> Version {
    Version::new(text).unwrap()
}

fn sample() -> Universe {
    let mut builder = UniverseBuilder::new();
    for (package, number) in [("b", "2"), ("a", "1.10"), ("a", "1.9"), ("a", "1.9~rc1")] {
        let text = format!("synopsis: \"{package} {number}\"\ndepends: [\"c\"]\n");
        assert!(builder.add(1, name(package), version(number), text.as_bytes(), &[]));
    }
    let files = [("patches/fix.patch".to_owned(), b"---".to_vec()), ("empty".to_owned(), Vec::new())];
    assert!(builder.add(1, name("c"), version("0"), b"", &files));
    builder.build()
}

fn listing(universe: &Universe) -> Vec<String> {
    universe.entries().map(|entry| format!("{}.{}", entry.name(), entry.version())).collect()
}

#[test]
fn names_and_versions_ascend() {
    let universe = sample();
    assert_eq!(listing(&universe), ["a.1.9~rc1", "a.1.9", "a.1.10", "b.2", "c.0"]);
    assert_eq!(universe.len(), 5);
    assert_eq!(universe.versions(&name("nope")).len(), 0);
    assert!(universe.get(&name("a"), &version("1.90")).is_none());
    assert_eq!(universe.get(&name("a"), &version("1.9")).unwrap().package().depends.atoms().len(), 1);
}

#[test]
fn a_higher_priority_hides_the_same_version_only() {
    for order in [[1, 2], [2, 1]] {
        let mut builder = UniverseBuilder::new();
        for priority in order {
            let text = format!("x-from: {priority}");
            builder.add(priority, name("p"), version("1"), text.as_bytes(), &[]);
            builder.add(priority, name("p"), version(&format!("1.{priority}")), text.as_bytes(), &[]);
        }
        let universe = builder.build();
        assert_eq!(listing(&universe), ["p.1", "p.1.1", "p.1.2"]);
        let entry = universe.get(&name("p"), &version("1")).unwrap();
        assert_eq!((entry.priority(), entry.text()), (2, b"x-from: 2".as_slice()));
    }
    let mut builder = UniverseBuilder::new();
    assert!(builder.add(1, name("p"), version("1"), b"first", &[]));
    assert!(!builder.add(1, name("p"), version("1"), b"second", &[]));
    assert!(builder.add(1, name("p"), version("1.0"), b"equal in order, another text", &[]));
    assert_eq!(builder.build().entries().next().unwrap().text(), b"first");
}

/// The merge against the builder that is told the priorities one by one.
#[test]
fn merged_as_if_built_together() {
    let sources: [&[(&str, &str)]; 3] = [
        &[("b", "1"), ("d", "1"), ("d", "2")],
        &[("a", "1"), ("b", "1"), ("b", "0.9"), ("b", "1.10"), ("d", "1.0")],
        &[("d", "2"), ("b", "1.9"), ("e", "1"), ("b", "1")],
    ];
    for count in 0..=sources.len() {
        let mut together = UniverseBuilder::new();
        let mut apart = Vec::new();
        for (number, source) in sources[..count].iter().enumerate() {
            let mut alone = UniverseBuilder::new();
            for (package, of) in *source {
                let text = format!("x-from: {number}");
                together.add(u32::try_from(count - number).unwrap(), name(package), version(of), text.as_bytes(), &[]);
                alone.add(0, name(package), version(of), text.as_bytes(), &[]);
            }
            apart.push(Universe::decode(&alone.build().encode().into()).unwrap());
        }
        assert_eq!(Universe::merge(apart).encode(), together.build().encode(), "{count} of them");
    }
}

#[test]
fn it_comes_back_whole() {
    let universe = sample();
    let again = Universe::decode(&universe.encode().into()).unwrap();
    for (left, right) in universe.entries().zip(again.entries()) {
        assert_eq!(left.text(), right.text());
        assert!(left.files().eq(right.files()));
        assert_eq!(left.priority(), right.priority());
        assert_eq!(left.package(), right.package());
    }
    assert_eq!(listing(&universe), listing(&again));
    assert_eq!(again.encode(), universe.encode());
    assert!(Universe::decode(&UniverseBuilder::new().build().encode().into()).unwrap().is_empty());
}

#[test]
fn every_changed_byte_and_every_cut_is_found() {
    let bytes = sample().encode();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Universe::decode(&damaged.into()).is_err(), "byte {at}");
        assert!(Universe::decode(&bytes[..at].into()).is_err(), "cut at {at}");
    }
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    assert_eq!(Universe::decode(&longer.into()).unwrap_err(), DecodeError::Damaged);
    assert_eq!(Universe::decode(&b"opam-u0\n".as_slice().into()).unwrap_err(), DecodeError::Magic);
}

#[test]
fn near_names_are_suggested() {
    let mut builder = UniverseBuilder::new();
    for package in ["cmdliner", "ppx_deriving", "ppx_deriving_yojson", "zarith", "lwt", "dune"] {
        builder.add(0, name(package), version("1"), b"", &[]);
    }
    let universe = builder.build();
    for (text, expected) in
        [("cmdlnier", "cmdliner"), ("ppx-deriving", "ppx_deriving"), ("Zarith", "zarith"), ("lw", "lwt")]
    {
        assert_eq!(universe.suggest(text).first().map(|name| name.as_str()), Some(expected), "{text}");
    }
    assert_eq!(universe.suggest("nothing-like-it"), Vec::<&PackageName>::new());
}

proptest! {
    /// With the check made right again, so that the decoder itself is what must hold.
    #[test]
    fn a_lying_index_is_an_error_or_a_universe(changes in prop::collection::vec((16_usize..120, any::<u8>()), 1..5)) {
        let mut bytes = sample().encode();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let check = encoding::mix(&bytes[16..]).to_le_bytes();
        bytes[8..16].copy_from_slice(&check);
        if let Ok(universe) = Universe::decode(&bytes.into()) {
            universe.entries().for_each(|entry| assert_eq!(entry.parsed().package.name, *entry.name()));
            prop_assert!(listing(&universe).len() == universe.len());
        }
    }

    #[test]
    fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut whole = b"opam-u1\n".to_vec();
        whole.extend_from_slice(&encoding::mix(&bytes).to_le_bytes());
        whole.extend_from_slice(&bytes);
        let _ = Universe::decode(&whole.into());
    }
}
