//! Which system an ELF file is for: notes first, then the header, the loader, the libraries.
//! NOT here: an error for a malformed note. Loaders ignore them, and so do we: it ends the evidence of its segment.

use std::borrow::Cow;

use object::Endianness;
use object::elf;
use object::endian::U32;
use object::pod;
use object::read::elf::{FileHeader, Note, ProgramHeader};

use super::Elf;
use crate::platform::{Libc, Platform};

/// Programs have fewer than ten; a core file can have thousands, and overlapping segments as many as they like.
const MOST_NOTES: usize = 1024;

/// What the file says of its system.
pub(super) fn platform<H: FileHeader<Endian = Endianness>>(
    elf: &Elf<'_, H>,
    interpreter: Option<&str>,
    needed: &[Cow<'_, str>],
) -> Platform {
    let from_notes = platform_of_notes(elf);
    let found = from_notes.or_else(|| interpreter.and_then(platform_of_loader));
    let found = found.unwrap_or_else(|| platform_of_header(elf.header.e_ident().os_abi));
    match found {
        // Only Linux has these; bionic's and the BSDs' libraries have been told by a note or the header.
        Platform::Unknown => libc_of(needed).map_or(found, |libc| Platform::Linux { libc: Some(libc), kernel: None }),
        Platform::Linux { libc, kernel } => {
            let by_loader = interpreter.and_then(platform_of_loader).and_then(|platform| platform.libc());
            Platform::Linux { libc: by_loader.or(libc).or_else(|| libc_of(needed)), kernel }
        }
        _ => found,
    }
}

fn platform_of_notes<H: FileHeader<Endian = Endianness>>(elf: &Elf<'_, H>) -> Option<Platform> {
    let mut left = MOST_NOTES;
    for segment in elf.segments {
        let Ok(Some(mut notes)) = segment.notes(elf.endian, elf.bytes) else { continue };
        while let Ok(Some(note)) = notes.next() {
            left = left.checked_sub(1)?;
            if let Some(platform) = platform_of_note(elf.endian, &note) {
                return Some(platform);
            }
        }
    }
    None
}

fn platform_of_note<H: FileHeader<Endian = Endianness>>(endian: Endianness, note: &Note<'_, H>) -> Option<Platform> {
    let word = |index: usize| {
        let bytes = note.desc().get(index.checked_mul(4)?..)?;
        let (word, _) = pod::from_bytes::<U32<Endianness>>(bytes).ok()?;
        Some(word.get(endian))
    };
    // Type 1 is the version note of each of these owners.
    if note.n_type(endian).0 != 1 {
        return None;
    }
    match note.name() {
        b"GNU" if word(0)? == elf::ELF_NOTE_OS_LINUX => {
            Some(Platform::Linux { libc: Some(Libc::Glibc), kernel: Some((word(1)?, word(2)?, word(3)?)) })
        }
        b"Android" => Some(Platform::Android { api: word(0) }),
        b"FreeBSD" => Some(Platform::FreeBsd { version: word(0) }),
        b"NetBSD" => Some(Platform::NetBsd { version: word(0) }),
        b"OpenBSD" => Some(Platform::OpenBsd),
        _ => None,
    }
}

fn platform_of_header(os_abi: elf::OsAbi) -> Platform {
    match os_abi {
        // The processor's own ABI, which every system uses; Arm's number for it (EABI before version 4 had another).
        elf::ELFOSABI_SYSV | elf::ELFOSABI_ARM | elf::ELFOSABI_ARM_AEABI => Platform::Unknown,
        // Means "uses GNU extensions", such as indirect functions, which FreeBSD has by its own number.
        elf::ELFOSABI_GNU => Platform::Linux { libc: None, kernel: None },
        elf::ELFOSABI_FREEBSD => Platform::FreeBsd { version: None },
        elf::ELFOSABI_NETBSD => Platform::NetBsd { version: None },
        elf::ELFOSABI_OPENBSD => Platform::OpenBsd,
        other => Platform::OtherElf(other.0),
    }
}

fn platform_of_loader(path: &str) -> Option<Platform> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let linux = |libc| Some(Platform::Linux { libc: Some(libc), kernel: None });
    match name {
        "linker" | "linker64" => Some(Platform::Android { api: None }),
        "ld-elf.so.1" | "ld-elf32.so.1" => Some(Platform::FreeBsd { version: None }),
        "ld.elf_so" => Some(Platform::NetBsd { version: None }),
        "ld.so" => Some(Platform::OpenBsd),
        // POWER and IBM Z, and MIPS.
        "ld64.so.1" | "ld64.so.2" | "ld.so.1" => linux(Libc::Glibc),
        _ if name.starts_with("ld-musl-") => linux(Libc::Musl),
        _ if name.starts_with("ld-linux") => linux(Libc::Glibc),
        _ => None,
    }
}

fn libc_of(needed: &[Cow<'_, str>]) -> Option<Libc> {
    needed.iter().find_map(|library| match library.as_ref() {
        // Alpha and IA-64 have 6.1.
        "libc.so.6" | "libc.so.6.1" => Some(Libc::Glibc),
        library if library.starts_with("libc.musl-") => Some(Libc::Musl),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders() {
        let linux = |libc| Some(Platform::Linux { libc: Some(libc), kernel: None });
        let table = [
            ("/lib64/ld-linux-x86-64.so.2", linux(Libc::Glibc)),
            ("/lib/ld-linux-aarch64.so.1", linux(Libc::Glibc)),
            ("/lib/ld-linux-riscv64-lp64d.so.1", linux(Libc::Glibc)),
            ("/lib64/ld64.so.2", linux(Libc::Glibc)),
            ("/lib/ld64.so.1", linux(Libc::Glibc)),
            ("/nix/store/x-glibc-2.40/lib/ld-linux-x86-64.so.2", linux(Libc::Glibc)),
            ("/lib/ld-musl-armhf.so.1", linux(Libc::Musl)),
            ("/system/bin/linker64", Some(Platform::Android { api: None })),
            ("/libexec/ld-elf.so.1", Some(Platform::FreeBsd { version: None })),
            ("/libexec/ld.elf_so", Some(Platform::NetBsd { version: None })),
            ("/usr/libexec/ld.so", Some(Platform::OpenBsd)),
            ("", None),
            ("/lib/other", None),
        ];
        for (path, expected) in table {
            assert_eq!(platform_of_loader(path), expected, "{path}");
        }
    }
}
