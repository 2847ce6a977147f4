//! Having an action run, and its output brought here.

use action::command::{Action, EncodedAction, OUTPUT};
use action::digest::{BlobDigest, DirDigest};
use action::outcome::{CachedResult, Outcome, Place, Status};
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::remote_apis::google::longrunning::operation;
use action::tree::{Directory, Entry};
use prost::Message as _;
use std::time::{Duration, Instant};
use wire::execution_client::ExecutionClient;

use super::{Remote, RemoteError, failed};

impl Remote<'_> {
    /// Runs `action`, whose inputs are in the store, unless the engine has its result already.
    ///
    /// # Errors
    /// If the engine or the way to it failed. A command that failed is an outcome.
    pub fn execute(&self, action: &Action, encoded: &EncodedAction) -> Result<Outcome, RemoteError> {
        self.store.put(&encoded.action)?;
        self.store.put(&encoded.command)?;
        let closure = self.store.closure(action.input_root)?;
        let mut blobs = vec![encoded.digest.as_blob(), encoded.command_digest.as_blob()];
        blobs.extend(closure.directories.iter().map(DirDigest::as_blob));
        blobs.extend(closure.files);
        self.upload(&blobs)?;
        let begun = Instant::now();
        self.runtime.block_on(async {
            let response = self.ask(encoded).await?;
            self.outcome(response, begun.elapsed(), encoded).await
        })
    }

    async fn ask(&self, encoded: &EncodedAction) -> Result<wire::ExecuteResponse, RemoteError> {
        let request = wire::ExecuteRequest {
            instance_name: self.instance.clone(),
            action_digest: Some(encoded.digest.to_wire()),
            ..Default::default()
        };
        let mut client = ExecutionClient::new(self.channel.clone());
        let mut stream = client.execute(request).await.map_err(failed("Execute"))?.into_inner();
        while let Some(operation) = stream.message().await.map_err(failed("Execute"))? {
            match operation.result {
                Some(operation::Result::Response(any)) => {
                    return wire::ExecuteResponse::decode(any.value.as_slice())
                        .map_err(|_| RemoteError::Malformed("ExecuteResponse"));
                }
                Some(operation::Result::Error(status)) => {
                    return Err(RemoteError::Engine {
                        action: encoded.digest,
                        code: status.code,
                        message: status.message,
                    });
                }
                None => {}
            }
        }
        Err(RemoteError::NoAnswer)
    }

    async fn outcome(
        &self,
        response: wire::ExecuteResponse,
        wall: Duration,
        encoded: &EncodedAction,
    ) -> Result<Outcome, RemoteError> {
        if let Some(status) = response.status.filter(|status| status.code != 0) {
            let (action, code, message) = (encoded.digest, status.code, status.message);
            return Err(RemoteError::Engine { action, code, message });
        }
        let result = response.result.ok_or(RemoteError::NoAnswer)?;
        let stdout = self.log(&result.stdout_raw, result.stdout_digest.as_ref()).await?;
        let stderr = self.log(&result.stderr_raw, result.stderr_digest.as_ref()).await?;
        let (place, wall) =
            if response.cached_result { (Place::RemoteCache, Duration::ZERO) } else { (Place::Remote, wall) };
        let outcome = |status, output| Outcome { status, place, output, stdout, stderr, wall };
        if result.exit_code != 0 {
            return Ok(outcome(Status::Exit(result.exit_code), None));
        }
        let Some(directory) = result.output_directories.iter().find(|directory| directory.path == OUTPUT) else {
            return Ok(outcome(Status::NoOutput, None));
        };
        let tree = BlobDigest::from_wire(directory.tree_digest.as_ref().ok_or(RemoteError::Malformed("result"))?)?;
        let output = self.take_tree(tree).await?;
        let tree = self.store.tree_message(output)?;
        self.store.put_result(encoded.digest, &CachedResult { output, tree, stdout, stderr })?;
        Ok(outcome(Status::Success, Some(output)))
    }

    /// A log, given in the result itself or by digest.
    async fn log(&self, raw: &[u8], digest: Option<&wire::Digest>) -> Result<BlobDigest, RemoteError> {
        match digest {
            Some(digest) if raw.is_empty() => {
                let digest = BlobDigest::from_wire(digest)?;
                self.download_all(&[digest]).await?;
                Ok(digest)
            }
            _ => Ok(self.store.put(raw)?),
        }
    }

    /// Takes a tree, named by its `Tree` message, into the store. The message is another program's, so each directory is
    /// put into canonical form; the digests inside are then those of the canonical form or the tree is refused.
    async fn take_tree(&self, tree: BlobDigest) -> Result<DirDigest, RemoteError> {
        let bytes = self.download(tree).await?;
        let message = wire::Tree::decode(bytes.as_slice()).map_err(|_| RemoteError::Malformed("Tree"))?;
        let root = Directory::from_wire(&message.root.unwrap_or_default())?;
        let mut directories = vec![(root.digest(), root.encode())];
        let mut files = Vec::new();
        let mut note = |directory: &Directory| {
            files.extend(directory.iter().filter_map(|(_, entry)| match entry {
                Entry::File { digest, .. } => Some(*digest),
                Entry::Directory(_) | Entry::Symlink(_) => None,
            }));
        };
        note(&root);
        for child in &message.children {
            let child = Directory::from_wire(child)?;
            note(&child);
            directories.push((child.digest(), child.encode()));
        }
        self.download_all(&files).await?;
        self.store.put_directories(&directories)?;
        // Reading the whole tree back proves that every directory it names came along.
        self.store.closure(root.digest())?;
        Ok(root.digest())
    }
}
