//! Any bytes are an opam file with errors: nothing panics, and what was read prints as it reads.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opam::name::PackageName;
use opam::package::Package;
use opam::syntax;
use opam::universe::Universe;
use opam::version::Version;

fuzz_target!(|bytes: &[u8]| {
    let (file, _) = syntax::parse(bytes);
    let (again, errors) = syntax::parse(file.to_string().as_bytes());
    assert!(errors.is_empty());
    assert_eq!(again.without_spans(), file.without_spans());
    if let (Ok(name), Ok(version)) = (PackageName::new("p"), Version::new("1")) {
        let (package, _) = Package::parse(name, version, bytes);
        let _ = package.depends.reduce(&|_: &opam::variable::Variable| None);
    }
    let _ = Universe::decode(&bytes.into());
});
