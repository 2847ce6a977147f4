//! Blobs from the server: many small ones in a call, large ones as streams, taken up again where they broke.
//!
//! Not here: which are wanted (`known`).

use std::sync::atomic::Ordering;

use action::digest::BlobDigest;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::remote_apis::google::bytestream::ReadRequest;
use action::remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use futures_util::stream::{self, StreamExt as _};
use tonic::{Code, Status};
use wire::compressor::Value as Compressor;
use wire::content_addressable_storage_client::ContentAddressableStorageClient as CasClient;

use super::attempts::Attempts;
use super::connection::MESSAGE;
use super::fault::Fault;
use super::offers::PER_BLOB;
use super::packed::{Unpacked, Unpacker};
use super::{Remote, RemoteError};
use crate::store::{Incoming, Intake, StoreError};
use crate::zstd::unpack;

/// Calls that move blobs at once, in each direction.
pub(super) const TRANSFERS: usize = 4;

/// A blob that is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) digest: BlobDigest,
    /// Whether it is a program's.
    pub(super) executable: bool,
}

/// What a call brought.
enum Brought {
    Small(Vec<(Wanted, Option<Vec<u8>>)>),
    Large(Wanted, Option<Box<Incoming>>),
}

/// Why a stream ended too soon.
enum Broken {
    Status(Status),
    /// It is not what was asked for.
    Garbled,
    Other(RemoteError),
}

/// How a stream is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Packed,
}

/// Where the parts of a stream go.
enum Sink {
    /// To so many bytes.
    Plain(Incoming, u64),
    Packed(Unpacker),
}

impl Remote {
    /// Fetches blobs into `intake`, verified; returns those that the server does not have, or not as they should be.
    pub(super) async fn fetch(
        &self,
        wanted: Vec<Wanted>,
        intake: &mut Intake<'_>,
    ) -> Result<Vec<BlobDigest>, RemoteError> {
        let _receiving = self.traffic.begin_receiving();
        let is_small = |wanted: &Wanted| wanted.digest.size() + PER_BLOB <= self.offers.batch_bytes;
        let (small, large): (Vec<Wanted>, Vec<Wanted>) = wanted.into_iter().partition(is_small);
        let batches = batches(small, self.offers.batch_bytes, |wanted| wanted.digest.size());
        let small = batches.into_iter().map(Work::Small);
        let works = small.chain(large.into_iter().map(Work::Large));
        let mut brought = stream::iter(works.map(|work| self.fetch_one(work))).buffer_unordered(TRANSFERS);
        let mut missing = Vec::new();
        while let Some(brought) = brought.next().await {
            match brought? {
                Brought::Small(blobs) => {
                    for (wanted, bytes) in blobs {
                        let taken = bytes.map(|bytes| intake.bytes(wanted.digest, wanted.executable, &bytes));
                        note(wanted.digest, taken, &mut missing)?;
                    }
                }
                Brought::Large(wanted, incoming) => {
                    note(wanted.digest, incoming.map(|incoming| intake.take(*incoming)), &mut missing)?;
                }
            }
        }
        Ok(missing)
    }

    async fn fetch_one(&self, work: Work) -> Result<Brought, RemoteError> {
        match work {
            Work::Small(batch) => self.read_batch(batch).await.map(Brought::Small),
            Work::Large(wanted) => Ok(Brought::Large(wanted, self.read_stream(wanted).await?.map(Box::new))),
        }
    }

    /// A blob's bytes, verified; none if the server does not have it, or not as it should be.
    pub(super) async fn read(&self, digest: BlobDigest) -> Result<Option<Vec<u8>>, RemoteError> {
        if digest.size() == 0 || self.store.has(digest) {
            return Ok(Some(self.store.read(digest)?));
        }
        let _receiving = self.traffic.begin_receiving();
        let wanted = Wanted { digest, executable: false };
        if digest.size() + PER_BLOB > self.offers.batch_bytes {
            return self.read_stream_to_memory(wanted).await;
        }
        let bytes = self.read_batch(vec![wanted]).await?.pop().and_then(|(_, bytes)| bytes);
        Ok(bytes.filter(|bytes| BlobDigest::of(bytes) == digest))
    }

