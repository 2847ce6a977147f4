//! Linked 64-bit Mach-O files, from Apple's `loader.h` and `cs_blobs.h`.

/// What the tests vary.
pub(crate) struct Program {
    pub(crate) cpu: u32,
    pub(crate) file_type: u32,
    /// Of the embedded signature; `None` for no signature.
    pub(crate) signature_flags: Option<u32>,
    pub(crate) libraries: Vec<&'static str>,
    pub(crate) weak: Vec<&'static str>,
    pub(crate) rpaths: Vec<&'static str>,
    /// `LC_BUILD_VERSION`: platform, minimum, SDK.
    pub(crate) build: Option<(u32, u32, u32)>,
    /// The older `LC_VERSION_MIN_MACOSX`.
    pub(crate) version_min: Option<u32>,
}

impl Default for Program {
    /// An ad-hoc signed program for macOS 13 on Apple's processors.
    fn default() -> Self {
        Self {
            cpu: 0x0100_000c,
            file_type: 2,
            signature_flags: Some(2),
            libraries: vec!["/usr/lib/libSystem.B.dylib"],
            weak: vec![],
            rpaths: vec![],
            build: Some((1, 0x000d_0000, 0x000e_0200)),
            version_min: None,
        }
    }
}

impl Program {
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut commands = vec![string_command(0xe, 12, &[], "/usr/lib/dyld")];
        commands.extend(self.libraries.iter().map(|name| string_command(0xc, 24, &[0, 0x10000, 0x10000], name)));
        commands.extend(self.weak.iter().map(|name| string_command(0x8000_0018, 24, &[0, 0x10000, 0x10000], name)));
        commands.extend(self.rpaths.iter().map(|path| string_command(0x8000_001c, 12, &[], path)));
        commands.extend(self.build.map(|(platform, minimum, sdk)| command(0x32, &[platform, minimum, sdk, 0])));
        commands.extend(self.version_min.map(|minimum| command(0x24, &[minimum, 0])));

        let signature = self.signature_flags.map(signature);
        let signature_command = usize::from(signature.is_some()) * 16;
        let size = commands.iter().map(Vec::len).sum::<usize>() + signature_command;
        if let Some(signature) = &signature {
            commands.push(command(0x1d, &[32 + size as u32, signature.len() as u32]));
        }
        let mut bytes = Vec::new();
        for word in [0xfeed_facf, self.cpu, 0, self.file_type, commands.len() as u32, size as u32, 0x85, 0] {
            bytes.extend_from_slice(&u32::to_le_bytes(word));
        }
        bytes.extend(commands.concat());
        bytes.extend(signature.unwrap_or_default());
        bytes
    }
}

fn command(number: u32, words: &[u32]) -> Vec<u8> {
    let size = 8 + 4 * words.len() as u32;
    [number, size].iter().chain(words).flat_map(|word| word.to_le_bytes()).collect()
}

/// A command whose string begins at `at`, after further words.
fn string_command(number: u32, at: u32, words: &[u32], text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = [number, 0, at].iter().chain(words).flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let size = (bytes.len() as u32).to_le_bytes();
    bytes[4..8].copy_from_slice(&size);
    bytes
}

/// A super blob with one code directory of version 0x20001.
fn signature(flags: u32) -> Vec<u8> {
    let directory = [0xfade_0c02, 44, 0x20001, flags, 44, 44, 0, 0, 0, 0x2002_0000, 0];
    let header = [0xfade_0cc0, 20 + 44, 1, 0, 20];
    header.iter().chain(&directory).flat_map(|word: &u32| word.to_be_bytes()).collect()
}
