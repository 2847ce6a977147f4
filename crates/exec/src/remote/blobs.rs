//! Blobs over the wire: only what the other side lacks, many small ones in a call, large ones as streams.

use action::digest::BlobDigest;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use action::remote_apis::google::bytestream::{ReadRequest, WriteRequest};
use wire::content_addressable_storage_client::ContentAddressableStorageClient as CasClient;

use super::{Remote, RemoteError, failed};

/// Bytes of blobs in one batch: below gRPC's default limit of 4 MiB for a message, with room for the rest of it.
const BATCH_BYTES: u64 = 3 << 20;
/// Digests in one question.
const BATCH_DIGESTS: usize = 10_000;
/// Bytes in one message of a stream.
const CHUNK: usize = 1 << 20;

impl Remote<'_> {
    /// Uploads those of `blobs`, all in the store, that the server lacks; returns how many bytes that was.
    ///
    /// # Errors
    /// If a call fails or the store lacks a blob.
    pub fn upload(&self, blobs: &[BlobDigest]) -> Result<u64, RemoteError> {
        self.runtime.block_on(async {
            let missing = self.missing(blobs).await?;
            let (small, large): (Vec<BlobDigest>, Vec<BlobDigest>) =
                missing.iter().copied().partition(|blob| blob.size() < BATCH_BYTES);
            let mut batch = Vec::new();
            let mut bytes = 0;
            for blob in small {
                if bytes + blob.size() > BATCH_BYTES {
                    self.upload_batch(std::mem::take(&mut batch)).await?;
                    bytes = 0;
                }
                bytes += blob.size();
                batch.push(blob);
            }
            self.upload_batch(batch).await?;
            for blob in large {
                self.upload_stream(blob).await?;
            }
            Ok(missing.iter().map(BlobDigest::size).sum())
        })
    }

    async fn missing(&self, blobs: &[BlobDigest]) -> Result<Vec<BlobDigest>, RemoteError> {
        let mut client = CasClient::new(self.channel.clone());
        let mut missing = Vec::new();
        for blobs in blobs.chunks(BATCH_DIGESTS) {
            let request = wire::FindMissingBlobsRequest {
                instance_name: self.instance.clone(),
                blob_digests: blobs.iter().map(BlobDigest::to_wire).collect(),
                ..Default::default()
            };
            let response = client.find_missing_blobs(request).await.map_err(failed("FindMissingBlobs"))?;
            for digest in &response.get_ref().missing_blob_digests {
                missing.push(BlobDigest::from_wire(digest)?);
            }
        }
        Ok(missing)
    }

    async fn upload_batch(&self, blobs: Vec<BlobDigest>) -> Result<(), RemoteError> {
        if blobs.is_empty() {
            return Ok(());
        }
        let mut requests = Vec::with_capacity(blobs.len());
        for blob in blobs {
            requests.push(wire::batch_update_blobs_request::Request {
                digest: Some(blob.to_wire()),
                data: self.store.read(blob)?,
                ..Default::default()
            });
        }
        let request =
            wire::BatchUpdateBlobsRequest { instance_name: self.instance.clone(), requests, ..Default::default() };
        let mut client = CasClient::new(self.channel.clone());
        let response = client.batch_update_blobs(request).await.map_err(failed("BatchUpdateBlobs"))?;
        for response in response.into_inner().responses {
            if let Some(status) = response.status.filter(|status| status.code != 0) {
                let status = tonic::Status::new(tonic::Code::from(status.code), status.message);
                return Err(failed("BatchUpdateBlobs")(status));
            }
        }
        Ok(())
    }

    async fn upload_stream(&self, blob: BlobDigest) -> Result<(), RemoteError> {
        let data = self.store.read(blob)?;
        let name = format!("uploads/{}/blobs/{blob}", upload_id(blob));
        let name = if self.instance.is_empty() { name } else { format!("{}/{name}", self.instance) };
        let chunks = data.len().div_ceil(CHUNK).max(1);
        let requests = (0..chunks).map(move |index| {
            let offset = index * CHUNK;
            WriteRequest {
                resource_name: if index == 0 { name.clone() } else { String::new() },
                write_offset: i64::try_from(offset).unwrap_or(i64::MAX),
                finish_write: index + 1 == chunks,
                data: data.get(offset..data.len().min(offset + CHUNK)).unwrap_or_default().to_vec(),
            }
        });
        let mut client = ByteStreamClient::new(self.channel.clone());
        client.write(tokio_stream::iter(requests)).await.map_err(failed("Write"))?;
        Ok(())
    }

    /// A blob's bytes, verified.
    pub(super) async fn download(&self, blob: BlobDigest) -> Result<Vec<u8>, RemoteError> {
        let name = format!("blobs/{blob}");
        let resource_name = if self.instance.is_empty() { name } else { format!("{}/{name}", self.instance) };
        let mut client = ByteStreamClient::new(self.channel.clone());
        let request = ReadRequest { resource_name, ..Default::default() };
        let mut stream = client.read(request).await.map_err(failed("Read"))?.into_inner();
        let mut data = Vec::new();
        while let Some(response) = stream.message().await.map_err(failed("Read"))? {
            data.extend(response.data);
        }
        if BlobDigest::of(&data) == blob { Ok(data) } else { Err(RemoteError::Corrupt(blob)) }
    }

    /// Takes blobs that the store lacks into it: small ones in batches, large ones as streams.
    pub(super) async fn download_all(&self, blobs: &[BlobDigest]) -> Result<(), RemoteError> {
        let lacking: Vec<_> = blobs.iter().filter(|blob| !self.store.has(**blob)).copied().collect();
        let (small, large): (Vec<BlobDigest>, Vec<BlobDigest>) =
            lacking.iter().copied().partition(|blob| blob.size() < BATCH_BYTES);
        let mut rest: &[BlobDigest] = &small;
        while !rest.is_empty() {
            let mut bytes = 0;
            let count = rest.iter().take_while(|blob| {
                bytes += blob.size();
                bytes <= BATCH_BYTES
            });
            let (batch, others) = rest.split_at(count.count().max(1));
            self.download_batch(batch).await?;
            rest = others;
        }
        for blob in large {
            self.store.put(&self.download(blob).await?)?;
        }
        Ok(())
    }

    async fn download_batch(&self, blobs: &[BlobDigest]) -> Result<(), RemoteError> {
        let request = wire::BatchReadBlobsRequest {
            instance_name: self.instance.clone(),
            digests: blobs.iter().map(BlobDigest::to_wire).collect(),
            ..Default::default()
        };
        let mut client = CasClient::new(self.channel.clone());
        let response = client.batch_read_blobs(request).await.map_err(failed("BatchReadBlobs"))?;
        for response in response.into_inner().responses {
            if let Some(status) = response.status.filter(|status| status.code != 0) {
                let status = tonic::Status::new(tonic::Code::from(status.code), status.message);
                return Err(failed("BatchReadBlobs")(status));
            }
            let digest = BlobDigest::from_wire(&response.digest.unwrap_or_default())?;
            if self.store.put(&response.data)? != digest {
                return Err(RemoteError::Corrupt(digest));
            }
        }
        Ok(())
    }
}

/// An id for an upload in the form of a UUID: equal uploads may as well share it, for their bytes are equal.
fn upload_id(blob: BlobDigest) -> String {
    let hex = blob.hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
