//! Blobs to the server: only what it lacks, many small ones in a call, large ones as streams, taken up again where they broke.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use action::digest::{BlobDigest, DirDigest};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use action::remote_apis::google::bytestream::{QueryWriteStatusRequest, WriteRequest};
use action::tree::Entry;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tonic::{Code, Status};
use wire::compressor::Value as Compressor;
use wire::content_addressable_storage_client::ContentAddressableStorageClient as CasClient;

use super::attempts::{Attempts, silent};
use super::connection::MESSAGE;
use super::download::{TRANSFERS, batches};
use super::offers::PER_BLOB;
use super::packed::pack_file;
use super::{Remote, RemoteError, locked};
use crate::zstd::pack;

/// Digests in one question.
const DIGESTS: usize = 10_000;
/// Bytes in one message of a stream.
const CHUNK: u64 = 1 << 20;
/// Smaller blobs are not worth compressing.
const WORTH_COMPRESSING: u64 = 1 << 10;

/// A blob that the server is to have.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) digest: BlobDigest,
    from: From,
}

/// Where its bytes are.
#[derive(Debug, Clone)]
enum From {
    /// In the store, as a blob.
    Store,
    /// A directory that is known.
    Directory(DirDigest),
    /// Here.
    Bytes(Arc<[u8]>),
}

impl Parcel {
    pub(super) const fn stored(digest: BlobDigest) -> Self {
        Self { digest, from: From::Store }
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self { digest: BlobDigest::of(bytes), from: From::Bytes(bytes.into()) }
    }
}

impl Remote {
    /// Sees to it that the server has a tree, and `messages` besides; returns how many bytes were sent.
    ///
    /// # Errors
    /// [`RemoteError::Lost`] if something is neither there nor here; or if a call failed.
    pub(super) fn send_tree(&self, root: DirDigest, messages: &[&[u8]]) -> Result<u64, RemoteError> {
        let _alone = locked(&self.sending);
        let (directories, mut parcels) = self.unsent(root)?;
        parcels.extend(messages.iter().map(|message| Parcel::bytes(message)));
        let sent = self.run(self.send(parcels))?;
        locked(&self.present).trees.extend(directories);
        Ok(sent)
    }

    /// Sees to it that the server has blobs that are in the store, and `messages` besides.
    pub(super) fn send_blobs(
        &self,
        blobs: impl IntoIterator<Item = BlobDigest>,
        messages: &[&[u8]],
    ) -> Result<u64, RemoteError> {
        let _alone = locked(&self.sending);
        let blobs: HashSet<_> = blobs.into_iter().collect();
        let mut parcels: Vec<_> = {
            let present = locked(&self.present);
            blobs.iter().filter(|blob| !present.blobs.contains(blob)).copied().map(Parcel::stored).collect()
        };
        parcels.extend(messages.iter().map(|message| Parcel::bytes(message)));
        let sent = self.run(self.send(parcels))?;
        self.note_present(blobs);
        Ok(sent)
    }

