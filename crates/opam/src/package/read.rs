//! Fields of an opam file to a package. Not here: what may stand inside them, which their own modules read.

use std::collections::BTreeSet;

use super::{ExtraSource, Filtered, Flag, Package, PinDepend, Source};
use crate::checksum::Checksum;
use crate::command::Command;
use crate::dependency::{self, Join};
use crate::environment::EnvUpdate;
use crate::error::{Error, Fault};
use crate::filter::{Reader, elements};
use crate::name::PackageName;
use crate::syntax::{File, Item, Section, Value, ValueKind};
use crate::version::Version;

pub(super) fn package(mut package: Package, file: File, mut errors: Vec<Error>) -> (Package, Vec<Error>) {
    let mut seen = BTreeSet::new();
    for item in file.items {
        match item {
            Item::Field(field) => {
                if !seen.insert(field.name.clone()) {
                    errors.push(Error::new(field.span, Fault::Twice(field.name)));
                } else if !typed_field(&mut package, &field.name, &field.value, &mut errors) {
                    package.others.push(Item::Field(field));
                }
            }
            Item::Section(section) => {
                let typed = typed_section(&mut package, &section, &mut errors);
                if !typed {
                    package.others.push(Item::Section(section));
                }
            }
        }
    }
    errors.sort_by_key(|error| error.span.start);
    (package, errors)
}

/// Reads a field that has a typed form; whether it has.
fn typed_field(package: &mut Package, field: &str, value: &Value, errors: &mut Vec<Error>) -> bool {
    let reader = &mut Reader::new(field, errors);
    match field {
        "depends" => package.depends = dependency::read(reader, value, Join::All),
        "depopts" => package.depopts = dependency::read(reader, value, Join::Any),
        "conflicts" if elements(value).is_empty() => {}
        "conflicts" => package.conflicts = dependency::read(reader, value, Join::Any),
        "conflict-class" => package.conflict_classes = names(reader, value),
        "available" => package.available = reader.conjunction(elements(value)),
        "flags" => package.flags = flags(reader, value),
        "build" => package.build = Command::read_all(reader, value),
        "install" => package.install = Command::read_all(reader, value),
        "run-test" => package.run_test = Command::read_all(reader, value),
        "patches" => package.patches = filtered_strings(reader, value),
        "substs" => package.substs = reader.strings(value),
        "setenv" => package.setenv = EnvUpdate::read_all(reader, value),
        "build-env" => package.build_env = EnvUpdate::read_all(reader, value),
        "depexts" => package.depexts = depexts(reader, value),
        "pin-depends" => package.pin_depends = pairs(reader, value, pin_depend),
        "extra-files" => package.extra_files = pairs(reader, value, extra_file),
        _ => return false,
    }
    true
}

fn typed_section(package: &mut Package, section: &Section, errors: &mut Vec<Error>) -> bool {
    match (section.kind.as_str(), &section.name) {
        ("url", None) => {
            let source = source(section, errors);
            if package.source.is_some() {
                errors.push(Error::new(section.span, Fault::Twice("url".to_owned())));
            } else {
                package.source = source;
            }
        }
        ("extra-source", Some(name)) => {
            let source = source(section, errors);
            package.extra_sources.extend(source.map(|source| ExtraSource { name: name.clone(), source }));
        }
        _ => return false,
    }
    true
}

fn source(section: &Section, errors: &mut Vec<Error>) -> Option<Source> {
    let mut src = None;
    let (mut mirrors, mut checksums, mut subpath) = (Vec::new(), Vec::new(), None);
    for item in &section.items {
        let Item::Field(field) = item else { continue };
        let reader = &mut Reader::new(&field.name, errors);
        match field.name.as_str() {
            "src" | "archive" | "http" | "git" | "hg" | "darcs" => src = reader.string(&field.value).map(str::to_owned),
            "mirrors" => mirrors = reader.strings(&field.value),
            "subpath" => subpath = reader.string(&field.value).map(str::to_owned),
            "checksum" => {
                let mut one = |value| {
                    let text = reader.string(value)?;
                    reader.noting(value, text.parse::<Checksum>())
                };
                checksums = elements(&field.value).iter().filter_map(&mut one).collect();
            }
            _ => {}
        }
    }
    if src.is_none() {
        errors.push(Error::new(section.span, Fault::Missing { section: section.kind.clone(), field: "src" }));
    }
    src.map(|src| Source { src, mirrors, checksums, subpath })
}

fn names(reader: &mut Reader<'_>, value: &Value) -> Vec<PackageName> {
    let mut name = |value| {
        let text = reader.string(value)?;
        reader.noting(value, PackageName::new(text))
    };
    elements(value).iter().filter_map(&mut name).collect()
}

fn flags(reader: &mut Reader<'_>, value: &Value) -> Vec<Flag> {
    let mut flag = |value: &Value| match &value.kind {
        ValueKind::Ident(text) | ValueKind::String(text) => Some(Flag::from(text.as_str())),
        _ => reader.wrong(value, "names of flags"),
    };
    elements(value).iter().filter_map(&mut flag).collect()
}

fn filtered_strings(reader: &mut Reader<'_>, value: &Value) -> Vec<Filtered<String>> {
    let mut one = |value| {
        let (value, filter) = reader.filtered(value);
        Some(Filtered { value: reader.string(value)?.to_owned(), filter })
    };
    elements(value).iter().filter_map(&mut one).collect()
}

/// `["a"] {f}`, or a list of such.
fn depexts(reader: &mut Reader<'_>, value: &Value) -> Vec<Filtered<Vec<String>>> {
    let single = |value: &Value| matches!(&value.kind, ValueKind::String(_));
    let values = if elements(value).iter().all(single) { std::slice::from_ref(value) } else { elements(value) };
    let mut one = |value| {
        let (value, filter) = reader.filtered(value);
        Filtered { value: reader.strings(value), filter }
    };
    values.iter().map(&mut one).filter(|packages| !packages.value.is_empty()).collect()
}

/// `["a" "b"]`, or a list of such.
fn pairs<T>(
    reader: &mut Reader<'_>,
    value: &Value,
    make: fn(&mut Reader<'_>, &Value, &str, &str) -> Option<T>,
) -> Vec<T> {
    let single = elements(value).iter().any(|value| matches!(&value.kind, ValueKind::String(_)));
    let values = if single { std::slice::from_ref(value) } else { elements(value) };
    let mut one = |value: &Value| {
        let [first, second] = elements(value) else { return reader.wrong(value, "pairs of strings") };
        let (first, second) = (reader.string(first)?, reader.string(second)?);
        make(reader, value, first, second)
    };
    values.iter().filter_map(&mut one).collect()
}

fn pin_depend(reader: &mut Reader<'_>, value: &Value, package: &str, url: &str) -> Option<PinDepend> {
    let Some((name, version)) = package.split_once('.') else {
        return reader.wrong(value, "`name.version` and an address");
    };
    let name = reader.noting(value, PackageName::new(name))?;
    let version = reader.noting(value, Version::new(version))?;
    Some(PinDepend { name, version, url: url.to_owned() })
}

fn extra_file(reader: &mut Reader<'_>, value: &Value, name: &str, checksum: &str) -> Option<(String, Checksum)> {
    let checksum = reader.noting(value, checksum.parse::<Checksum>())?;
    Some((name.to_owned(), checksum))
}
