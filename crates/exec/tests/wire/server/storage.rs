//! Blobs: ByteStream and ContentAddressableStorage. Not here: what there is and what is planned ([`super::State`]).

use super::*;

/// The digest at the end of a resource's name.
fn named(resource: &str) -> BlobDigest {
    let parts: Vec<_> = resource.rsplit('/').take(2).collect();
    format!("{}/{}", parts[1], parts[0]).parse().unwrap()
}

#[async_trait]
impl ByteStream for Service {
    type ReadStream = Streamed<ReadResponse>;

    async fn read(&self, request: Request<ReadRequest>) -> Told<Self::ReadStream> {
        let plan = self.enter("Read", request.metadata()).await?;
        let request = request.into_inner();
        let mut state = self.state();
        state.offsets.push(("Read", request.read_offset));
        if let Some(code) = state.keeps_plain.filter(|_| is_packed(&request.resource_name)) {
            return Err(Status::new(code, "not so"));
        }
        let blob = state.blobs.get(&named(&request.resource_name)).cloned();
        let mut blob = blob.ok_or_else(|| Status::not_found("no such blob"))?;
        let mut data = blob.split_off(usize::try_from(request.read_offset).unwrap());
        if is_packed(&request.resource_name) {
            state.compressed += 1;
            // As two frames: a server may send what it has in parts.
            let (one, two) = data.split_at(data.len() / 2);
            data = [pack(one), pack(two)].concat();
        }
        let mut parts = Vec::new();
        match plan {
            Some(Do::Part(bytes)) => data.truncate(bytes),
            Some(Do::Garble) => data.iter_mut().for_each(|byte| *byte ^= 1),
            _ => {}
        }
        parts.extend(data.chunks(100_000).map(|data| Ok(ReadResponse { data: data.to_vec() })));
        if let Some(Do::Part(_)) = plan {
            parts.push(Err(Status::unavailable("Stream removed")));
        }
        Ok(Response::new(Box::pin(tokio_stream::iter(parts))))
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Told<WriteResponse> {
        let plan = self.enter("Write", request.metadata()).await?;
        let mut stream = request.into_inner();
        let (mut name, mut first, mut came) = (String::new(), 0, Vec::new());
        while let Some(part) = stream.message().await? {
            if let Some(Do::Slow(milliseconds)) = plan {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            let mut state = self.state();
            let offset = usize::try_from(part.write_offset).unwrap();
            if name.is_empty() {
                name.clone_from(&part.resource_name);
                state.offsets.push(("Write", part.write_offset));
                state.uploads.push(name.clone());
                let held = state.partial.entry(name.clone()).or_default();
                // Of the blob itself, however it is sent; from then on bytes that come are counted.
                assert!(offset <= held.len(), "a gap in an upload");
                held.truncate(offset);
                first = offset;
            }
            assert_eq!(first + came.len(), offset, "a gap in an upload");
            came.extend(&part.data);
            let packed = is_packed(&name);
            if let Some(Do::Part(bytes)) = plan
                && offset + part.data.len() >= bytes
            {
                came.truncate(bytes.saturating_sub(first));
                let held = state.partial.get_mut(&name).unwrap();
                held.truncate(bytes);
                held.extend(if packed { unpack_some(&came) } else { came });
                return Err(Status::unavailable("Stream removed"));
            }
            if part.finish_write {
                let mut bytes = state.partial.remove(&name).unwrap();
                let mut committed_size = i64::try_from(first + came.len()).unwrap();
                if packed {
                    state.compressed += 1;
                    came = unpack(&came);
                    committed_size = state.says_committed.unwrap_or(committed_size);
                }
                bytes.extend(came);
                assert_eq!(BlobDigest::of(&bytes), named(&name), "other bytes were sent");
                state.keep(&bytes);
                return Ok(Response::new(WriteResponse { committed_size }));
            }
        }
        Err(Status::invalid_argument("the upload was not finished"))
    }

    async fn query_write_status(&self, request: Request<QueryWriteStatusRequest>) -> Told<QueryWriteStatusResponse> {
        self.enter("QueryWriteStatus", request.metadata()).await?;
        let state = self.state();
        let held = state.partial.get(&request.into_inner().resource_name);
        let committed_size = i64::try_from(held.ok_or_else(|| Status::not_found(""))?.len()).unwrap();
        Ok(Response::new(QueryWriteStatusResponse { committed_size, complete: false }))
    }
}

#[async_trait]
impl ContentAddressableStorage for Service {
    async fn find_missing_blobs(
        &self,
        request: Request<wire::FindMissingBlobsRequest>,
    ) -> Told<wire::FindMissingBlobsResponse> {
        self.enter("FindMissingBlobs", request.metadata()).await?;
        let state = self.state();
        let mut missing = request.into_inner().blob_digests;
        missing.retain(|digest| !state.blobs.contains_key(&BlobDigest::from_wire(digest).unwrap()));
        Ok(Response::new(wire::FindMissingBlobsResponse { missing_blob_digests: missing }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<wire::BatchUpdateBlobsRequest>,
    ) -> Told<wire::BatchUpdateBlobsResponse> {
        let plan = self.enter("BatchUpdateBlobs", request.metadata()).await?;
        let request = request.into_inner();
        let mut state = self.state();
        state.batches.push(request.encoded_len());
        let mut responses = Vec::new();
        for blob in request.requests {
            let digest = BlobDigest::from_wire(&blob.digest.clone().unwrap()).unwrap();
            let zstd = blob.compressor == i32::from(wire::compressor::Value::Zstd);
            state.compressed += usize::from(zstd);
            let bytes = if zstd { unpack(&blob.data) } else { blob.data };
            assert_eq!(BlobDigest::of(&bytes), digest, "other bytes were sent");
            if plan.is_none() {
                state.keep(&bytes);
            }
            let code = if let Some(Do::Part(_)) = plan { Code::Internal } else { Code::Ok };
            let status = google::rpc::Status { code: code.into(), ..Default::default() };
            responses.push(wire::batch_update_blobs_response::Response { digest: blob.digest, status: Some(status) });
        }
        Ok(Response::new(wire::BatchUpdateBlobsResponse { responses }))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<wire::BatchReadBlobsRequest>,
    ) -> Told<wire::BatchReadBlobsResponse> {
        let plan = self.enter("BatchReadBlobs", request.metadata()).await?;
        let request = request.into_inner();
        let mut state = self.state();
        let zstd = i32::from(wire::compressor::Value::Zstd);
        let compress = state.zstd && request.acceptable_compressors.contains(&zstd);
        let mut responses = Vec::new();
        for digest in request.digests {
            let found = state.blobs.get(&BlobDigest::from_wire(&digest).unwrap()).cloned();
            let code = match (&plan, &found) {
                (Some(Do::Part(_)), _) => Code::Internal,
                (_, Some(_)) => Code::Ok,
                (_, None) => Code::NotFound,
            };
            let mut data = found.unwrap_or_default();
            if let Some(Do::Garble) = plan {
                data.iter_mut().for_each(|byte| *byte ^= 1);
            }
            if compress {
                state.compressed += 1;
                data = pack(&data);
            }
            responses.push(wire::batch_read_blobs_response::Response {
                digest: Some(digest),
                data,
                compressor: if compress { zstd } else { 0 },
                status: Some(google::rpc::Status { code: code.into(), ..Default::default() }),
            });
        }
        let answer = wire::BatchReadBlobsResponse { responses };
        state.batches.push(answer.encoded_len());
        Ok(Response::new(answer))
    }

    type GetTreeStream = Streamed<wire::GetTreeResponse>;
    type GetChunkMappingStream = Streamed<wire::GetChunkMappingResponse>;

    async fn get_tree(&self, _: Request<wire::GetTreeRequest>) -> Told<Self::GetTreeStream> {
        Err(Status::unimplemented(""))
    }

    async fn split_blob(&self, _: Request<wire::SplitBlobRequest>) -> Told<wire::SplitBlobResponse> {
        Err(Status::unimplemented(""))
    }

    async fn get_chunk_mapping(&self, _: Request<wire::GetChunkMappingRequest>) -> Told<Self::GetChunkMappingStream> {
        Err(Status::unimplemented(""))
    }

    async fn splice_blob(&self, _: Request<wire::SpliceBlobRequest>) -> Told<wire::SpliceBlobResponse> {
        Err(Status::unimplemented(""))
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<wire::RegisterChunkMappingRequest>>,
    ) -> Told<wire::RegisterChunkMappingResponse> {
        Err(Status::unimplemented(""))
    }
}

/// Whether a stream's name says that it is compressed; only a server that offers it is asked for that.
fn is_packed(resource: &str) -> bool {
    resource.contains("compressed-blobs/zstd/")
}

fn pack(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

/// As much as can be made of the beginning of a frame.
fn unpack_some(data: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(mut decoder) = ruzstd::decoding::StreamingDecoder::new(data) {
        // What was read before the end of the data stays.
        let _ = decoder.read_to_end(&mut bytes);
    }
    bytes
}

fn unpack(data: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(data).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}
