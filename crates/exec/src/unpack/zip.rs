//! Zip archives: all members planned first, then inflated side by side.
//!
//! What is not chosen is not read at all. Two members of one path are refused: which one counts differs from program to
//! program. Not here: methods other than "stored" and "deflate", encryption, archives in several parts.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};
use std::thread;

use ::zip::ZipArchive;
use ::zip::result::ZipError;
use action::path::RelPath;

use super::error::{Cause, Fault, corrupt, shown};
use super::format::read_at;
use super::links::Links;
use super::writer::{Budget, Root, Writer};
use super::{Spec, Summary};

/// From this size on a file is begun before all smaller ones, so that no thread is left with it at the end.
const LARGE: u64 = 1 << 20;
/// How many smaller files a thread takes at once.
const BATCH: usize = 32;
const MOST_THREADS: usize = 16;
/// Symbolic links are read into memory; none can be longer.
const LONGEST_TARGET: u64 = 4096;
const BUFFER: usize = 16 << 10;

type Zip<'a> = ZipArchive<Window<'a>>;

/// A regular file to be written.
struct Planned {
    index: usize,
    path: RelPath,
    executable: bool,
    size: u64,
}

/// What is to be done.
#[derive(Default)]
struct Plan {
    files: Vec<Planned>,
    directories: Vec<(usize, RelPath)>,
    links: Links,
    skipped: u64,
}

enum Kind {
    File,
    Directory,
    Link,
}

/// Unpacks a zip.
pub(super) fn unpack(file: &File, root: &Root, spec: &Spec) -> Result<Summary, Fault> {
    let mut zip = ZipArchive::new(Window::new(file).map_err(Cause::Corrupt)?).map_err(cause)?;
    if zip.len() as u64 > spec.limits.members {
        return Err(Cause::Members(spec.limits.members).into());
    }
    if zip.has_duplicate_names() {
        return Err(corrupt("two members of the same name").into());
    }
    let plan = Plan::of(&mut zip, spec)?;
    let mut writer = root.writer();
    for (index, path) in &plan.directories {
        writer.directory(path).map_err(|cause| about(&zip, *index, cause))?;
    }
    let bytes = write(&zip, &plan.files, root, &Budget::new(spec.limits.bytes))?;
    let links = writer.links(&plan.links.finish()?)?;
    let (files, directories) = (plan.files.len() as u64, plan.directories.len() as u64);
    Ok(Summary { files, directories, links, skipped: plan.skipped, bytes })
}

impl Plan {
    fn of(zip: &mut Zip<'_>, spec: &Spec) -> Result<Self, Fault> {
        let mut plan = Self::default();
        let mut taken = HashSet::new();
        for index in 0..zip.len() {
            plan.add(zip, index, spec, &mut taken).map_err(|cause| about(zip, index, cause))?;
        }
        let others = plan.files.iter().map(|file| (&file.index, &file.path));
        for (index, path) in others.chain(plan.directories.iter().map(|(index, path)| (index, path))) {
            plan.links.check_parents(path).map_err(|cause| about(zip, *index, cause))?;
        }
        // Stable: the small ones stay in the archive's order, directory by directory.
        plan.files.sort_by_key(|file| Reverse(if file.size < LARGE { 0 } else { file.size }));
        Ok(plan)
    }

    fn add(&mut self, zip: &mut Zip<'_>, index: usize, spec: &Spec, taken: &mut HashSet<RelPath>) -> Result<(), Cause> {
        let entry = zip.by_index_data(index).map_err(cause)?;
        let Some(path) = spec.path(entry.name_raw())? else {
            self.skipped += 1;
            return Ok(());
        };
        if !taken.insert(path.clone()) {
            return Err(Cause::Conflict(path));
        }
        let (mode, size) = (entry.unix_mode().unwrap_or_default(), entry.size());
        match kind(mode, entry.name_raw())? {
            Kind::File => {
                let executable = spec.executable(&path, mode & 0o100 != 0);
                self.files.push(Planned { index, path, executable, size });
            }
            Kind::Directory => self.directories.push((index, path)),
            Kind::Link => {
                let mut target = Vec::new();
                let entry = zip.by_index(index).map_err(cause)?;
                entry.take(LONGEST_TARGET).read_to_end(&mut target).map_err(Cause::Corrupt)?;
                self.links.add(path, &target)?;
            }
        }
        Ok(())
    }
}

