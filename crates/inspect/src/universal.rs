//! Universal Mach-O files, written: one file out of one for each processor, as the system's `lipo` makes it.
//!
//! The only writing in this crate, for nobody else knows these headers. NOT here: reading such files (`archive`), and
//! taking slices out of them or out of archives.

use object::Endianness;
use object::macho::{FAT_MAGIC, MachHeader32, MachHeader64};
use object::read::macho::MachHeader;

use crate::machine::Bits;
use crate::macho::recognize;

/// Slices begin at multiples of this power of two: the size of a page on Apple's own processors, which the loader wants.
const ALIGNMENT: u32 = 14;
const FILE_HEADER: usize = 8;
const SLICE_HEADER: usize = 20;

/// Why files cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// None were given.
    #[error("there is nothing to join")]
    Nothing,
    /// A file is not Mach-O, or already a universal file.
    #[error("file {0} is no Mach-O file for one processor")]
    NotMachO(usize),
    /// Two files are for the same processor.
    #[error("files {0} and {1} are for the same processor")]
    Same(usize, usize),
    /// Offsets in these files have 32 bits.
    #[error("the files together are too large")]
    TooLarge,
}

/// One file out of several, in their order, whose numbers in errors count from 0.
///
/// The bytes of each stay as they are, so signatures stay valid.
///
/// # Errors
/// See [`JoinError`].
pub fn join(files: &[&[u8]]) -> Result<Vec<u8>, JoinError> {
    let count = u32::try_from(files.len()).map_err(|_| JoinError::TooLarge)?;
    if count == 0 {
        return Err(JoinError::Nothing);
    }
    let mut processors = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let processor = processor(file).ok_or(JoinError::NotMachO(number))?;
        if let Some(earlier) = processors.iter().position(|other| *other == processor) {
            return Err(JoinError::Same(earlier, number));
        }
        processors.push(processor);
    }
    let mut headers = [FAT_MAGIC.to_be_bytes(), count.to_be_bytes()].concat();
    let mut slices = Vec::new();
    let mut end = FILE_HEADER + SLICE_HEADER * files.len();
    for (file, (cpu, subtype)) in files.iter().zip(processors) {
        let offset = end.next_multiple_of(1 << ALIGNMENT);
        end = offset.checked_add(file.len()).ok_or(JoinError::TooLarge)?;
        let of = |number: usize| u32::try_from(number).map_err(|_| JoinError::TooLarge);
        for field in [cpu, subtype, of(offset)?, of(file.len())?, ALIGNMENT] {
            headers.extend(field.to_be_bytes());
        }
        slices.push((offset, *file));
    }
    let mut joined = headers;
    for (offset, file) in slices {
        joined.resize(offset, 0);
        joined.extend_from_slice(file);
    }
    Ok(joined)
}

/// The numbers of processor and variant, which the headers repeat.
fn processor(file: &[u8]) -> Option<(u32, u32)> {
    match recognize(file)? {
        Bits::B32 => numbers::<MachHeader32<Endianness>>(file),
        Bits::B64 => numbers::<MachHeader64<Endianness>>(file),
    }
}

fn numbers<H: MachHeader<Endian = Endianness>>(file: &[u8]) -> Option<(u32, u32)> {
    let header = H::parse(file, 0).ok()?;
    let endian = header.endian().ok()?;
    Some((header.cputype(endian).0, header.cpusubtype(endian).0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Content, inspect};
    use crate::machine::Arch;

    /// A Mach-O header without commands, and something behind it.
    fn file(cpu: u32, size: usize) -> Vec<u8> {
        let words = [0xfeed_facf_u32, cpu, 3, 2, 0, 0, 0, 0];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.resize(size, 7);
        bytes
    }

    const X86_64: u32 = 0x0100_0007;
    const ARM64: u32 = 0x0100_000c;

    #[test]
    fn what_is_joined_is_read_back() {
        let (intel, arm) = (file(X86_64, 40_000), file(ARM64, 33));
        let joined = join(&[&intel, &arm]).unwrap();
        let Content::Universal(slices) = inspect(&joined).unwrap() else { panic!("not universal") };
        let found: Vec<_> = slices
            .iter()
            .map(|slice| {
                let Ok(Content::Object(report)) = &slice.content else { panic!("{slice:?}") };
                let start = usize::try_from(slice.offset).unwrap();
                let bytes = &joined[start..start + usize::try_from(slice.size).unwrap()];
                (report.machine.arch, slice.offset % (1 << ALIGNMENT), bytes)
            })
            .collect();
        assert_eq!(found, [(Arch::X86_64, 0, intel.as_slice()), (Arch::Aarch64, 0, arm.as_slice())]);
    }

    #[test]
    fn refused() {
        let (intel, arm) = (file(X86_64, 64), file(ARM64, 64));
        let joined = join(&[&intel, &arm]).unwrap();
        for (files, error) in [
            (vec![], JoinError::Nothing),
            (vec![intel.as_slice(), b"\x7fELF"], JoinError::NotMachO(1)),
            (vec![&intel[..10]], JoinError::NotMachO(0)),
            (vec![joined.as_slice()], JoinError::NotMachO(0)),
            (vec![intel.as_slice(), &arm, &intel], JoinError::Same(0, 2)),
        ] {
            assert_eq!(join(&files), Err(error));
        }
    }
}
