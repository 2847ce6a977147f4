//! Writing below one directory, and nowhere else.
//!
//! Every path is opened one directory after the other, from an open directory, following no link: whatever is or comes
//! to be on disk, nothing outside is reached. Not here: which paths are written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use action::path::{Name, RelPath};
use action::tree::Target;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, fchmod, fstat, mkdirat, openat, symlinkat, unlinkat};
use rustix::io::Errno;

use super::error::{Cause, Fault, at};

const PLAIN: u16 = 0o644;
const EXECUTABLE: u16 = 0o755;
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const BUFFER: usize = 128 << 10;

/// What is left of the bytes that an archive may hold.
pub(super) struct Budget {
    limit: u64,
    left: AtomicU64,
}

/// The directory that is filled.
pub(super) struct Root {
    directory: OwnedFd,
    path: PathBuf,
}

/// One thread's way of writing below a [`Root`].
pub(super) struct Writer<'a> {
    root: &'a Root,
    /// The directory last written to and those above it: the next file is most often beside the last.
    open: Vec<(Name, OwnedFd)>,
    buffer: Vec<u8>,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, left: AtomicU64::new(limit) }
    }

    /// Takes some, if there is as much.
    pub(super) fn take(&self, bytes: u64) -> Result<(), Cause> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.map(|_| ()).map_err(|_| Cause::Bytes(self.limit))
    }
}

impl Root {
    /// Makes the directory, or takes it if it is there and empty.
    pub(super) fn open(path: &Path) -> Result<Self, Cause> {
        match mkdirat(CWD, path, Mode::from_raw_mode(EXECUTABLE.into())) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(at(path)(error)),
        }
        let directory = openat(CWD, path, DIRECTORY, Mode::empty()).map_err(at(path))?;
        if std::fs::read_dir(path).map_err(at(path))?.next().is_some() {
            return Err(Cause::NotEmpty(path.to_owned()));
        }
        Ok(Self { directory, path: path.to_owned() })
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer { root: self, open: Vec::new(), buffer: vec![0; BUFFER] }
    }
}

