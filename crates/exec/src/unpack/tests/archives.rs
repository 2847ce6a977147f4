//! Makers of archives that write whatever they are told.

use std::io::Write as _;

/// A tar under construction.
#[derive(Default, Clone)]
pub(super) struct Tar(Vec<u8>);

impl Tar {
    pub(super) fn member(mut self, kind: u8, name: &[u8], link: &[u8], mode: u32, contents: &[u8]) -> Self {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name);
        header[100..108].copy_from_slice(format!("{mode:07o}\0").as_bytes());
        header[124..136].copy_from_slice(format!("{:011o}\0", contents.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = kind;
        header[157..157 + link.len()].copy_from_slice(link);
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend(header);
        self.0.extend(contents);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(super) fn file(self, name: &str, text: &str) -> Self {
        self.member(b'0', name.as_bytes(), b"", 0o644, text.as_bytes())
    }

    pub(super) fn program(self, name: &str, text: &str) -> Self {
        self.member(b'0', name.as_bytes(), b"", 0o755, text.as_bytes())
    }

    pub(super) fn directory(self, name: &str) -> Self {
        self.member(b'5', name.as_bytes(), b"", 0o755, b"")
    }

    pub(super) fn link(self, name: &str, target: &str) -> Self {
        self.member(b'2', name.as_bytes(), target.as_bytes(), 0o777, b"")
    }

    pub(super) fn hard(self, name: &str, target: &str) -> Self {
        self.member(b'1', name.as_bytes(), target.as_bytes(), 0o644, b"")
    }

    /// A pax header about the next member.
    pub(super) fn pax(self, records: &[(&str, &str)]) -> Self {
        self.pax_of_kind(b'x', records)
    }

    pub(super) fn pax_of_kind(self, kind: u8, records: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (key, value) in records {
            let rest = format!(" {key}={value}\n");
            let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
            text = format!("{text}{length}{rest}");
        }
        self.member(kind, b"pax", b"", 0o644, text.as_bytes())
    }

    /// A GNU header with the next member's name (`L`) or target (`K`).
    pub(super) fn gnu(self, kind: u8, text: &str) -> Self {
        self.member(kind, b"././@LongLink", b"", 0o644, format!("{text}\0").as_bytes())
    }

    /// The archive, ended as it should be.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }

    /// The archive without its end.
    pub(super) fn open_end(self) -> Vec<u8> {
        self.0
    }
}

/// A zip under construction; contents are stored, not deflated, unless given so.
#[derive(Default, Clone)]
pub(super) struct Zip {
    body: Vec<u8>,
    directory: Vec<u8>,
    members: u16,
}

/// A zip's member.
#[derive(Clone)]
pub(super) struct ZipMember<'a> {
    pub(super) name: &'a [u8],
    /// Unix mode with file type; 0 for one made elsewhere.
    pub(super) mode: u32,
    pub(super) deflated: bool,
    /// As stored.
    pub(super) contents: &'a [u8],
    /// Before deflation.
    pub(super) size: u32,
    pub(super) crc: u32,
}

impl Zip {
    pub(super) fn member(mut self, member: &ZipMember<'_>) -> Self {
        let offset = u32::try_from(self.body.len()).unwrap();
        let length = u32::try_from(member.contents.len()).unwrap();
        let mut common = Vec::new();
        common.extend(20_u16.to_le_bytes());
        common.extend([0, 0]);
        common.extend((if member.deflated { 8_u16 } else { 0 }).to_le_bytes());
        common.extend([0, 0, 0x21, 0]);
        common.extend(member.crc.to_le_bytes());
        common.extend(length.to_le_bytes());
        common.extend(member.size.to_le_bytes());
        common.extend(u16::try_from(member.name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        self.body.extend(b"PK\x03\x04");
        self.body.extend(&common);
        self.body.extend(member.name);
        self.body.extend(member.contents);
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend([20, if member.mode == 0 { 0 } else { 3 }]);
        self.directory.extend(&common);
        self.directory.extend([0; 6]);
        self.directory.extend((member.mode << 16).to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(member.name);
        self.members += 1;
        self
    }

    pub(super) fn of_mode(self, name: &str, mode: u32, text: &str) -> Self {
        let (contents, size, crc) = (text.as_bytes(), u32::try_from(text.len()).unwrap(), crc(text.as_bytes()));
        self.member(&ZipMember { name: name.as_bytes(), mode, deflated: false, contents, size, crc })
    }

    pub(super) fn file(self, name: &str, text: &str) -> Self {
        self.of_mode(name, 0o100_644, text)
    }

    pub(super) fn link(self, name: &str, target: &str) -> Self {
        self.of_mode(name, 0o120_777, target)
    }

    pub(super) fn deflated(self, name: &str, contents: &[u8]) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(contents).unwrap();
        let (size, crc) = (u32::try_from(contents.len()).unwrap(), crc(contents));
        let contents = &encoder.finish().unwrap();
        self.member(&ZipMember { name: name.as_bytes(), mode: 0o100_755, deflated: true, contents, size, crc })
    }

    pub(super) fn end(self) -> Vec<u8> {
        let mut bytes = self.body;
        let (offset, size) = (u32::try_from(bytes.len()).unwrap(), u32::try_from(self.directory.len()).unwrap());
        bytes.extend(self.directory);
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend(self.members.to_le_bytes());
        bytes.extend(self.members.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }
}

pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(0)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A Debian package, or whatever else has such members.
pub(super) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, contents) in members {
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, contents.len()).as_bytes());
        bytes.extend(*contents);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    }
    bytes
}
