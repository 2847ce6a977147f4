//! Files that hold other files: `ar` archives (GNU, BSD, COFF; thin ones too) and universal Mach-O files.
//! NOT here: archives of AIX and z/OS, archive symbol tables.

use object::ReadRef;
use object::read::archive::{ArchiveFile, ArchiveMember};
use object::read::macho::{FatArch, MachOFatFile};

use crate::content::{Archive, Member, Slice, inspect_object, inspect_slice};
use crate::error::{At, Error, Part};
use crate::text::Names;

/// The magic of universal files is also that of Java classes, where the number of slices would be the version of
/// the format, which never was below this.
const FIRST_JAVA_VERSION: u32 = 45;

/// The slices of a universal Mach-O file; `None` if it is something else.
pub(crate) fn slices(bytes: &[u8]) -> Result<Option<Vec<Slice<'_>>>, Error> {
    let Some((magic, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let wide = match magic {
        [0xca, 0xfe, 0xba, 0xbe] => false,
        [0xca, 0xfe, 0xba, 0xbf] => true,
        _ => return Ok(None),
    };
    if rest.first_chunk::<4>().is_some_and(|count| u32::from_be_bytes(*count) >= FIRST_JAVA_VERSION) {
        return Ok(None);
    }
    if wide {
        slices_of(&MachOFatFile::<object::macho::FatArch64>::parse(bytes).at(Part::SliceTable, 0)?, bytes)
    } else {
        slices_of(&MachOFatFile::<object::macho::FatArch32>::parse(bytes).at(Part::SliceTable, 0)?, bytes)
    }
}

fn slices_of<'d, F: FatArch>(file: &MachOFatFile<'d, F>, bytes: &'d [u8]) -> Result<Option<Vec<Slice<'d>>>, Error> {
    let slice = |arch: &F| {
        let (offset, size) = arch.file_range();
        let content = bytes.read_bytes_at(offset, size).at(Part::Slice, offset).and_then(|slice| {
            inspect_slice(slice).map_err(|error| error.shifted(offset)).map(|content| content.shifted(offset))
        });
        Slice { offset, size, content }
    };
    Ok(Some(file.arches().iter().map(slice).collect()))
}

/// Whether these bytes begin an archive.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"!<arch>\n") || bytes.starts_with(b"!<thin>\n")
}

/// The members of an archive; `None` if it is something else.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<Archive<'_>>, Error> {
    if !is_archive(bytes) {
        return Ok(None);
    }
    let file = ArchiveFile::parse(bytes).at(Part::ArchiveHeader, 0)?;
    let mut archive = Archive { thin: file.is_thin(), members: Vec::new(), damage: None };
    let mut names = Names::of(bytes);
    let mut end = 0;
    for member in file.members() {
        let read = member.at(Part::ArchiveMember, end).and_then(|member| read_member(bytes, &member, &mut names));
        match read {
            Ok(member) => {
                end = member.offset.saturating_add(member.size);
                archive.members.push(member);
            }
            Err(error) => {
                archive.damage = Some(error);
                break;
            }
        }
    }
    Ok(Some(archive))
}

fn read_member<'d>(bytes: &'d [u8], member: &ArchiveMember<'d>, names: &mut Names) -> Result<Member<'d>, Error> {
    let (offset, size) = member.file_range();
    let name = names.take(member.name(), Part::ArchiveMember, offset)?;
    let data = member.data(bytes).at(Part::ArchiveMember, offset)?;
    let object = inspect_object(data).map_err(|error| error.shifted(offset));
    Ok(Member { name, offset, size, object: object.map(|report| report.map(Box::new)) })
}

impl crate::content::Content<'_> {
    /// Counts offsets inside an archive from the start of the universal file around it.
    fn shifted(mut self, base: u64) -> Self {
        if let Self::Archive(archive) = &mut self {
            archive.damage = archive.damage.map(|error| error.shifted(base));
            for member in &mut archive.members {
                member.offset = member.offset.saturating_add(base);
                if let Err(error) = &mut member.object {
                    *error = error.shifted(base);
                }
            }
        }
        self
    }
}