    async fn read_batch(&self, batch: Vec<Wanted>) -> Result<Vec<(Wanted, Option<Vec<u8>>)>, RemoteError> {
        let compressors = if self.offers.zstd { vec![i32::from(Compressor::Zstd)] } else { Vec::new() };
        let request = wire::BatchReadBlobsRequest {
            instance_name: self.instance(),
            digests: batch.iter().map(|wanted| wanted.digest.to_wire()).collect(),
            acceptable_compressors: compressors,
            ..wire::BatchReadBlobsRequest::default()
        };
        let bytes = batch.iter().map(|wanted| wanted.digest.size()).sum();
        let answer = self.call_with("BatchReadBlobs", bytes, || async {
            CasClient::new(self.wire()).max_decoding_message_size(MESSAGE).batch_read_blobs(request.clone()).await
        });
        let mut answers = std::collections::HashMap::new();
        for response in answer.await?.responses {
            let digest = BlobDigest::from_wire(&response.digest.unwrap_or_default())?;
            let code = response.status.map_or(Code::Ok, |status| Code::from(status.code));
            let zstd = response.compressor == i32::from(Compressor::Zstd);
            answers
                .insert(digest, (code, if zstd { unpack(&response.data, digest.size() + 1) } else { response.data }));
        }
        let mut blobs = Vec::with_capacity(batch.len());
        for wanted in batch {
            let bytes = match answers.remove(&wanted.digest) {
                Some((Code::Ok, bytes)) => {
                    self.traffic.add_received(bytes.len() as u64);
                    Some(bytes)
                }
                Some((Code::NotFound, _)) => None,
                // Alone it may fare better; if not, its own failure is told.
                _ => self.read_stream_to_memory(wanted).await?,
            };
            blobs.push((wanted, bytes));
        }
        Ok(blobs)
    }

    async fn read_stream_to_memory(&self, wanted: Wanted) -> Result<Option<Vec<u8>>, RemoteError> {
        let Some(incoming) = self.read_stream(wanted).await? else { return Ok(None) };
        let mut intake = self.store.intake();
        match intake.take(incoming) {
            // The server's fault, not the store's.
            Err(StoreError::Corrupt { .. }) => return Ok(None),
            taken => taken?,
        }
        intake.commit()?;
        Ok(Some(self.store.read(wanted.digest)?))
    }

    async fn read_stream(&self, wanted: Wanted) -> Result<Option<Incoming>, RemoteError> {
        let mut incoming = self.store.incoming(wanted.digest, wanted.executable)?;
        let mut attempts = Attempts::new(self.config.patience);
        let packs = self.offers.zstd && !self.sends_plain.load(Ordering::Relaxed);
        let mut form = if packs { Form::Packed } else { Form::Plain };
        loop {
            let before = incoming.size();
            let (came, read) = self.read_on(wanted.digest, incoming, form, &mut attempts).await;
            incoming = came;
            let status = match read {
                Ok(()) => {
                    if packs && form == Form::Plain {
                        self.sends_plain.store(true, Ordering::Relaxed);
                    }
                    return Ok(Some(incoming));
                }
                // Some offer what they, or the storage behind them, do not have; that a blob is not there is sure without it.
                Err(Broken::Status(status)) if form == Form::Packed && is_refusal(&status) => {
                    form = Form::Plain;
                    continue;
                }
                Err(Broken::Other(error)) => return Err(error),
                Err(Broken::Garbled) => return Ok(None),
                Err(Broken::Status(status)) if Fault::of(&status) == Fault::Missing => return Ok(None),
                Err(Broken::Status(status)) => status,
            };
            if incoming.size() > before {
                attempts.moved_on();
            }
            self.pause(&mut attempts, "Read", status).await?;
        }
    }

