//! zstd: all frames of a stream, and one frame made. Not here: what is in them.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// As much as the program `zstd` accepts without being told to.
const ZSTD_WINDOW: u64 = 128 << 20;

/// All frames of a zstd stream, skippable ones left out, checksums checked: the decoder below does one frame.
pub(crate) struct Zstd<R: BufRead> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    pub(crate) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW);
        Self { source, decoder, in_frame: false }
    }

    /// Begins the next frame; false at the end of the stream.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped = io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                    if skipped < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    /// Decodes until there is something to be read, or the frame is at its end.
    fn advance(&mut self) -> io::Result<()> {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            let blocks = self.decoder.decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1));
            blocks.map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        match self.decoder.get_checksum_from_data() {
            stated @ Some(_) if stated != self.decoder.get_calculated_checksum() => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "zstd frame with a wrong checksum"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !into.is_empty() {
            if !self.in_frame && !self.begin()? {
                break;
            }
            self.in_frame = true;
            self.advance()?;
            let length = self.decoder.read(into)?;
            if length > 0 {
                return Ok(length);
            }
            self.check()?;
            self.in_frame = false;
        }
        Ok(0)
    }
}

/// Data as one frame.
pub(crate) fn pack(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

/// No more than `most` bytes of all frames of `data`; what came before, if something in it is no zstd.
pub(crate) fn unpack(data: &[u8], most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read so far stays.
    let _ = Zstd::new(data).take(most).read_to_end(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_frames_are_unpacked_and_garbage_is_nothing() {
        let text = b"hello hello hello hello".repeat(100);
        let packed = pack(&text);
        assert!(packed.len() < text.len());
        assert_eq!(unpack(&packed, u64::MAX), text);
        assert_eq!(unpack(&packed.repeat(2), u64::MAX), text.repeat(2));
        assert_eq!(unpack(&packed.repeat(2), 10), text[..10]);
        assert_eq!(unpack(b"nonsense", u64::MAX), b"");
    }
}
