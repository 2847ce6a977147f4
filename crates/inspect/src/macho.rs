//! Mach-O files for one processor: the load commands. NOT here: universal files (`archive`), symbols, fixups.

use std::borrow::Cow;

use object::endian::BigEndian;
use object::macho::{self, LcStr, LinkeditDataCommand};
use object::read::macho::{LoadCommandData, LoadCommandVariant, MachHeader};
use object::{Endianness, ReadRef};

use crate::error::{At, Error, Part};
use crate::machine::{Bits, Endian, Machine, macho_arch};
use crate::platform::{AppleOs, AppleVersion, Platform, Signature};
use crate::report::{Format, Kind, Linkage, Report};

/// Whether these bytes begin a Mach-O file, and of which width.
pub(crate) fn recognize(bytes: &[u8]) -> Option<Bits> {
    match bytes.get(..4)? {
        [0xfe, 0xed, 0xfa, 0xce] | [0xce, 0xfa, 0xed, 0xfe] => Some(Bits::B32),
        [0xfe, 0xed, 0xfa, 0xcf] | [0xcf, 0xfa, 0xed, 0xfe] => Some(Bits::B64),
        _ => None,
    }
}

/// Reads what [`recognize`] found.
pub(crate) fn read(bytes: &[u8], bits: Bits) -> Result<Report<'_>, Error> {
    match bits {
        Bits::B32 => read_width::<macho::MachHeader32<Endianness>>(bytes, bits),
        Bits::B64 => read_width::<macho::MachHeader64<Endianness>>(bytes, bits),
    }
}

fn read_width<H: MachHeader<Endian = Endianness>>(bytes: &[u8], bits: Bits) -> Result<Report<'_>, Error> {
    let header = H::parse(bytes, 0).at(Part::FileHeader, 0)?;
    let endian = header.endian().at(Part::FileHeader, 0)?;
    let machine = Machine {
        arch: macho_arch(header.cputype(endian)),
        bits,
        endian: if header.is_little_endian() { Endian::Little } else { Endian::Big },
        float_abi: None,
    };
    let kind = match header.filetype(endian) {
        macho::MH_OBJECT => Kind::Relocatable,
        macho::MH_EXECUTE => Kind::Executable,
        macho::MH_DYLIB | macho::MH_DYLIB_STUB | macho::MH_BUNDLE => Kind::SharedLibrary,
        macho::MH_CORE => Kind::Core,
        macho::MH_DSYM => Kind::DebugCompanion,
        other => Kind::Other(other.0),
    };

    let mut commands =
        Commands { bytes, endian, report: Report::new(Format::MachO, kind, machine), apple: Apple::default() };
    let mut list = header.load_commands(endian, bytes, 0).at(Part::LoadCommands, 0)?;
    while let Some(command) = list.next().at(Part::LoadCommands, 0)? {
        commands.read(&command)?;
    }
    Ok(commands.finish())
}

/// What the load commands said so far.
struct Commands<'d> {
    bytes: &'d [u8],
    endian: Endianness,
    report: Report<'d>,
    apple: Apple,
}

/// The system, which two generations of commands describe.
#[derive(Default)]
struct Apple {
    build: Option<(AppleOs, AppleVersion, AppleVersion)>,
    signature: Option<Signature>,
}

