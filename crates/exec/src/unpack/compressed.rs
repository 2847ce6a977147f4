//! Compressed streams: decoders in pure Rust, run ahead on a thread of their own.
//!
//! Decoding and writing of files cost about the same, so with two processors they take half the time side by side. The
//! decoder is a few blocks ahead at most: a bomb is stopped by whoever reads. Not here: what is in the stream.

use std::io::{self, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::{Cause, Fault, corrupt};
use super::format::Compression;
use crate::zstd::Zstd;

const CHUNK: usize = 256 << 10;
const CHUNKS_AHEAD: usize = 8;
/// After the end of a tar come zeros up to the next full block, and blocks are tens of kilobytes.
const MOST_PADDING: u64 = 16 << 20;
/// What xz may use: its largest preset's dictionary takes 64 MiB, and nothing honest needs more than this.
const XZ_MEMORY_KIB: u32 = 512 << 10;

/// Calls `reader` with the decompressed contents of `file`, then checks that what was left unread was sound as well.
pub(super) fn with_contents<T>(
    file: impl Read + Send,
    compression: Compression,
    reader: impl FnOnce(&mut dyn Read) -> Result<T, Fault>,
) -> Result<T, Fault> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
        let decoder = scope.spawn(move || pump(file, compression, &sender));
        let mut contents = Contents { receiver, chunk: Vec::new(), at: 0 };
        let value = reader(&mut contents).and_then(|value| contents.finish().map(|()| value).map_err(Fault::from));
        drop(contents);
        // To the reader a decoder that panicked looks like one that came to the end.
        decoder.join().map_err(|_| corrupt("its decoder broke down"))?;
        value
    })
}

/// Decodes until the end, an error, or until nobody listens.
fn pump(file: impl Read, compression: Compression, sender: &SyncSender<io::Result<Vec<u8>>>) {
    let file = BufReader::with_capacity(CHUNK, file);
    let mut decoder: Box<dyn Read + '_> = match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, XZ_MEMORY_KIB)),
        Compression::Zstd => Box::new(Zstd::new(file)),
    };
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let decoded = decoder.by_ref().take(CHUNK as u64).read_to_end(&mut chunk);
        let end = chunk.len() < CHUNK;
        let heard = chunk.is_empty() || sender.send(Ok(chunk)).is_ok();
        if let Err(error) = decoded {
            // Nobody listening any more means that the outcome is known already.
            let _unheard = sender.send(Err(error));
            return;
        }
        if end || !heard {
            return;
        }
    }
}

/// The other end of [`pump`].
struct Contents {
    receiver: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Contents {
    /// Reads what is left, which is to be no more than padding: its checksums are checked on the way.
    fn finish(&mut self) -> Result<(), Cause> {
        let left = io::copy(&mut self.take(MOST_PADDING), &mut io::sink()).map_err(Cause::Corrupt)?;
        if left < MOST_PADDING { Ok(()) } else { Err(corrupt("goes on long after its end")) }
    }
}

impl Read for Contents {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            let Ok(next) = self.receiver.recv() else { return Ok(0) };
            (self.chunk, self.at) = (next?, 0);
        }
        let mut rest = self.chunk.get(self.at..).unwrap_or_default();
        let length = rest.read(into)?;
        self.at += length;
        Ok(length)
    }
}