impl Writer<'_> {
    /// Opens a directory, making what is missing of it.
    pub(super) fn directory(&mut self, path: &RelPath) -> Result<BorrowedFd<'_>, Cause> {
        let common = path.names().zip(&self.open).take_while(|(name, (open, _))| name == open).count();
        self.open.truncate(common);
        let mut here = path.names().take(common).fold(RelPath::root(), |path, name| path.child(&name));
        for name in path.names().skip(common) {
            here = here.child(&name);
            let parent = self.open.last().map_or(&self.root.directory, |(_, directory)| directory).as_fd();
            let directory = open_or_make(parent, &name).map_err(|error| self.cause(error, &here))?;
            self.open.push((name, directory));
        }
        Ok(self.open.last().map_or(&self.root.directory, |(_, directory)| directory).as_fd())
    }

    /// Makes a file, in place of a file of that name if there is one, and fills it; returns its size.
    pub(super) fn file(
        &mut self,
        path: &RelPath,
        executable: bool,
        contents: &mut dyn Read,
        budget: &Budget,
    ) -> Result<u64, Cause> {
        let file = self.create(path, executable)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let copied = copy(contents, &file, &mut buffer, budget);
        self.buffer = buffer;
        copied.map_err(|error| match error {
            Copy::Refused(cause) => cause,
            Copy::Writing(error) => at(&self.root.path.join(path))(error),
        })
    }

    fn create(&mut self, path: &RelPath, executable: bool) -> Result<File, Cause> {
        let mode = Mode::from_raw_mode(if executable { EXECUTABLE } else { PLAIN }.into());
        let (parent, name) = path.split_last().ok_or_else(|| Cause::Conflict(path.clone()))?;
        let parent = self.directory(&parent)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut made = openat(parent, name.as_str(), flags, mode);
        if matches!(made, Err(Errno::EXIST)) {
            made = unlinkat(parent, name.as_str(), AtFlags::empty())
                .and_then(|()| openat(parent, name.as_str(), flags, mode));
        }
        let file = made.and_then(|file| set_mode(&file, mode).map(|()| file));
        file.map(File::from).map_err(|error| self.cause(error, path))
    }

    /// Opens a file written before; nothing if there is none of that name.
    pub(super) fn reopen(&mut self, path: &RelPath) -> Result<Option<File>, Cause> {
        let Some((parent, name)) = path.split_last() else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = self.existing(&parent).and_then(|parent| {
            let file = parent.map(|parent| openat(&parent, name.as_str(), flags, Mode::empty())).transpose();
            file.or_else(|error| if error == Errno::NOENT { Ok(None) } else { Err(error) })
        });
        let file = file.map(|file| file.map(File::from)).map_err(|error| self.cause(error, path))?;
        let is_file = |file: &File| file.metadata().is_ok_and(|metadata| metadata.is_file());
        Ok(file.filter(is_file))
    }

    /// A directory, without making any.
    fn existing(&self, path: &RelPath) -> Result<Option<OwnedFd>, Errno> {
        let mut here = openat(&self.root.directory, ".", DIRECTORY, Mode::empty())?;
        for name in path.names() {
            here = match openat(&here, name.as_str(), DIRECTORY, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(Some(here))
    }

    /// Makes room for a link that is made later: its parents exist, and no file of its name does.
    pub(super) fn clear(&mut self, path: &RelPath) -> Result<(), Cause> {
        let (parent, name) = path.split_last().ok_or_else(|| Cause::Conflict(path.clone()))?;
        match unlinkat(self.directory(&parent)?, name.as_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.cause(error, path)),
        }
    }

    /// Makes symbolic links where nothing is; returns how many. It comes last: see [`super::links`].
    pub(super) fn links(&mut self, links: &BTreeMap<RelPath, Target>) -> Result<u64, Fault> {
        for (path, target) in links {
            self.link(path, target).map_err(Fault::of(path.as_str().as_bytes()))?;
        }
        Ok(links.len() as u64)
    }

    fn link(&mut self, path: &RelPath, target: &Target) -> Result<(), Cause> {
        let (parent, name) = path.split_last().ok_or_else(|| Cause::Conflict(path.clone()))?;
        let parent = self.directory(&parent)?;
        symlinkat(target.as_str(), parent, name.as_str()).map_err(|error| self.cause(error, path))
    }

    /// What an error means: that something else is in the place, or that the file system fails.
    fn cause(&self, error: Errno, path: &RelPath) -> Cause {
        match error {
            Errno::NOTDIR | Errno::ISDIR | Errno::LOOP | Errno::EXIST => Cause::Conflict(path.clone()),
            error => at(&self.root.path.join(path))(error),
        }
    }
}

fn open_or_make(parent: BorrowedFd<'_>, name: &Name) -> Result<OwnedFd, Errno> {
    let mode = Mode::from_raw_mode(EXECUTABLE.into());
    match openat(parent, name.as_str(), DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => {}
        opened => return opened,
    }
    match mkdirat(parent, name.as_str(), mode) {
        // Another thread may have been faster.
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    let directory = openat(parent, name.as_str(), DIRECTORY, Mode::empty())?;
    set_mode(&directory, mode)?;
    Ok(directory)
}

/// Gives what was just made its mode, in spite of the process's umask. Asking first is many times cheaper than setting.
fn set_mode(made: &OwnedFd, mode: Mode) -> Result<(), Errno> {
    if Mode::from_raw_mode(fstat(made)?.st_mode) == mode { Ok(()) } else { fchmod(made, mode) }
}

/// Why a copy stopped: reading and the limits are the archive's affair, writing is the disk's.
enum Copy {
    Refused(Cause),
    Writing(io::Error),
}

fn copy(from: &mut dyn Read, mut to: &File, buffer: &mut [u8], budget: &Budget) -> Result<u64, Copy> {
    use std::io::Write as _;
    let mut copied = 0;
    loop {
        let length = match from.read(buffer) {
            Ok(0) => return Ok(copied),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Copy::Refused(Cause::Corrupt(error))),
        };
        budget.take(length as u64).map_err(Copy::Refused)?;
        to.write_all(buffer.get(..length).unwrap_or_default()).map_err(Copy::Writing)?;
        copied += length as u64;
    }
}
