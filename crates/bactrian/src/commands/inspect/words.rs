//! Words for the facts of object files, the same for people and machines. Not here: layout.

use std::borrow::Cow;

use inspect::{
    AppleOs, Bits, Content, Endian, FloatAbi, Format, Kind, Libc, Linkage, Platform, Report, Signature, Subsystem,
};

use crate::messages::{GlibcNeed, Object};

/// What a file is made of, if not of one object.
pub(super) fn container(content: &Content<'_>) -> Option<&'static str> {
    match content {
        Content::Object(_) | Content::NotAnObject => None,
        Content::Universal(_) => Some("universal"),
        Content::Archive(archive) if archive.thin => Some("thin-archive"),
        Content::Archive(_) => Some("archive"),
    }
}

/// One object.
pub(super) fn object(report: &Report<'_>) -> Object {
    let (system, oldest_release) = system(&report.platform);
    Object {
        slice: None,
        member: None,
        damage: None,
        format: Some(format(report.format)),
        kind: Some(kind(report.kind)),
        cpu: Some(report.machine.name().map_or_else(|| format!("{:?}", report.machine.arch), str::to_owned)),
        bits: Some(match report.machine.bits {
            Bits::B32 => 32,
            Bits::B64 => 64,
        }),
        endian: Some(match report.machine.endian {
            Endian::Little => "little",
            Endian::Big => "big",
        }),
        float_abi: report.machine.float_abi.map(|abi| match abi {
            FloatAbi::Soft => "soft",
            FloatAbi::Single => "single",
            FloatAbi::Hard => "hard",
            FloatAbi::Quad => "quad",
        }),
        system,
        oldest_release,
        libc: report.platform.libc().map(|libc| match libc {
            Libc::Glibc => "glibc",
            Libc::Musl => "musl",
        }),
        signature: signature(&report.platform),
        linkage: report.linkage.map(|linkage| match linkage {
            Linkage::Static => "static",
            Linkage::StaticPie => "static-pie",
            Linkage::Dynamic => "dynamic",
        }),
        interpreter: report.interpreter.as_deref().map(str::to_owned),
        own_name: report.own_name.as_deref().map(str::to_owned),
        libraries: owned(&report.needed),
        optional_libraries: owned(&report.optional),
        search_path: report.rpath.iter().chain(&report.runpath).map(|path| path.clone().into_owned()).collect(),
        glibc: report.glibc().map(|glibc| GlibcNeed {
            floor: glibc.floor.map(|(major, minor)| format!("{major}.{minor}")),
            because_of: glibc.decided_by.iter().flat_map(|need| owned(&need.symbols)).collect(),
            private: glibc.unranked.iter().flat_map(|need| owned(&need.symbols)).collect(),
        }),
    }
}

fn owned(names: &[Cow<'_, str>]) -> Vec<String> {
    names.iter().map(|name| name.clone().into_owned()).collect()
}

const fn format(format: Format) -> &'static str {
    match format {
        Format::Elf => "ELF",
        Format::Pe => "PE",
        Format::Coff => "COFF",
        Format::CoffImport => "COFF import",
        Format::MachO => "Mach-O",
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Executable => "executable",
        Kind::SharedLibrary => "shared-library",
        Kind::Relocatable => "relocatable",
        Kind::ImportStub => "import-stub",
        Kind::Core => "core",
        Kind::DebugCompanion => "debug-companion",
        Kind::Other(_) => "other",
    }
}

/// The system, and its oldest release that will do.
fn system(platform: &Platform) -> (Option<String>, Option<String>) {
    let plain = |name: &str, version: Option<u32>| (Some(name.to_owned()), version.map(|version| version.to_string()));
    match platform {
        Platform::Unknown => (None, None),
        Platform::Linux { kernel, .. } => {
            (Some("Linux".to_owned()), kernel.map(|(major, minor, patch)| format!("{major}.{minor}.{patch}")))
        }
        Platform::Android { api } => plain("Android API", *api),
        Platform::FreeBsd { version } => plain("FreeBSD", *version),
        Platform::NetBsd { version } => plain("NetBSD", *version),
        Platform::OpenBsd => plain("OpenBSD", None),
        Platform::OtherElf(number) => (Some(format!("ELF system {number}")), None),
        Platform::Windows { subsystem, version: (major, minor) } => {
            let name = match subsystem {
                Subsystem::Console => "Windows console".to_owned(),
                Subsystem::Gui => "Windows GUI".to_owned(),
                Subsystem::Other(number) => format!("Windows subsystem {number}"),
            };
            (Some(name), Some(format!("{major}.{minor}")))
        }
        Platform::Apple { os, minimum, .. } => {
            let name = match os {
                AppleOs::Unknown => "Apple".to_owned(),
                AppleOs::MacOs => "macOS".to_owned(),
                AppleOs::Ios => "iOS".to_owned(),
                AppleOs::IosSimulator => "iOS simulator".to_owned(),
                AppleOs::TvOs => "tvOS".to_owned(),
                AppleOs::WatchOs => "watchOS".to_owned(),
                AppleOs::Other(number) => format!("Apple platform {number}"),
            };
            (Some(name), Some(format!("{}.{}", minimum.0, minimum.1)))
        }
    }
}

const fn signature(platform: &Platform) -> Option<&'static str> {
    match platform {
        Platform::Apple { signature, .. } => Some(match signature {
            Signature::None => "none",
            Signature::LinkerSigned => "linker-signed",
            Signature::AdHoc => "ad-hoc",
            Signature::Certificate => "certificate",
        }),
        _ => None,
    }
}
