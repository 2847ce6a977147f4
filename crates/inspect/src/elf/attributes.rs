//! Build attributes of Arm objects. NOT here: those of other processors.
//!
//! Source: "Addenda to, and Errata in, the ABI for the Arm Architecture", sections 2.2 and 3.3.

use object::Endianness;
use object::elf;
use object::read::elf::{AttributesSection, FileHeader, SectionHeader};

use super::Elf;
use crate::error::{At, Error, Part};
use crate::machine::FloatAbi;

const TAG_CPU_RAW_NAME: u64 = 4;
const TAG_CPU_NAME: u64 = 5;
const TAG_ABI_VFP_ARGS: u64 = 28;
const TAG_COMPATIBILITY: u64 = 32;

/// `Tag_ABI_VFP_args` of the whole file; `None` if it is not there, because assembly without floating point has none.
pub(super) fn arm_float_abi<H: FileHeader<Endian = Endianness>>(elf: &Elf<'_, H>) -> Result<Option<FloatAbi>, Error> {
    let is_attributes = |section: &&H::SectionHeader| section.sh_type(elf.endian) == elf::SHT_ARM_ATTRIBUTES;
    let Some(section) = elf.sections.iter().find(is_attributes) else { return Ok(None) };
    let offset = section.sh_offset(elf.endian).into();
    let bytes = section.data(elf.endian, elf.bytes).at(Part::SectionHeaders, offset)?;
    file_float_abi::<H>(elf.endian, bytes).at(Part::SectionHeaders, offset)
}

fn file_float_abi<H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    bytes: &[u8],
) -> Result<Option<FloatAbi>, object::read::Error> {
    let mut subsections = AttributesSection::<H>::new(endian, bytes)?.subsections()?;
    while let Some(subsection) = subsections.next()? {
        if subsection.vendor() != b"aeabi" {
            continue;
        }
        let mut parts = subsection.subsubsections();
        while let Some(part) = parts.next()? {
            if part.tag() != elf::Tag_File {
                continue;
            }
            let mut attributes = part.attributes();
            while let Some(tag) = attributes.read_tag()? {
                match tag {
                    TAG_ABI_VFP_ARGS => return Ok(float_abi(attributes.read_integer()?)),
                    TAG_COMPATIBILITY => {
                        attributes.read_integer()?;
                        attributes.read_string()?;
                    }
                    // Above 32 the parity of the tag says the type.
                    TAG_CPU_RAW_NAME | TAG_CPU_NAME => drop(attributes.read_string()?),
                    tag if tag > TAG_COMPATIBILITY && tag % 2 == 1 => drop(attributes.read_string()?),
                    _ => drop(attributes.read_integer()?),
                }
            }
        }
    }
    Ok(None)
}

fn float_abi(value: u64) -> Option<FloatAbi> {
    match value {
        0 => Some(FloatAbi::Soft),
        1 => Some(FloatAbi::Hard),
        // 2 is private to a toolchain, 3 goes with both.
        _ => None,
    }
}
