//! Linked ELF files, from the System V ABI and the GNU extensions of the LSB.

/// A version required of a library, whether only weakly, and the symbols taken in it.
pub(crate) type Version = (&'static str, bool, &'static [&'static str]);

/// Everything the tests vary in a linked ELF file.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) wide: bool,
    pub(crate) big: bool,
    /// `e_machine`.
    pub(crate) machine: u16,
    /// `e_type`: 2 program at a fixed address, 3 position-independent program or library.
    pub(crate) kind: u16,
    pub(crate) flags: u32,
    pub(crate) os_abi: u8,
    pub(crate) interpreter: Option<&'static str>,
    pub(crate) needed: &'static [&'static str],
    pub(crate) soname: Option<&'static str>,
    pub(crate) runpath: Option<&'static str>,
    pub(crate) pie: bool,
    pub(crate) versions: &'static [(&'static str, &'static [Version])],
    /// Owner and words of notes of type 1.
    pub(crate) notes: &'static [(&'static str, &'static [u32])],
    /// With section headers.
    pub(crate) sections: bool,
    /// Value of `Tag_ABI_VFP_args` in an Arm attributes section.
    pub(crate) attributes: Option<u8>,
    /// With a section that is marked as compressed.
    pub(crate) compressed: bool,
    /// With a section of code that has no bytes, as `objcopy --only-keep-debug` leaves it.
    pub(crate) emptied: bool,
}

const BASE: u64 = 0x1_0000;

impl Image {
    /// A position-independent x86-64 program for glibc 2.34.
    pub(crate) fn glibc_program() -> Self {
        Self {
            wide: true,
            big: false,
            machine: 62,
            kind: 3,
            flags: 0,
            os_abi: 0,
            interpreter: Some("/lib64/ld-linux-x86-64.so.2"),
            needed: &["libm.so.6", "libc.so.6"],
            soname: None,
            runpath: None,
            pie: true,
            versions: &[
                ("libm.so.6", &[("GLIBC_2.29", false, &["pow"])]),
                (
                    "libc.so.6",
                    &[
                        ("GLIBC_2.2.5", false, &["puts", "stdout"]),
                        ("GLIBC_2.34", false, &["pthread_create", "__libc_start_main"]),
                        ("GLIBC_2.38", true, &["fancy"]),
                    ],
                ),
            ],
            notes: &[],
            sections: true,
            attributes: None,
            compressed: false,
            emptied: false,
        }
    }

    /// A program at a fixed address that needs nothing.
    pub(crate) fn static_program() -> Self {
        Self { kind: 2, interpreter: None, needed: &[], pie: false, versions: &[], ..Self::glibc_program() }
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        Layout::new(self).build()
    }
}

struct Layout<'i> {
    image: &'i Image,
    strings: Vec<u8>,
    out: Out,
}

/// Places of one table: file offset and size.
type Place = (u64, u64);

impl<'i> Layout<'i> {
    fn new(image: &'i Image) -> Self {
        Self { image, strings: vec![0], out: Out { bytes: Vec::new(), wide: image.wide, big: image.big } }
    }

    fn string(&mut self, text: &str) -> u32 {
        let at = self.strings.len() as u32;
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        at
    }

    fn build(mut self) -> Vec<u8> {
        let (header, segment_size) = if self.image.wide { (64, 56) } else { (52, 32) };
        self.out.bytes.resize(header + 4 * segment_size, 0);

        let interpreter = self.image.interpreter.map(|path| self.place(&[path.as_bytes(), b"\0"].concat()));
        let notes = self.notes();
        let (symbols, indices) = self.symbols();
        let needs = self.version_needs();
        let dynamic_tags = self.dynamic_tags(symbols, indices, needs);
        let attributes = self.image.attributes.map(|value| self.place(&arm_attributes(value, self.image.big)));
        let strings = self.strings.clone();
        let strings = self.place(&strings);
        let dynamic = self.dynamic(&dynamic_tags, strings);
        let sections = self.image.sections.then(|| self.sections(symbols, attributes));

        let end = self.out.bytes.len() as u64;
        let segments = [
            Some((1u32, (0, end))),
            interpreter.map(|place| (3, place)),
            notes.map(|place| (4, place)),
            self.image.needs_dynamic().then_some((2, dynamic)),
        ];
        let segments: Vec<_> = segments.into_iter().flatten().collect();
        self.write_headers(&segments, sections);
        self.out.bytes
    }

