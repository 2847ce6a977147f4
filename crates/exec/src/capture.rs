//! The base image: a small system (shell, coreutils, make, …) captured from the build machine.
//!
//! [`survey()`] finds what belongs to it: the tools in `PATH`, the interpreters of those that are scripts, the shared
//! libraries of those that are not, and directories of data. It reads the files' own headers and the loader's
//! configuration; nothing of the machine is run. A [`Survey`] lists where each file goes; [`Survey::materialise`] copies
//! them. Its [`Fingerprint`] tells in milliseconds, at the next start, whether the survey would find the same again.
//!
//! # Layout
//! A merged `/usr`: `bin`, `lib`, `lib64`, … are relative links into it. Tools are in `usr/bin` under the name they were
//! asked for by, whatever they are called on the machine. Each loader is at the path its programs name, and libraries are
//! beside the loader's own file, where it looks without configuration or cache. Data keeps its path. Symbolic links are
//! relative, and nothing tells one machine from another of the same distribution: no host name, no `ld.so.cache`, no
//! users but root and nobody.
//!
//! [`survey_parts()`] does the same for directories and files that are put elsewhere: a compiler that the user brings.
//!
//! Not here: which tools are needed (`plan`), and the store.

mod data;
mod elf;
mod error;
mod fingerprint;
mod image;
mod libraries;
mod machine;
mod parts;
mod survey;
#[cfg(test)]
mod tests;

pub use self::error::{CaptureError, MissingTool};
pub use self::fingerprint::Fingerprint;
pub use self::image::Item;
pub use self::parts::survey_parts;
pub use self::survey::{Survey, survey};
