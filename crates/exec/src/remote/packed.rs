//! Streams compressed by zstd: what arrives is decompressed as it comes, what is sent is compressed before.
//!
//! Both are work for a thread of their own: a runtime's threads must not be kept from its connections.
//! Not here: whether a server takes them so (`offers`), and the calls (`download`, `upload`).

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek as _, SeekFrom, Write};
use std::path::Path;

use ruzstd::encoding::{CompressionLevel, FrameCompressor};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::store::{Incoming, StoreError};
use crate::zstd::{Zstd, pack};

/// Parts that may wait for the decoder: a server's are 1 to 4 MiB at most.
const WAITING: usize = 4;
/// What is compressed to see whether the rest is worth it.
const SAMPLE: u64 = 1 << 20;

/// How decompressing ended.
#[derive(Debug)]
pub(super) enum Unpacked {
    /// With the whole stream, or with as much of it as there was.
    AtEnd,
    /// The stream is no zstd, or more than what was asked for.
    Garbled,
    /// The store took no more.
    Store(StoreError),
}

/// A blob that arrives compressed.
#[derive(Debug)]
pub(super) struct Unpacker {
    parts: mpsc::Sender<Vec<u8>>,
    thread: JoinHandle<(Incoming, Unpacked)>,
}

impl Unpacker {
    /// Decompresses into `incoming`, to `most` bytes.
    pub(super) fn begin(incoming: Incoming, most: u64) -> Self {
        let (parts, received) = mpsc::channel(WAITING);
        Self { parts, thread: tokio::task::spawn_blocking(move || unpack(received, incoming, most)) }
    }

    /// Takes what comes next; false if no more is wanted: [`Self::finish`] says why.
    pub(super) async fn part(&self, data: Vec<u8>) -> bool {
        self.parts.send(data).await.is_ok()
    }

    /// Waits until all that came is decompressed.
    pub(super) async fn finish(self) -> (Incoming, Unpacked) {
        drop(self.parts);
        self.thread.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

fn unpack(parts: mpsc::Receiver<Vec<u8>>, mut incoming: Incoming, most: u64) -> (Incoming, Unpacked) {
    let at_end = Cell::new(false);
    let mut plain = Zstd::new(BufReader::new(Received { parts, part: Cursor::default(), at_end: &at_end }));
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = match plain.read(&mut buffer) {
            Ok(0) => return (incoming, Unpacked::AtEnd),
            Ok(length) => length,
            // In the middle of a frame: whoever waits for the rest sees that it is missing.
            Err(_) if at_end.get() => return (incoming, Unpacked::AtEnd),
            Err(_) => return (incoming, Unpacked::Garbled),
        };
        if incoming.size() + length as u64 > most {
            return (incoming, Unpacked::Garbled);
        }
        if let Err(error) = incoming.write(buffer.get(..length).unwrap_or_default()) {
            return (incoming, Unpacked::Store(error));
        }
    }
}

/// Parts as one stream.
struct Received<'a> {
    parts: mpsc::Receiver<Vec<u8>>,
    part: Cursor<Vec<u8>>,
    at_end: &'a Cell<bool>,
}

impl Read for Received<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.part.read(into)?;
            if length > 0 || into.is_empty() {
                return Ok(length);
            }
            match self.parts.blocking_recv() {
                Some(part) => self.part = Cursor::new(part),
                None => {
                    self.at_end.set(true);
                    return Ok(0);
                }
            }
        }
    }
}

/// All of `plain` as one frame in a file without a name below `scratch`, and its size; none if it hardly becomes smaller.
pub(super) fn pack_file(mut plain: impl Read, scratch: &Path) -> io::Result<Option<(File, u64)>> {
    let mut sample = Vec::new();
    plain.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
    if pack(&sample).len() > sample.len() / 10 * 9 {
        return Ok(None);
    }
    let file = tempfile::tempfile_in(scratch)?;
    let failed = Cell::new(None);
    let mut compressor = FrameCompressor::new(CompressionLevel::Fastest);
    compressor.set_source(Kept { inner: Cursor::new(sample).chain(plain), failed: &failed });
    compressor.set_drain(Kept { inner: &file, failed: &failed });
    compressor.compress();
    if let Some(error) = failed.take() {
        return Err(error);
    }
    let size = (&file).seek(SeekFrom::End(0))?;
    Ok(Some((file, size)))
}

/// A source or a drain that keeps its first failure to itself: the compressor panics over one. From then on a source is at
/// its end, and a drain takes everything.
struct Kept<'a, T> {
    inner: T,
    failed: &'a Cell<Option<io::Error>>,
}

impl<R: Read> Read for Kept<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(into) {
                Ok(length) => return Ok(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed.set(Some(error));
                    return Ok(0);
                }
            }
        }
    }
}

impl<W: Write> Write for Kept<'_, W> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.inner.write_all(from) {
            self.failed.set(Some(error));
        }
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_smaller_is_packed_and_the_same_unpacked() {
        let scratch = tempfile::tempdir().unwrap();
        let text: Vec<u8> = (0..400_000).flat_map(|number: u32| format!("{number}\n").into_bytes()).collect();
        let (mut file, size) = pack_file(text.as_slice(), scratch.path()).unwrap().unwrap();
        assert!(size < text.len() as u64 / 2, "{size}");
        assert_eq!(file.metadata().unwrap().len(), size);
        file.rewind().unwrap();
        let mut again = Vec::new();
        Zstd::new(BufReader::new(file)).read_to_end(&mut again).unwrap();
        assert!(again == text);
        assert!(std::fs::read_dir(scratch.path()).unwrap().next().is_none());
    }

    #[test]
    fn what_does_not_is_left_alone() {
        let mut state = 1_u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        let noise: Vec<u8> = (0..2_000_000).map(|_| byte()).collect();
        assert!(pack_file(noise.as_slice(), &std::env::temp_dir()).unwrap().is_none());
        assert!(pack_file(io::empty(), &std::env::temp_dir()).unwrap().is_none());
    }

    #[test]
    fn a_source_that_fails_is_an_error_and_no_panic() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let plain = Cursor::new(vec![0; 3_000_000]).chain(Broken);
        let error = pack_file(plain, &std::env::temp_dir()).unwrap_err();
        assert_eq!(error.to_string(), "broken");
        // A drain, too.
        let full = File::options().write(true).open("/dev/full").unwrap();
        let failed = Cell::new(None);
        Kept { inner: full, failed: &failed }.write_all(b"more").unwrap();
        assert!(failed.take().is_some());
    }
}