    /// What of a tree the server was not found to have: directories, and everything as parcels.
    fn unsent(&self, root: DirDigest) -> Result<(Vec<DirDigest>, Vec<Parcel>), RemoteError> {
        let (mut directories, mut files) = (vec![root], HashSet::new());
        let mut seen = HashSet::from([root]);
        let present = locked(&self.present);
        if present.trees.contains(&root) {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut next = 0;
        while let Some(directory) = directories.get(next).copied() {
            next += 1;
            for (_, entry) in self.store.directory(directory)?.iter() {
                match entry {
                    Entry::File { digest, .. } if !present.blobs.contains(digest) => {
                        files.insert(*digest);
                    }
                    Entry::Directory(digest) if !present.trees.contains(digest) && seen.insert(*digest) => {
                        directories.push(*digest);
                    }
                    Entry::File { .. } | Entry::Directory(_) | Entry::Symlink(_) => {}
                }
            }
        }
        let mut parcels: Vec<_> = files.into_iter().map(Parcel::stored).collect();
        let directory = |digest: &DirDigest| Parcel { digest: digest.as_blob(), from: From::Directory(*digest) };
        parcels.extend(directories.iter().map(directory));
        Ok((directories, parcels))
    }

    /// Sends those of `parcels` that the server lacks; returns how many bytes that was.
    pub(super) async fn send(&self, parcels: Vec<Parcel>) -> Result<u64, RemoteError> {
        let digests: Vec<_> = parcels.iter().map(|parcel| parcel.digest).collect();
        let missing = self.missing(&digests).await?;
        let parcels: Vec<_> = parcels.into_iter().filter(|parcel| missing.contains(&parcel.digest)).collect();
        let not_here = |parcel: &&Parcel| matches!(parcel.from, From::Store) && !self.store.has(parcel.digest);
        let lost: Vec<_> = parcels.iter().filter(not_here).map(|parcel| parcel.digest).collect();
        if !lost.is_empty() {
            self.note_lost(&lost);
            return Err(RemoteError::Lost(lost));
        }
        if parcels.is_empty() {
            return Ok(0);
        }
        let _sending = self.traffic.begin_sending();
        let bytes = parcels.iter().map(|parcel| parcel.digest.size()).sum();
        let is_small = |parcel: &Parcel| parcel.digest.size() + PER_BLOB <= self.offers.batch_bytes;
        let (small, large): (Vec<Parcel>, Vec<Parcel>) = parcels.into_iter().partition(is_small);
        let batches = batches(small, self.offers.batch_bytes, |parcel| parcel.digest.size());
        let batches = batches.into_iter().map(|batch| self.send_batch(batch));
        stream::iter(batches).buffer_unordered(TRANSFERS).try_collect::<Vec<()>>().await?;
        let streams = large.into_iter().map(|parcel| self.send_stream(parcel));
        stream::iter(streams).buffer_unordered(TRANSFERS).try_collect::<Vec<()>>().await?;
        Ok(bytes)
    }

    /// Those of `blobs` that the server does not have.
    pub(super) async fn missing(&self, blobs: &[BlobDigest]) -> Result<HashSet<BlobDigest>, RemoteError> {
        let mut missing = HashSet::new();
        for blobs in blobs.chunks(DIGESTS) {
            let request = wire::FindMissingBlobsRequest {
                instance_name: self.instance(),
                blob_digests: blobs.iter().map(BlobDigest::to_wire).collect(),
                ..wire::FindMissingBlobsRequest::default()
            };
            let answer = self.call("FindMissingBlobs", || async {
                let mut client = CasClient::new(self.wire()).max_decoding_message_size(MESSAGE);
                client.find_missing_blobs(request.clone()).await
            });
            for digest in &answer.await?.missing_blob_digests {
                missing.insert(BlobDigest::from_wire(digest)?);
            }
        }
        Ok(missing)
    }

    fn contents(&self, parcel: &Parcel) -> Result<Vec<u8>, RemoteError> {
        Ok(match &parcel.from {
            From::Store => self.store.read(parcel.digest)?,
            From::Directory(digest) => self.store.directory(*digest)?.encode(),
            From::Bytes(bytes) => bytes.to_vec(),
        })
    }

    async fn send_batch(&self, batch: Vec<Parcel>) -> Result<(), RemoteError> {
        let mut requests = Vec::with_capacity(batch.len());
        for parcel in &batch {
            let data = self.contents(parcel)?;
            let compress = self.offers.zstd_batches && parcel.digest.size() >= WORTH_COMPRESSING;
            let (data, compressor) =
                if compress { (pack(&data), Compressor::Zstd) } else { (data, Compressor::Identity) };
            self.traffic.add_sent(data.len() as u64);
            requests.push(wire::batch_update_blobs_request::Request {
                digest: Some(parcel.digest.to_wire()),
                data,
                compressor: compressor.into(),
            });
        }
        let request = wire::BatchUpdateBlobsRequest {
            instance_name: self.instance(),
            requests,
            ..wire::BatchUpdateBlobsRequest::default()
        };
        let answer = self.call("BatchUpdateBlobs", || async {
            CasClient::new(self.wire()).batch_update_blobs(request.clone()).await
        });
        let responses = answer.await?.responses;
        let failed = responses.into_iter().filter(|response| response.status.as_ref().is_some_and(|one| one.code != 0));
        for response in failed {
            let digest = BlobDigest::from_wire(&response.digest.unwrap_or_default())?;
            // Alone it may fare better; if not, its own failure is told.
            for parcel in batch.iter().filter(|parcel| parcel.digest == digest) {
                self.send_stream(parcel.clone()).await?;
            }
        }
        Ok(())
    }

    async fn send_stream(&self, parcel: Parcel) -> Result<(), RemoteError> {
        let digest = parcel.digest;
        let body = self.body(&parcel).await?;
        let kind = if body.packed { "compressed-blobs/zstd" } else { "blobs" };
        let name = self.resource(&format!("uploads/{}/{kind}/{digest}", upload_id(digest)));
        let mut attempts = Attempts::new(self.config.patience);
        let mut offset = 0;
        loop {
            let source = body.source.clone();
            let parts = Parts { source, name: name.clone(), offset, size: body.size, over: false };
            let mut client = ByteStreamClient::new(self.wire());
            let limit = self.config.silence + std::time::Duration::from_secs(body.size >> 17);
            self.begin(&mut attempts);
            let status = match tokio::time::timeout(limit, client.write(tokio_stream::iter(parts))).await {
                Ok(Ok(answer)) if body.is_whole(digest, answer.get_ref().committed_size) => {
                    self.traffic.add_sent(body.size - offset);
                    return Ok(());
                }
                Ok(Ok(_)) => Status::unavailable("the server took a part of a blob alone"),
                Ok(Err(status)) if status.code() == Code::AlreadyExists => return Ok(()),
                Ok(Err(status)) => status,
                Err(_) => silent(),
            };
            self.pause(&mut attempts, "Write", status).await?;
            let before = std::mem::replace(&mut offset, self.committed(&name, body.size).await);
            if offset > before {
                self.traffic.add_sent(offset - before);
                attempts.moved_on();
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

    /// How much of an upload the server has; nothing, if it does not say.
    async fn committed(&self, name: &str, all: u64) -> u64 {
        let request = QueryWriteStatusRequest { resource_name: name.to_owned() };
        self.traffic.add_call();
        let answer = ByteStreamClient::new(self.wire()).query_write_status(request).await;
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
    offset: u64,
    size: u64,
    over: bool,
}

impl Iterator for Parts {
    type Item = WriteRequest;

    fn next(&mut self) -> Option<WriteRequest> {
        if self.over {
            return None;
        }
        let length = CHUNK.min(self.size.saturating_sub(self.offset));
        // A file that cannot be read ends the stream, and the server says that it is not whole.
        let data = self.source.read(self.offset, length)?;
        let finish_write = self.offset + length >= self.size;
        let request = WriteRequest {
            resource_name: std::mem::take(&mut self.name),
            write_offset: i64::try_from(self.offset).unwrap_or(i64::MAX),
            finish_write,
            data,
        };
        self.offset += length;
        self.over = finish_write;
        Some(request)
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
/// several processes must not, for a server may refuse two writers.
fn upload_id(blob: BlobDigest) -> String {
    let hex = BlobDigest::of(format!("{blob} {} {}", std::process::id(), hostname()).as_bytes()).hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