    fn place(&mut self, bytes: &[u8]) -> Place {
        self.out.align();
        let at = self.out.bytes.len() as u64;
        self.out.bytes.extend_from_slice(bytes);
        (at, bytes.len() as u64)
    }

    fn notes(&mut self) -> Option<Place> {
        let mut out = self.out.empty();
        for (owner, words) in self.image.notes {
            out.word(owner.len() as u32 + 1);
            out.word(4 * words.len() as u32);
            out.word(1);
            out.bytes.extend_from_slice(owner.as_bytes());
            out.bytes.push(0);
            out.bytes.resize(out.bytes.len().next_multiple_of(4), 0);
            words.iter().for_each(|word| out.word(*word));
        }
        (!out.bytes.is_empty()).then(|| self.place(&out.bytes))
    }

    /// The dynamic symbols and their version indices. Versions are numbered from 2 in order.
    fn symbols(&mut self) -> (Place, Place) {
        let (mut symbols, mut indices) = (self.out.empty(), self.out.empty());
        symbols.symbol(0);
        indices.half(0);
        let versions = self.image.versions.iter().flat_map(|(_, versions)| *versions);
        for (number, (_, _, names)) in versions.enumerate() {
            for name in *names {
                let name = self.string(name);
                symbols.symbol(name);
                indices.half(number as u16 + 2);
            }
        }
        // A symbol of the program itself.
        let name = self.string("main");
        symbols.symbol(name);
        indices.half(1);
        (self.place(&symbols.bytes), self.place(&indices.bytes))
    }

    fn version_needs(&mut self) -> Option<Place> {
        let mut out = self.out.empty();
        let mut number = 2u16;
        for (position, (library, versions)) in self.image.versions.iter().enumerate() {
            let last_library = position + 1 == self.image.versions.len();
            let library = self.string(library);
            out.half(1);
            out.half(versions.len() as u16);
            out.word(library);
            out.word(16);
            out.word(if last_library { 0 } else { 16 + 16 * versions.len() as u32 });
            for (position, (version, weak, _)) in versions.iter().enumerate() {
                let version = self.string(version);
                out.word(0);
                out.half(if *weak { 2 } else { 0 });
                out.half(number);
                out.word(version);
                out.word(if position + 1 == versions.len() { 0 } else { 16 });
                number += 1;
            }
        }
        (!out.bytes.is_empty()).then(|| self.place(&out.bytes))
    }

    fn dynamic_tags(&mut self, symbols: Place, indices: Place, needs: Option<Place>) -> Vec<(u64, u64)> {
        let mut tags = Vec::new();
        for library in self.image.needed {
            tags.push((1, self.string(library).into()));
        }
        if let Some(soname) = self.image.soname {
            tags.push((14, self.string(soname).into()));
        }
        if let Some(runpath) = self.image.runpath {
            tags.push((29, self.string(runpath).into()));
        }
        tags.push((6, BASE + symbols.0));
        if let Some((at, _)) = needs {
            tags.push((0x6fff_fff0, BASE + indices.0));
            tags.push((0x6fff_fffe, BASE + at));
            tags.push((0x6fff_ffff, self.image.versions.len() as u64));
        }
        if self.image.pie {
            tags.push((0x6fff_fffb, 0x0800_0000));
        }
        tags
    }

    fn dynamic(&mut self, tags: &[(u64, u64)], strings: Place) -> Place {
        let mut out = self.out.empty();
        for (tag, value) in tags {
            out.address(*tag);
            out.address(*value);
        }
        for (tag, value) in [(5, BASE + strings.0), (10, strings.1), (0, 0)] {
            out.address(tag);
            out.address(value);
        }
        self.place(&out.bytes)
    }

