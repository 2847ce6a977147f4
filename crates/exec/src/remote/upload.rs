//! Blobs to the server: only what it lacks, many small ones in a call. Not here: streams of large ones (`write`).

use std::collections::HashSet;
use std::sync::Arc;

use action::digest::{BlobDigest, DirDigest};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::tree::Entry;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use wire::compressor::Value as Compressor;
use wire::content_addressable_storage_client::ContentAddressableStorageClient as CasClient;

use super::connection::MESSAGE;
use super::download::{TRANSFERS, batches};
use super::offers::PER_BLOB;
use super::{Remote, RemoteError, locked};
use crate::zstd::pack;

/// Digests in one question.
const DIGESTS: usize = 10_000;
/// Smaller blobs are not worth compressing.
pub(super) const WORTH_COMPRESSING: u64 = 1 << 10;

/// A blob that the server is to have.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) digest: BlobDigest,
    pub(super) from: From,
}

/// Where its bytes are.
#[derive(Debug, Clone)]
pub(super) enum From {
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
        // Many may have waited for that, and nobody for them any more.
        if self.stopped() {
            return Err(RemoteError::Stopped);
        }
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
            let answer = self.call_with("FindMissingBlobs", request.encoded_len() as u64, || async {
                let mut client = CasClient::new(self.wire()).max_decoding_message_size(MESSAGE);
                client.find_missing_blobs(request.clone()).await
            });
            for digest in &answer.await?.missing_blob_digests {
                missing.insert(BlobDigest::from_wire(digest)?);
            }
        }
        Ok(missing)
    }

    pub(super) fn contents(&self, parcel: &Parcel) -> Result<Vec<u8>, RemoteError> {
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
        let answer = self.call_with("BatchUpdateBlobs", request.encoded_len() as u64, || async {
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
}
