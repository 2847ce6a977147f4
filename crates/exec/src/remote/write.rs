//! A large blob to the server, as a stream: as it is, and then taken up again where it broke, or as one compressed frame.
//!
//! Not here: which blobs are sent (`upload`), compressing (`packed`).

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use action::digest::BlobDigest;
use action::remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use action::remote_apis::google::bytestream::{QueryWriteStatusRequest, WriteRequest};
use tonic::{Code, Status};

use super::attempts::Attempts;
use super::packed::pack_file;
use super::upload::{From, Parcel, WORTH_COMPRESSING};
use super::{Remote, RemoteError, locked};

/// Bytes in one message of a stream.
const CHUNK: u64 = 1 << 20;

impl Remote {
    pub(super) async fn send_stream(&self, parcel: Parcel) -> Result<(), RemoteError> {
        let digest = parcel.digest;
        let body = self.body(&parcel).await?;
        let mut name = self.upload(&body, digest);
        let mut attempts = Attempts::new(self.config.patience);
        let (mut offset, mut furthest) = (0, 0);
        loop {
            let parts = Parts::new(&body, &name, offset);
            let pace = Arc::clone(&parts.pace);
            let status = match self.write(parts, &mut attempts).await {
                Ok(committed) if body.is_whole(digest, committed) => {
                    self.traffic.add_sent(body.size - offset);
                    return Ok(());
                }
                Ok(_) => Status::unavailable("the server took a part of a blob alone"),
                Err(status) if status.code() == Code::AlreadyExists => return Ok(()),
                Err(status) => status,
            };
            self.pause(&mut attempts, "Write", status).await?;
            let reached = if body.packed {
                // The protocol counts bytes of the blob, of which a frame broken anywhere says nothing: it is begun anew, under
                // another name, for the server may hold to what it has of this one.
                name = self.upload(&body, digest);
                locked(&pace).offset
            } else {
                let before = std::mem::replace(&mut offset, self.committed(&name, body.size, &mut attempts).await);
                self.traffic.add_sent(offset.saturating_sub(before));
                offset
            };
            // Farther than ever: a server that forgets what it had makes no progress by having it again.
            if reached > furthest {
                furthest = reached;
                attempts.moved_on();
            }
        }
    }

    /// Writes a stream; how much of it the server says that it has. It is silent if it takes nothing for too long: the whole may
    /// take as long as the line needs.
    async fn write(&self, parts: Parts, attempts: &mut Attempts) -> Result<i64, Status> {
        let pace = Arc::clone(&parts.pace);
        let mut client = ByteStreamClient::new(self.wire());
        self.begin(attempts);
        let mut writing = pin!(client.write(tokio_stream::iter(parts)));
        loop {
            let left = self.config.silence.saturating_sub(locked(&pace).at.elapsed());
            if left.is_zero() {
                return Err(self.silence(attempts));
            }
            if let Ok(answer) = tokio::time::timeout(left, &mut writing).await {
                return Ok(answer?.get_ref().committed_size);
            }
        }
    }

    /// What goes over the wire for a blob: compressed where the server takes that and it is worth it.
    async fn body(&self, parcel: &Parcel) -> Result<Body, RemoteError> {
        let size = parcel.digest.size();
        let source = match &parcel.from {
            From::Store if size > 0 => Source::File(Arc::new(self.store.open_blob(parcel.digest)?)),
            _ => Source::Bytes(self.contents(parcel)?.into()),
        };
        if self.offers.zstd && size >= WORTH_COMPRESSING {
            let (plain, scratch) = (source.clone(), self.store.scratch()?);
            let packing = tokio::task::spawn_blocking(move || pack_file(plain.reader(), scratch.path()));
            // If it cannot be compressed, for want of room say, it is sent as it is.
            if let Ok(Ok(Some((file, size)))) = packing.await {
                return Ok(Body { source: Source::File(Arc::new(file)), size, packed: true });
            }
        }
        Ok(Body { source, size, packed: false })
    }

    /// The name of an upload.
    fn upload(&self, body: &Body, blob: BlobDigest) -> String {
        static FRAMES: AtomicU64 = AtomicU64::new(1);
        let (kind, id) = if body.packed {
            ("compressed-blobs/zstd", upload_id(blob, FRAMES.fetch_add(1, Ordering::Relaxed)))
        } else {
            ("blobs", upload_id(blob, 0))
        };
        self.resource(&format!("uploads/{id}/{kind}/{blob}"))
    }