    /// Section headers: null, dynamic symbols, attributes, compressed, names. The last is the table of names.
    fn sections(&mut self, symbols: Place, attributes: Option<Place>) -> (u64, u16) {
        let names = b"\0.dynsym\0.ARM.attributes\0.debug_info\0.shstrtab\0";
        let names_at = self.place(names);
        let mut rows = vec![(0u32, 0u32, 0u64, (0, 0)), (1, 11, 2, symbols)];
        rows.extend(attributes.map(|place| (9, 0x7000_0003, 0, place)));
        if self.image.compressed {
            rows.push((25, 1, 0x800, symbols));
        }
        if self.image.emptied {
            rows.push((0, 8, 6, symbols));
        }
        rows.push((37, 3, 0, names_at));
        self.out.align();
        let at = self.out.bytes.len() as u64;
        for (name, kind, flags, (offset, size)) in &rows {
            self.out.word(*name);
            self.out.word(*kind);
            for field in [*flags, 0, *offset, *size] {
                self.out.address(field);
            }
            self.out.word(0);
            self.out.word(0);
            self.out.address(1);
            self.out.address(0);
        }
        (at, rows.len() as u16)
    }

    fn write_headers(&mut self, segments: &[(u32, Place)], sections: Option<(u64, u16)>) {
        let image = self.image;
        let (header, segment_size, section_size) = if image.wide { (64, 56, 64) } else { (52, 32, 40) };
        let (sections_at, section_count) = sections.unwrap_or_default();
        let mut out = self.out.empty();
        out.bytes.extend_from_slice(b"\x7fELF");
        out.bytes.extend_from_slice(&[1 + u8::from(image.wide), 1 + u8::from(image.big), 1, image.os_abi]);
        out.bytes.extend_from_slice(&[0; 8]);
        out.half(image.kind);
        out.half(image.machine);
        out.word(1);
        out.address(BASE);
        out.address(header);
        out.address(sections_at);
        out.word(image.flags);
        for field in [header as u16, segment_size, segments.len() as u16, section_size, section_count] {
            out.half(field);
        }
        out.half(section_count.saturating_sub(1));
        for (kind, (offset, size)) in segments {
            out.word(*kind);
            if image.wide {
                out.word(5);
            }
            for field in [*offset, BASE + *offset, BASE + *offset, *size, *size] {
                out.address(field);
            }
            if !image.wide {
                out.word(5);
            }
            out.address(4);
        }
        self.out.bytes[..out.bytes.len()].copy_from_slice(&out.bytes);
    }
}

impl Image {
    fn needs_dynamic(&self) -> bool {
        self.kind == 3 || !self.needed.is_empty()
    }
}

/// An attributes section with a name before the value asked for, as compilers write it.
fn arm_attributes(vfp_args: u8, big: bool) -> Vec<u8> {
    let attributes = [b"\x05cortex-a7\0".as_slice(), &[6, 10, 28, vfp_args]].concat();
    let mut out = Out { bytes: vec![b'A'], wide: false, big };
    let part = 1 + 4 + attributes.len() as u32;
    out.word(4 + 6 + part);
    out.bytes.extend_from_slice(b"aeabi\0\x01");
    out.word(part);
    out.bytes.extend_from_slice(&attributes);
    out.bytes
}

/// Bytes in the width and order of the file.
struct Out {
    bytes: Vec<u8>,
    wide: bool,
    big: bool,
}

impl Out {
    fn empty(&self) -> Self {
        Self { bytes: Vec::new(), wide: self.wide, big: self.big }
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    fn half(&mut self, value: u16) {
        self.bytes.extend_from_slice(&if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn word(&mut self, value: u32) {
        self.bytes.extend_from_slice(&if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn address(&mut self, value: u64) {
        if self.wide {
            self.bytes.extend_from_slice(&if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        } else {
            self.word(value as u32);
        }
    }

    fn symbol(&mut self, name: u32) {
        self.word(name);
        let info = if name == 0 { 0 } else { 0x12 };
        if self.wide {
            self.bytes.extend_from_slice(&[info, 0, 0, 0]);
            self.bytes.extend_from_slice(&[0; 16]);
        } else {
            self.bytes.extend_from_slice(&[0; 8]);
            self.bytes.extend_from_slice(&[info, 0, 0, 0]);
        }
    }
}