impl<'d> Commands<'d> {
    fn read(&mut self, command: &LoadCommandData<'d, Endianness>) -> Result<(), Error> {
        let offset = command.offset();
        match command.variant().at(Part::LoadCommands, offset)? {
            LoadCommandVariant::LoadDylinker(loader) => {
                self.report.interpreter = Some(self.string(command, loader.name)?);
            }
            LoadCommandVariant::Dylib(library) => {
                let name = self.string(command, library.dylib.name)?;
                match command.cmd() {
                    macho::LC_LOAD_WEAK_DYLIB | macho::LC_LAZY_LOAD_DYLIB => self.report.optional.push(name),
                    _ => self.report.needed.push(name),
                }
            }
            LoadCommandVariant::IdDylib(library) => {
                self.report.own_name = Some(self.string(command, library.dylib.name)?);
            }
            LoadCommandVariant::Rpath(rpath) => {
                let path = self.string(command, rpath.path)?;
                self.report.runpath.push(path);
            }
            LoadCommandVariant::BuildVersion(build, _) => {
                let (minimum, sdk) = (version(build.minos.get(self.endian).0), version(build.sdk.get(self.endian).0));
                self.apple.build = Some((os(build.platform.get(self.endian)), minimum, sdk));
            }
            LoadCommandVariant::VersionMin(minimum) => {
                let (oldest, sdk) =
                    (version(minimum.version.get(self.endian).0), version(minimum.sdk.get(self.endian).0));
                self.apple.build = Some((os_of_command(command.cmd()), oldest, sdk));
            }
            LoadCommandVariant::LinkeditData(data) if command.cmd() == macho::LC_CODE_SIGNATURE => {
                self.apple.signature = Some(signature(self.bytes, self.endian, data)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// Commands do not overlap, so their names together are no longer than the file.
    fn string(
        &self,
        command: &LoadCommandData<'d, Endianness>,
        name: LcStr<Endianness>,
    ) -> Result<Cow<'d, str>, Error> {
        let name = command.string(self.endian, name).at(Part::LoadCommands, command.offset())?;
        Ok(String::from_utf8_lossy(name))
    }

    fn finish(self) -> Report<'d> {
        let Self { mut report, apple, .. } = self;
        let (os, minimum, sdk) =
            apple.build.unwrap_or((AppleOs::Unknown, AppleVersion::default(), AppleVersion::default()));
        report.platform = Platform::Apple { os, minimum, sdk, signature: apple.signature.unwrap_or(Signature::None) };
        let needs_something = report.interpreter.is_some() || !report.needed.is_empty() || !report.optional.is_empty();
        report.linkage = match report.kind {
            Kind::SharedLibrary => Some(Linkage::Dynamic),
            Kind::Executable if needs_something => Some(Linkage::Dynamic),
            Kind::Executable => Some(Linkage::Static),
            _ => None,
        };
        report
    }
}

/// The first code directory decides: others repeat it with other hashes.
fn signature(bytes: &[u8], endian: Endianness, place: &LinkeditDataCommand<Endianness>) -> Result<Signature, Error> {
    let offset = place.dataoff.get(endian).into();
    // Space for a signature that a later tool fills in.
    let data = bytes.read_bytes_at(offset, place.datasize.get(endian).into()).at(Part::CodeSignature, offset)?;
    if data.iter().take(4).all(|byte| *byte == 0) {
        return Ok(Signature::None);
    }
    let mut blobs = place.code_signature(endian, bytes).at(Part::CodeSignature, offset)?.blobs();
    while let Some(blob) = blobs.next().at(Part::CodeSignature, offset)? {
        let Some(directory) = blob.code_directory().at(Part::CodeSignature, offset)? else { continue };
        let flags = directory.header().flags.get(BigEndian);
        return Ok(if flags.contains(macho::CS_LINKER_SIGNED) {
            Signature::LinkerSigned
        } else if flags.contains(macho::CS_ADHOC) {
            Signature::AdHoc
        } else {
            Signature::Certificate
        });
    }
    Ok(Signature::None)
}

fn os(platform: macho::Platform) -> AppleOs {
    match platform {
        macho::PLATFORM_UNKNOWN => AppleOs::Unknown,
        macho::PLATFORM_MACOS => AppleOs::MacOs,
        macho::PLATFORM_IOS => AppleOs::Ios,
        macho::PLATFORM_IOSSIMULATOR => AppleOs::IosSimulator,
        macho::PLATFORM_TVOS => AppleOs::TvOs,
        macho::PLATFORM_WATCHOS => AppleOs::WatchOs,
        other => AppleOs::Other(other.0),
    }
}

fn os_of_command(command: macho::LoadCommandType) -> AppleOs {
    match command {
        macho::LC_VERSION_MIN_MACOSX => AppleOs::MacOs,
        macho::LC_VERSION_MIN_IPHONEOS => AppleOs::Ios,
        macho::LC_VERSION_MIN_TVOS => AppleOs::TvOs,
        macho::LC_VERSION_MIN_WATCHOS => AppleOs::WatchOs,
        _ => AppleOs::Unknown,
    }
}

/// `xxxx.yy.zz` in nibbles.
fn version(packed: u32) -> AppleVersion {
    let [high, low, minor, patch] = packed.to_be_bytes();
    AppleVersion(u16::from_be_bytes([high, low]), minor, patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (packed, expected) in [
            (0x000d_0000, AppleVersion(13, 0, 0)),
            (0x000a_0f07, AppleVersion(10, 15, 7)),
            (0xffff_ffff, AppleVersion(0xffff, 255, 255)),
        ] {
            assert_eq!(version(packed), expected);
        }
    }
}
