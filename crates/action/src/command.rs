//! Commands and actions: what is to be run, over which inputs.
//!
//! # Specification (the portable action profile)
//! An action is a [`Command`] over an input root. To run alike on every engine it keeps to a profile narrower than the
//! Remote Execution API (`docs/design/actions.md`): the first argument is a path inside the input root, the working
//! directory is the input root, the one declared output is the directory [`OUTPUT`], the environment is complete and
//! sorted, platform properties are sorted and stand in both messages, the time limit is explicit. The digest of an
//! action is that of its `Action` message.
//!
//! Not here: what happens inside (the `builder` crate's recipes) and who runs it (`exec`).

use std::collections::BTreeMap;
use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2 as wire;
use prost::Message as _;

use crate::digest::{ActionDigest, Cmd, Digest, DirDigest};

/// The one output of every action: a directory of this name in the input root.
pub const OUTPUT: &str = "out";

/// What is run, and in which environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program, a path inside the input root, and its arguments.
    pub arguments: Vec<String>,
    /// The whole environment: nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// What the worker must offer, such as `OSFamily=linux`; empty for any worker.
    pub platform: BTreeMap<String, String>,
}

/// A command over an input root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What is run.
    pub command: Command,
    /// The tree that is `/` while it runs.
    pub input_root: DirDigest,
    /// After this long the action is stopped and has failed.
    pub timeout: Duration,
}

/// An action's two messages and their digests, ready to be stored or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedAction {
    /// Digest of `action`: the key of the action cache.
    pub digest: ActionDigest,
    /// The `Action` message's bytes.
    pub action: Vec<u8>,
    /// Digest of `command`.
    pub command_digest: Digest<Cmd>,
    /// The `Command` message's bytes.
    pub command: Vec<u8>,
}

impl Command {
    fn platform(&self) -> Option<wire::Platform> {
        if self.platform.is_empty() {
            return None;
        }
        let property =
            |(name, value): (&String, &String)| wire::platform::Property { name: name.clone(), value: value.clone() };
        Some(wire::Platform { properties: self.platform.iter().map(property).collect() })
    }

    fn to_wire(&self) -> wire::Command {
        let variable = |(name, value): (&String, &String)| wire::command::EnvironmentVariable {
            name: name.clone(),
            value: value.clone(),
        };
        #[expect(deprecated, reason = "servers of REAPI 2.1 read the platform from the command alone")]
        wire::Command {
            arguments: self.arguments.clone(),
            environment_variables: self.environment.iter().map(variable).collect(),
            output_paths: vec![OUTPUT.to_owned()],
            platform: self.platform(),
            ..wire::Command::default()
        }
    }
}

/// Why bytes are not an action of the portable profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The bytes are no such message.
    #[error("not an {0} message")]
    Message(&'static str),
    /// A digest is missing or unusable.
    #[error("a digest is missing or unusable")]
    Digest,
}

impl Action {
    /// Reads an action back from its message; `read` gives the bytes of its command.
    ///
    /// # Errors
    /// If either message is malformed.
    pub fn decode(action: &[u8], read: impl FnOnce(Digest<Cmd>) -> Vec<u8>) -> Result<Self, ActionError> {
        let action = wire::Action::decode(action).map_err(|_| ActionError::Message("Action"))?;
        let command_digest = action
            .command_digest
            .as_ref()
            .and_then(|digest| Digest::from_wire(digest).ok())
            .ok_or(ActionError::Digest)?;
        let command = wire::Command::decode(read(command_digest).as_slice());
        let command = command.map_err(|_| ActionError::Message("Command"))?;
        let input_root = action.input_root_digest.as_ref().and_then(|digest| DirDigest::from_wire(digest).ok());
        let environment = command.environment_variables.into_iter().map(|variable| (variable.name, variable.value));
        let platform = action.platform.unwrap_or_default().properties.into_iter();
        Ok(Self {
            command: Command {
                arguments: command.arguments,
                environment: environment.collect(),
                platform: platform.map(|property| (property.name, property.value)).collect(),
            },
            input_root: input_root.ok_or(ActionError::Digest)?,
            timeout: Duration::from_secs(action.timeout.map_or(0, |limit| u64::try_from(limit.seconds).unwrap_or(0))),
        })
    }

    /// Both messages, canonical.
    #[must_use]
    pub fn encode(&self) -> EncodedAction {
        self.encode_as(false)
    }

    /// As [`Action::encode`], of an action that is run whenever it is asked for: its result is neither kept nor shared.
    #[must_use]
    pub fn encode_uncached(&self) -> EncodedAction {
        self.encode_as(true)
    }

    fn encode_as(&self, do_not_cache: bool) -> EncodedAction {
        let command = self.command.to_wire().encode_to_vec();
        let command_digest = Digest::of(&command);
        let action = wire::Action {
            command_digest: Some(command_digest.to_wire()),
            input_root_digest: Some(self.input_root.to_wire()),
            timeout: Some(bazel_remote_apis::google::protobuf::Duration {
                seconds: i64::try_from(self.timeout.as_secs()).unwrap_or(i64::MAX),
                nanos: 0,
            }),
            platform: self.command.platform(),
            do_not_cache,
            ..wire::Action::default()
        }
        .encode_to_vec();
        EncodedAction { digest: ActionDigest::of(&action), action, command_digest, command }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Directory;

    fn hello() -> Action {
        Action {
            command: Command {
                arguments: vec!["bactrian/builder".to_owned(), "build".to_owned()],
                environment: [("PATH", "/usr/bin"), ("LC_ALL", "C")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                platform: BTreeMap::new(),
            },
            input_root: Directory::default().digest(),
            timeout: Duration::from_secs(600),
        }
    }

    #[test]
    fn golden() {
        assert_eq!(
            hello().encode().digest.to_string(),
            "153e33130b0b4565d534c34c23aa175d1bf6cb42b2cfa678819d39c12be7dbac/143"
        );
    }

    #[test]
    fn what_is_not_cached_is_another_action() {
        let (cached, uncached) = (hello().encode(), hello().encode_uncached());
        assert_ne!(uncached.digest, cached.digest);
        assert_eq!(uncached.command_digest, cached.command_digest);
        assert!(wire::Action::decode(uncached.action.as_slice()).unwrap().do_not_cache);
    }

    #[test]
    fn reads_back() {
        let encoded = hello().encode();
        let read = Action::decode(&encoded.action, |digest| {
            assert_eq!(digest, encoded.command_digest);
            encoded.command.clone()
        });
        assert_eq!(read, Ok(hello()));
        assert_eq!(Action::decode(b"\xff", |_| Vec::new()), Err(ActionError::Message("Action")));
        assert_eq!(Action::decode(b"", |_| Vec::new()), Err(ActionError::Digest));
    }

    #[test]
    fn everything_counts() {
        let mut other = vec![hello(); 5];
        other[0].command.arguments.push("x".to_owned());
        other[1].command.environment.insert("A".to_owned(), String::new());
        other[2].command.platform.insert("OSFamily".to_owned(), "linux".to_owned());
        other[3].input_root = DirDigest::of(b"x");
        other[4].timeout += Duration::from_secs(1);
        let mut digests: Vec<_> = other.iter().map(|action| action.encode().digest).collect();
        digests.push(hello().encode().digest);
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 6);
    }
}