    /// Reads on from where `incoming` is, to the end.
    async fn read_on(
        &self,
        digest: BlobDigest,
        incoming: Incoming,
        form: Form,
        attempts: &mut Attempts,
    ) -> (Incoming, Result<(), Broken>) {
        let name = match form {
            Form::Packed => format!("compressed-blobs/zstd/{digest}"),
            Form::Plain => format!("blobs/{digest}"),
        };
        let request = ReadRequest {
            resource_name: self.resource(&name),
            // Of the blob itself, however it is sent.
            read_offset: i64::try_from(incoming.size()).unwrap_or(i64::MAX),
            read_limit: 0,
        };
        let mut sink = match form {
            Form::Packed => Sink::Packed(Unpacker::begin(incoming, digest.size())),
            Form::Plain => Sink::Plain(incoming, digest.size()),
        };
        let received = self.receive(request, &mut sink, attempts).await;
        let (incoming, unpacked) = match sink {
            Sink::Plain(incoming, _) => (incoming, Ok(())),
            Sink::Packed(unpacker) => match unpacker.finish().await {
                (incoming, Unpacked::AtEnd) => (incoming, Ok(())),
                (incoming, Unpacked::Garbled) => (incoming, Err(Broken::Garbled)),
                (incoming, Unpacked::Store(error)) => (incoming, Err(Broken::Other(error.into()))),
            },
        };
        let read = received.and(unpacked).and_then(|()| {
            let whole = incoming.size() >= digest.size();
            if whole { Ok(()) } else { Err(Broken::Status(Status::unavailable("the stream ended too soon"))) }
        });
        (incoming, read)
    }

    /// Moves a stream's parts to `sink`, to the end or until that takes no more.
    async fn receive(&self, request: ReadRequest, sink: &mut Sink, attempts: &mut Attempts) -> Result<(), Broken> {
        let mut client = ByteStreamClient::new(self.wire()).max_decoding_message_size(MESSAGE);
        self.begin(attempts);
        let answer = tokio::time::timeout(self.config.silence, client.read(request)).await;
        let mut stream =
            answer.map_err(|_| self.silence(attempts)).and_then(|answer| answer).map_err(Broken::Status)?.into_inner();
        loop {
            let next = tokio::time::timeout(self.config.silence, stream.message()).await;
            let Some(part) = next.map_err(|_| self.silence(attempts)).and_then(|next| next).map_err(Broken::Status)?
            else {
                break;
            };
            self.traffic.add_received(part.data.len() as u64);
            match sink {
                Sink::Plain(incoming, most) if incoming.size() + part.data.len() as u64 > *most => {
                    return Err(Broken::Garbled);
                }
                Sink::Plain(incoming, _) => incoming.write(&part.data).map_err(|error| Broken::Other(error.into()))?,
                Sink::Packed(unpacker) => {
                    if !unpacker.part(part.data).await {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// A resource's name on the server.
    pub(super) fn resource(&self, name: &str) -> String {
        let instance = self.instance();
        if instance.is_empty() { name.to_owned() } else { format!("{instance}/{name}") }
    }
}

/// Whether a server will not send a blob so, whyever.
fn is_refusal(status: &Status) -> bool {
    matches!(status.code(), Code::NotFound | Code::Unimplemented | Code::InvalidArgument)
}

/// What one call fetches.
enum Work {
    Small(Vec<Wanted>),
    Large(Wanted),
}

/// Takes note of what is missing, or not what it should be: the server has it no more than what is not there.
fn note(
    digest: BlobDigest,
    taken: Option<Result<(), StoreError>>,
    missing: &mut Vec<BlobDigest>,
) -> Result<(), RemoteError> {
    match taken {
        None | Some(Err(StoreError::Corrupt { .. })) => missing.push(digest),
        Some(taken) => taken?,
    }
    Ok(())
}

/// Divides `items` into lists that hold no more than `most` bytes each.
pub(super) fn batches<T>(items: Vec<T>, most: u64, size: impl Fn(&T) -> u64) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for item in items {
        let size = size(&item) + PER_BLOB;
        if bytes + size > most && !batch.is_empty() {
            all.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += size;
        batch.push(item);
    }
    if !batch.is_empty() {
        all.push(batch);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_what_fits_and_at_least_one() {
        let sizes = |items: &[u64], most| batches(items.to_vec(), most, |size| *size);
        assert_eq!(sizes(&[10, 10, 10], 2 * (10 + PER_BLOB)), [vec![10, 10], vec![10]]);
        assert_eq!(sizes(&[1000, 1], 200), [vec![1000], vec![1]]);
        assert!(sizes(&[], 200).is_empty());
    }
}
