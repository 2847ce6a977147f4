//! The smallest ELF files that say what they need.

/// An ELF file to be.
#[derive(Clone)]
pub(super) struct Elf {
    bits64: bool,
    interpreter: Option<String>,
    /// Tags and their texts.
    dynamic: Vec<(u32, String)>,
}

const NEEDED: u32 = 1;
const STRTAB: u32 = 5;
const STRSZ: u32 = 10;
const RPATH: u32 = 15;
const RUNPATH: u32 = 29;
/// Where the file is in memory.
const BASE: u64 = 0x40_0000;

impl Elf {
    pub(super) fn new(interpreter: Option<&str>, needed: &[&str]) -> Self {
        let dynamic = needed.iter().map(|name| (NEEDED, (*name).to_owned())).collect();
        Self { bits64: true, interpreter: interpreter.map(str::to_owned), dynamic }
    }

    pub(super) fn program(interpreter: &str, needed: &[&str]) -> Vec<u8> {
        Self::new(Some(interpreter), needed).bytes()
    }

    pub(super) fn library(needed: &[&str]) -> Vec<u8> {
        Self::new(None, needed).bytes()
    }

    pub(super) fn rpath(mut self, path: &str) -> Self {
        self.dynamic.push((RPATH, path.to_owned()));
        self
    }

    pub(super) fn runpath(mut self, path: &str) -> Self {
        self.dynamic.push((RUNPATH, path.to_owned()));
        self
    }

    pub(super) fn bits32(mut self) -> Self {
        self.bits64 = false;
        self
    }

    fn word(&self, value: u64) -> Vec<u8> {
        if self.bits64 { value.to_le_bytes().into() } else { u32::try_from(value).unwrap().to_le_bytes().into() }
    }

    fn segment(&self, kind: u32, offset: u64, size: u64) -> Vec<u8> {
        let words: Vec<_> = [offset, BASE + offset, 0, size, size].map(|value| self.word(value)).concat();
        let (kind, flags) = (kind.to_le_bytes(), 4_u32.to_le_bytes());
        if self.bits64 {
            [&kind, &flags, &words[..], &self.word(8)].concat()
        } else {
            [&kind, &words[..], &flags, &self.word(4)].concat()
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let (header, entry, word) = if self.bits64 { (64, 56, 8) } else { (52, 32, 4) };
        let interpreter = self.interpreter.as_ref().map(|path| [path.as_bytes(), b"\0"].concat()).unwrap_or_default();
        let mut strings = vec![0];
        let mut entries: Vec<(u64, u64)> = Vec::new();
        for (tag, text) in &self.dynamic {
            entries.push(((*tag).into(), strings.len() as u64));
            strings.extend(text.as_bytes());
            strings.push(0);
        }
        let segments = 2 + u64::from(self.interpreter.is_some());
        let strings_at = header + segments * entry;
        let interpreter_at = strings_at + strings.len() as u64;
        let dynamic_at = (interpreter_at + interpreter.len() as u64).next_multiple_of(8);
        entries.extend([(STRTAB.into(), BASE + strings_at), (STRSZ.into(), strings.len() as u64), (0, 0)]);
        // After the end: not to be read.
        entries.push((NEEDED.into(), 1));
        let dynamic_size = entries.len() as u64 * 2 * word;

        let machine: u16 = if self.bits64 { 62 } else { 3 };
        let mut bytes = [0x7f, b'E', b'L', b'F', if self.bits64 { 2 } else { 1 }, 1, 1, 0].to_vec();
        bytes.resize(16, 0);
        bytes.extend([3_u16.to_le_bytes(), machine.to_le_bytes()].concat());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend([self.word(0), self.word(header), self.word(0)].concat());
        bytes.extend(0_u32.to_le_bytes());
        for half in [header, entry, segments, 0, 0, 0] {
            bytes.extend(u16::try_from(half).unwrap().to_le_bytes());
        }
        bytes.extend(self.segment(1, 0, dynamic_at + dynamic_size));
        bytes.extend(self.segment(2, dynamic_at, dynamic_size));
        if self.interpreter.is_some() {
            bytes.extend(self.segment(3, interpreter_at, interpreter.len() as u64));
        }
        bytes.extend(strings);
        bytes.extend(interpreter);
        bytes.resize(usize::try_from(dynamic_at).unwrap(), 0);
        bytes.extend(entries.iter().flat_map(|(tag, value)| [self.word(*tag), self.word(*value)].concat()));
        bytes
    }
}
