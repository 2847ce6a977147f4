//! Operating systems as files name them. NOT here: judging whether that is the one wanted (`check`).

/// The system a file is for, as far as the file says. Static ELF programs often say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    /// The file does not say.
    Unknown,
    /// Linux with a libc of its own.
    Linux {
        /// From the loader, the libraries, or the note that glibc's start files leave.
        libc: Option<Libc>,
        /// The oldest kernel the libc was built for, from the same note.
        kernel: Option<(u32, u32, u32)>,
    },
    /// Android, with the API level of its note.
    Android {
        /// The lowest API level it runs on.
        api: Option<u32>,
    },
    /// FreeBSD, with `__FreeBSD_version` of its note.
    FreeBsd {
        /// For example 1400097.
        version: Option<u32>,
    },
    /// NetBSD, with the version of its note.
    NetBsd {
        /// For example 1000000000 for 10.0.
        version: Option<u32>,
    },
    /// OpenBSD.
    OpenBsd,
    /// Another system, by its number in the ELF header.
    OtherElf(u8),
    /// Windows.
    Windows {
        /// What kind of program.
        subsystem: Subsystem,
        /// The oldest version of the subsystem it asks for, for example (6, 0).
        version: (u16, u16),
    },
    /// One of Apple's.
    Apple {
        /// Which.
        os: AppleOs,
        /// The oldest release it runs on.
        minimum: AppleVersion,
        /// The release of the SDK it was built with; 0.0.0 if unknown.
        sdk: AppleVersion,
        /// Apple's processors of their own run signed code only.
        signature: Signature,
    },
}

impl Platform {
    /// The system alone.
    #[must_use]
    pub fn os(&self) -> Option<Os> {
        match self {
            Self::Unknown | Self::OtherElf(_) => None,
            Self::Linux { .. } => Some(Os::Linux),
            Self::Android { .. } => Some(Os::Android),
            Self::FreeBsd { .. } => Some(Os::FreeBsd),
            Self::NetBsd { .. } => Some(Os::NetBsd),
            Self::OpenBsd => Some(Os::OpenBsd),
            Self::Windows { .. } => Some(Os::Windows),
            Self::Apple { os, .. } => Some(Os::Apple(*os)),
        }
    }

    /// The C library, where the file says it.
    #[must_use]
    pub fn libc(&self) -> Option<Libc> {
        match self {
            Self::Linux { libc, .. } => *libc,
            _ => None,
        }
    }
}

/// An operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Os {
    /// Linux, but for Android.
    Linux,
    /// Android.
    Android,
    /// FreeBSD.
    FreeBsd,
    /// NetBSD.
    NetBsd,
    /// OpenBSD.
    OpenBsd,
    /// Windows.
    Windows,
    /// One of Apple's.
    Apple(AppleOs),
}

/// A C library of Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
}

/// Which kind of program Windows starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subsystem {
    /// With a console.
    Console,
    /// Without.
    Gui,
    /// Another, by its number.
    Other(u16),
}

/// Apple's systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AppleOs {
    /// The file does not say.
    Unknown,
    /// macOS.
    MacOs,
    /// iOS on a device.
    Ios,
    /// iOS in the simulator.
    IosSimulator,
    /// tvOS.
    TvOs,
    /// watchOS.
    WatchOs,
    /// Another, by its number.
    Other(u32),
}

/// A release of one of Apple's systems: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AppleVersion(pub u16, pub u8, pub u8);

/// How a Mach-O file is signed. Only the claim is read: no hash or certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signature {
    /// Not at all.
    None,
    /// Ad hoc, by the linker.
    LinkerSigned,
    /// Ad hoc: hashes only, runs on the same terms everywhere.
    AdHoc,
    /// With a certificate.
    Certificate,
}