/// What kind of thing a member is: Unix's bits if there are any, else by the name's last character.
fn kind(mode: u32, name: &[u8]) -> Result<Kind, Cause> {
    match mode & 0o170_000 {
        0o120_000 => Ok(Kind::Link),
        0o040_000 => Ok(Kind::Directory),
        0 | 0o100_000 if name.ends_with(b"/") => Ok(Kind::Directory),
        0 | 0o100_000 => Ok(Kind::File),
        0o010_000 => Err(Cause::Special("named pipe")),
        0o020_000 | 0o060_000 => Err(Cause::Special("device")),
        _ => Err(Cause::Special("member that is no file")),
    }
}

/// Inflates and writes all files on all processors; returns how many bytes.
fn write(zip: &Zip<'_>, files: &[Planned], root: &Root, budget: &Budget) -> Result<u64, Fault> {
    let queue = Mutex::new(files);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    thread::scope(|scope| {
        let worker = || {
            let done = work(zip.clone(), &queue, &mut root.writer(), budget);
            if done.is_err() {
                next(&queue, usize::MAX); // The others need not go on.
            }
            done
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_fold(0, |bytes, worker| {
            let done = worker.join().unwrap_or_else(|_| Err(corrupt("its decoder broke down").into()));
            done.map(|more| bytes + more)
        })
    })
}

/// Takes files off the queue until it is empty.
fn work(mut zip: Zip<'_>, queue: &Mutex<&[Planned]>, writer: &mut Writer<'_>, budget: &Budget) -> Result<u64, Fault> {
    let mut bytes = 0;
    loop {
        let files = next(queue, BATCH);
        if files.is_empty() {
            return Ok(bytes);
        }
        for file in files {
            let written = inflate(&mut zip, file, writer, budget);
            bytes += written.map_err(|cause| about(&zip, file.index, cause))?;
        }
    }
}

/// The next files to be written by one thread: a large one, or several small ones that are probably neighbours.
fn next<'a>(queue: &Mutex<&'a [Planned]>, most: usize) -> &'a [Planned] {
    let mut files = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let large = files.first().is_some_and(|file| file.size >= LARGE) && most == BATCH;
    let (taken, left) = files.split_at(if large { 1 } else { most.min(files.len()) });
    *files = left;
    taken
}

fn inflate(zip: &mut Zip<'_>, file: &Planned, writer: &mut Writer<'_>, budget: &Budget) -> Result<u64, Cause> {
    let mut entry = zip.by_index(file.index).map_err(cause)?;
    let written = writer.file(&file.path, file.executable, &mut entry, budget)?;
    if written == file.size { Ok(written) } else { Err(corrupt("not as long as it says")) }
}

fn about(zip: &Zip<'_>, index: usize, cause: Cause) -> Fault {
    let name = zip.by_index_data(index).map(|entry| entry.name_raw().to_vec());
    Fault { member: name.ok().map(|name| shown(&name)), cause }
}

fn cause(error: ZipError) -> Cause {
    match error {
        ZipError::Io(error) => Cause::Corrupt(error),
        error => corrupt(error),
    }
}

/// A view of a file with a position and a buffer of its own: clones read side by side.
struct Window<'a> {
    file: &'a File,
    length: u64,
    at: u64,
    /// Bytes of the file that come before `at` (already used) and after it.
    buffer: Vec<u8>,
    used: usize,
}

impl<'a> Window<'a> {
    fn new(file: &'a File) -> io::Result<Self> {
        Ok(Self { file, length: file.metadata()?.len(), at: 0, buffer: Vec::new(), used: 0 })
    }
}

impl Clone for Window<'_> {
    fn clone(&self) -> Self {
        Self { buffer: Vec::new(), used: 0, ..*self }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.used == self.buffer.len() {
            self.buffer.resize(BUFFER, 0);
            let length = read_at(self.file, &mut self.buffer, self.at)?;
            self.buffer.truncate(length);
            self.used = 0;
        }
        let length = self.buffer.get(self.used..).unwrap_or_default().read(into)?;
        self.used += length;
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        let to = to.ok_or(io::ErrorKind::InvalidInput)?;
        let start = self.at - self.used as u64;
        let within = to.checked_sub(start).and_then(|within| usize::try_from(within).ok());
        match within.filter(|within| *within <= self.buffer.len()) {
            Some(within) => self.used = within,
            None => {
                self.buffer.clear();
                self.used = 0;
            }
        }
        self.at = to;
        Ok(to)
    }
}
