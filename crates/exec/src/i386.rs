//! Whether this machine runs programs for 32-bit x86: found out by starting one.
//!
//! A kernel for x86_64 may be built or booted without them, and other CPUs have none. Not here: what is done about it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the program ends with.
const EXIT: u8 = 32;

/// A static ELF program of 32 bits that ends with [`EXIT`]: file header, one program header, and `exit(32)`.
const PROGRAM: [u8; 94] = [
    0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, // 32 bits, little-endian
    2, 0, 3, 0, 1, 0, 0, 0, // executable, i386, version
    0x54, 0x80, 0x04, 0x08, // entry
    52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // program headers, no section headers, no flags
    52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0, // sizes and numbers of headers
    1, 0, 0, 0, 0, 0, 0, 0, // load from offset 0
    0x00, 0x80, 0x04, 0x08, 0x00, 0x80, 0x04, 0x08, // to this address
    94, 0, 0, 0, 94, 0, 0, 0, 5, 0, 0, 0, 0, 0x10, 0, 0, // so much, read and execute, by pages
    0xb3, EXIT, // mov bl, 32
    0x31, 0xc0, // xor eax, eax
    0x40, // inc eax: the number of `exit`
    0xcd, 0x80, // int 0x80
    0xf4, 0xf4, 0xf4, // never reached
];

/// Starts a program for 32-bit x86 that is written into `directory`.
///
/// # Errors
/// If it cannot be written.
pub fn runs(directory: &Path) -> io::Result<bool> {
    let file = write(directory)?;
    let status = Command::new(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    fs::remove_file(&file)?;
    Ok(status.is_ok_and(|status| status.code() == Some(EXIT.into())))
}

/// The program as a file in `directory`.
fn write(directory: &Path) -> io::Result<PathBuf> {
    let file = directory.join("i386");
    fs::write(&file, PROGRAM)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer must be the emulator's wherever there is one: the program itself is sound.
    #[test]
    fn the_program_is_one() {
        let temp = tempfile::tempdir().unwrap();
        let answer = runs(temp.path()).unwrap();
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
        let file = write(temp.path()).unwrap();
        let emulated = Command::new("qemu-i386").arg(&file).status();
        // Without an emulator the machine's own word is all there is.
        assert!(emulated.map_or(true, |status| status.code() == Some(EXIT.into())), "the machine says {answer}");
    }
}
