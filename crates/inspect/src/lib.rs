//! What an object file says about itself: bytes in, facts out.
//!
//! [`inspect`] reads ELF, PE, COFF and Mach-O files, universal Mach-O files and `ar` archives into a [`Content`];
//! [`check()`] compares one with an [`Expectation`]; [`host_paths`] finds the paths of the build machine left in any
//! bytes, and [`locate`] says where in the file they are. [`universal::join`] puts Mach-O files for several processors
//! into one.
//!
//! NOT here: no IO (the caller maps or reads the file), no text meant for users, no knowledge of OCaml, of targets by
//! name, or of what a finding means. Nothing is copied but lists of borrowed names; nothing is run or loaded.
//!
//! The bytes are not trusted. Whatever they are, every function here ends without a panic in time close to linear
//! in their length; what cannot be read is an [`Error`] that says which [`Part`] at which offset.
//!
//! ```
//! use inspect::{Arch, Content, Expectation, Fault, check, inspect};
//!
//! let script = inspect(b"#!/bin/sh\n")?;
//! assert_eq!(script, Content::NotAnObject);
//!
//! let expected = Expectation { arch: Some(Arch::Aarch64), glibc_ceiling: Some((2, 28)), ..Expectation::default() };
//! assert_eq!(check(&script, &expected)[0].fault, Fault::NotAnObject);
//! # Ok::<(), inspect::Error>(())
//! ```

#![forbid(unsafe_code)]

mod archive;
mod check;
mod coff;
mod content;
mod elf;
mod error;
mod host_path;
mod locate;
mod machine;
mod macho;
mod pe;
mod platform;
mod report;
mod text;
pub mod universal;
mod version_need;

pub use check::{Expectation, Fault, Violation, check};
pub use content::{Archive, Content, Item, Member, Place, Slice, inspect};
pub use error::{Error, Part, Reason};
pub use host_path::{Fit, HostPath, host_paths};
pub use locate::{Location, locate};
pub use machine::{Arch, Bits, Endian, FloatAbi, Machine};
pub use platform::{AppleOs, AppleVersion, Libc, Os, Platform, Signature, Subsystem};
pub use report::{Format, Kind, Linkage, Report};
pub use version_need::{GlibcUse, VersionNeed};