    /// How much of an upload the server has; nothing, if it does not say.
    async fn committed(&self, name: &str, all: u64, attempts: &mut Attempts) -> u64 {
        let request = QueryWriteStatusRequest { resource_name: name.to_owned() };
        let mut client = ByteStreamClient::new(self.wire());
        self.begin(attempts);
        let answer = tokio::time::timeout(self.config.silence, client.query_write_status(request)).await;
        let answer = answer.map_err(|_| self.silence(attempts)).and_then(|answer| answer);
        let committed = answer.ok().and_then(|answer| u64::try_from(answer.get_ref().committed_size).ok());
        // All of it, and yet the write failed: it is begun anew.
        committed.filter(|size| *size < all).unwrap_or(0)
    }
}

/// What goes over the wire for a blob.
struct Body {
    source: Source,
    /// Bytes on the wire.
    size: u64,
    packed: bool,
}

impl Body {
    /// Whether a server that says that it has `committed` bytes has all. Of compressed ones servers count those that came or
    /// those of the blob; -1 is for a blob that was there before (the protocol's comment on compressed uploads).
    fn is_whole(&self, digest: BlobDigest, committed: i64) -> bool {
        let committed_size = u64::try_from(committed).ok();
        committed_size == Some(self.size) || self.packed && (committed == -1 || committed_size == Some(digest.size()))
    }
}

/// The bytes of a stream.
#[derive(Clone)]
enum Source {
    File(Arc<File>),
    Bytes(Arc<[u8]>),
}

/// The messages of a stream that writes a blob.
struct Parts {
    source: Source,
    name: String,
    size: u64,
    over: bool,
    pace: Arc<Mutex<Pace>>,
}

/// How far a stream is.
struct Pace {
    /// What was given to the connection, which asks for more when it has room.
    offset: u64,
    /// When it last asked.
    at: Instant,
}

impl Parts {
    fn new(body: &Body, name: &str, offset: u64) -> Self {
        let pace = Arc::new(Mutex::new(Pace { offset, at: Instant::now() }));
        Self { source: body.source.clone(), name: name.to_owned(), size: body.size, over: false, pace }
    }
}

impl Iterator for Parts {
    type Item = WriteRequest;

    fn next(&mut self) -> Option<WriteRequest> {
        let mut pace = locked(&self.pace);
        pace.at = Instant::now();
        if self.over {
            return None;
        }
        let offset = pace.offset;
        let length = CHUNK.min(self.size.saturating_sub(offset));
        // A file that cannot be read ends the stream, and the server says that it is not whole.
        let data = self.source.read(offset, length)?;
        pace.offset += length;
        self.over = pace.offset >= self.size;
        Some(WriteRequest {
            resource_name: std::mem::take(&mut self.name),
            write_offset: i64::try_from(offset).unwrap_or(i64::MAX),
            finish_write: self.over,
            data,
        })
    }
}

impl Source {
    /// From the beginning. A file's place is shared: not to be used beside other readers of it.
    fn reader(&self) -> Box<dyn Read + '_> {
        match self {
            Self::File(file) => Box::new(&**file),
            Self::Bytes(bytes) => Box::new(io::Cursor::new(bytes)),
        }
    }

    fn read(&self, offset: u64, length: u64) -> Option<Vec<u8>> {
        match self {
            // By its place: a call that was given up may still be reading while the next one does.
            Self::File(file) => {
                let mut data = vec![0; usize::try_from(length).ok()?];
                file.read_exact_at(&mut data, offset).ok()?;
                Some(data)
            }
            Self::Bytes(bytes) => {
                let (from, to) = (usize::try_from(offset).ok()?, usize::try_from(offset + length).ok()?);
                bytes.get(from..to).map(<[u8]>::to_vec)
            }
        }
    }
}

/// An id for an upload in the form of a UUID: equal uploads of one process may share it, for their bytes are equal; those of
/// several processes must not, for a server may refuse two writers. Frames, which are not taken up again, have a `number` each.
fn upload_id(blob: BlobDigest, number: u64) -> String {
    let hex = BlobDigest::of(format!("{blob} {number} {} {}", std::process::id(), hostname()).as_bytes()).hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
