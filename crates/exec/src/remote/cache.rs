//! The action cache: asking for results, and telling of them.
//!
//! What is no action is told as one: the contents of an archive are the result of an action that nobody can run, named by the
//! archive's checksum and how it is unpacked ([`fact`]). So whoever finds all results in the cache need not fetch the sources.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use action::command::{Action, Command, EncodedAction, OUTPUT};
use action::digest::{ActionDigest, BlobDigest, DirDigest};
use action::outcome::CachedResult;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::tree::Directory;
use wire::action_cache_client::ActionCacheClient;

use super::connection::MESSAGE;
use super::fault::Fault;
use super::{Remote, RemoteError, locked};
use crate::store::Origin;

/// An action that a server is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The action.
    pub action: &'a Action,
    /// The target that it serves: the configuration may have properties of workers for it.
    pub serves: Option<&'a str>,
}

impl<'a> From<&'a Action> for Asked<'a> {
    fn from(action: &'a Action) -> Self {
        Self { action, serves: None }
    }
}

impl Remote {
    /// An action as the server knows it: with the platform properties of the configuration.
    #[must_use]
    pub fn encode<'a>(&self, asked: impl Into<Asked<'a>>) -> EncodedAction {
        let Asked { action, serves } = asked.into();
        let own = serves.and_then(|target| self.config.targets.get(target));
        if self.config.platform.is_empty() && own.is_none() {
            return action.encode();
        }
        let mut action = action.clone();
        action.command.platform.extend(self.config.platform.clone());
        action.command.platform.extend(own.cloned().unwrap_or_default());
        action.encode()
    }

    /// What the server knows an action by that was looked up here.
    #[must_use]
    pub fn name_of(&self, action: ActionDigest) -> ActionDigest {
        locked(&self.names).get(&action).copied().unwrap_or(action)
    }

    /// The output of an action, if the server has its result. The tree is known, not here.
    ///
    /// # Errors
    /// If a call failed.
    pub fn look_up<'a>(&self, asked: impl Into<Asked<'a>>) -> Result<Option<DirDigest>, RemoteError> {
        let asked = asked.into();
        let (here, encoded) = (asked.action.encode().digest, self.encode(asked));
        if encoded.digest != here {
            locked(&self.names).insert(here, encoded.digest);
        }
        self.run(async {
            let Some(result) = self.result(&encoded).await? else { return Ok(None) };
            self.learn_result(&result, here).await
        })
    }

    /// The tree of a fact, if the server has it. The tree is known, not here; the memo is written when it is.
    ///
    /// # Errors
    /// If a call failed.
    pub fn look_up_fact(&self, kind: &str, key: &[u8]) -> Result<Option<DirDigest>, RemoteError> {
        self.run(async {
            let Some(result) = self.result(&fact(kind, key)).await? else { return Ok(None) };
            let Some(tree) = tree_of(&result)? else { return Ok(None) };
            let origin = Origin::Memo { kind: kind.to_owned(), key: key.to_vec() };
            self.learn(tree, origin, [BlobDigest::of(b""); 2]).await
        })
    }

    async fn result(&self, action: &EncodedAction) -> Result<Option<wire::ActionResult>, RemoteError> {
        let request = wire::GetActionResultRequest {
            instance_name: self.instance(),
            action_digest: Some(action.digest.to_wire()),
            ..wire::GetActionResultRequest::default()
        };
        let asked = self.call("GetActionResult", || async {
            let mut client = ActionCacheClient::new(self.wire()).max_decoding_message_size(MESSAGE);
            client.get_action_result(request.clone()).await
        });
        match asked.await {
            // Some servers keep failures: those are no results.
            Ok(result) => Ok((result.exit_code == 0).then_some(result)),
            Err(RemoteError::Call { fault: Fault::Missing, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Learns of the output of a result.
    pub(super) async fn learn_result(
        &self,
        result: &wire::ActionResult,
        action: ActionDigest,
    ) -> Result<Option<DirDigest>, RemoteError> {
        let Some(tree) = tree_of(result)? else { return Ok(None) };
        let stdout = self.log(&result.stdout_raw, result.stdout_digest.as_ref())?;
        let stderr = self.log(&result.stderr_raw, result.stderr_digest.as_ref())?;
        self.learn(tree, Origin::Action(action), [stdout, stderr]).await
    }

    /// A log, given in the result itself or by digest.
    pub(super) fn log(&self, raw: &[u8], digest: Option<&wire::Digest>) -> Result<BlobDigest, RemoteError> {
        match digest {
            Some(digest) if raw.is_empty() => Ok(BlobDigest::from_wire(digest)?),
            _ => Ok(self.store.put(raw)?),
        }
    }

    /// Whether the server takes results, as far as is known.
    #[must_use]
    pub fn takes_results(&self) -> bool {
        !self.mute.load(Ordering::Relaxed)
    }

    /// Tells the server of a result that was made here, unless it takes none.
    ///
    /// # Errors
    /// If a call failed.
    pub fn publish<'a>(&self, asked: impl Into<Asked<'a>>, result: &CachedResult) -> Result<(), RemoteError> {
        if self.mute.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.update(&self.encode(asked), result)
    }

    /// Tells the server of a fact, unless it takes none.
    ///
    /// # Errors
    /// If a call failed.
    pub fn publish_fact(&self, kind: &str, key: &[u8], output: DirDigest) -> Result<(), RemoteError> {
        if self.mute.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (tree, empty) = (self.store.tree_message(output)?, BlobDigest::of(b""));
        self.update(&fact(kind, key), &CachedResult { output, tree, stdout: empty, stderr: empty })
    }

    fn update(&self, action: &EncodedAction, result: &CachedResult) -> Result<(), RemoteError> {
        let closure = self.store.closure(result.output)?;
        let mut blobs = closure.files;
        // The `Tree` message says it all; buildbox-casd tells of no result whose directories it lacks.
        blobs.extend(closure.directories.iter().map(DirDigest::as_blob));
        blobs.extend([result.tree, result.stdout, result.stderr]);
        let told = self
            .send_blobs(blobs, &[&action.action, &action.command])
            .and_then(|_| self.run(self.tell(action, result)));
        match told {
            // Many may read what few may write.
            Err(RemoteError::Call { fault: Fault::Forbidden | Fault::Unsupported, .. }) => {
                self.mute.store(true, Ordering::Relaxed);
                Ok(())
            }
            told => told,
        }
    }

    async fn tell(&self, action: &EncodedAction, result: &CachedResult) -> Result<(), RemoteError> {
        let mut result = result.to_wire();
        // Directories are told in the `Tree` message; by themselves they need not be there.
        result.output_directories.iter_mut().for_each(|directory| directory.root_directory_digest = None);
        let request = wire::UpdateActionResultRequest {
            instance_name: self.instance(),
            action_digest: Some(action.digest.to_wire()),
            action_result: Some(result),
            ..wire::UpdateActionResultRequest::default()
        };
        let told = self.call("UpdateActionResult", || async {
            ActionCacheClient::new(self.wire()).update_action_result(request.clone()).await
        });
        told.await.map(|_| ())
    }
}

/// The digest of a result's output directory, as a `Tree` message; none if there is no such directory.
pub(super) fn tree_of(result: &wire::ActionResult) -> Result<Option<BlobDigest>, RemoteError> {
    let Some(directory) = result.output_directories.iter().find(|directory| directory.path == OUTPUT) else {
        return Ok(None);
    };
    let digest = directory.tree_digest.as_ref().ok_or(RemoteError::Malformed("ActionResult"))?;
    Ok(Some(BlobDigest::from_wire(digest)?))
}

/// The action that stands for a fact: its command names the fact, and no builder knows it.
fn fact(kind: &str, key: &[u8]) -> EncodedAction {
    let command = Command {
        arguments: vec!["bactrian/fact".to_owned(), kind.to_owned(), BlobDigest::of(key).hex()],
        environment: BTreeMap::new(),
        platform: BTreeMap::new(),
    };
    Action { command, input_root: Directory::default().digest(), timeout: Duration::from_secs(1) }.encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_differ_by_kind_and_key() {
        // Golden: what one machine has told, others find.
        assert_eq!(
            fact("unpack", b"key").digest.to_string(),
            "0ab6ed19b107bd8e55aabbd5f746a9b39e68d41c797a36d2913a230cf4684b60/142"
        );
        assert_ne!(fact("unpack", b"key").digest, fact("unpack", b"other").digest);
        assert_ne!(fact("unpack", b"key").digest, fact("source", b"key").digest);
    }
}
