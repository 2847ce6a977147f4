//! The action cache: what became of actions that succeeded.
//!
//! An entry is the bytes of an `ActionResult` message. It counts only while its output directory is in the store; whether
//! everything below is there too is for [`Store::verify`]. The time of last use is the file's modification time.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use action::digest::ActionDigest;
use action::outcome::CachedResult;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use prost::Message as _;

use super::Store;
use super::disk;
use super::error::{At as _, Result};

/// Uses closer together than this are not told apart: a lookup rarely has to write.
const SAME_USE: Duration = Duration::from_secs(60);

impl Store {
    /// The cached result of an action; `None` if there is none, or its output is gone.
    ///
    /// # Errors
    /// If the entry cannot be read.
    pub fn result(&self, action: ActionDigest) -> Result<Option<CachedResult>> {
        let path = self.object("ac", action.hash(), "");
        let Some(bytes) = read_used(&path)? else { return Ok(None) };
        Ok(decode(&bytes).filter(|result| self.has(result.output.as_blob())))
    }

    /// Remembers a result. All it refers to must be in the store.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put_result(&self, action: ActionDigest, result: &CachedResult) -> Result<()> {
        let path = self.object("ac", action.hash(), "");
        self.write_entry(&path, &result.to_wire().encode_to_vec())
    }

    /// Forgets a result; says whether there was one. The next [`Store::gc`] frees what nothing else refers to.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_result(&self, action: ActionDigest) -> Result<bool> {
        let path = self.object("ac", action.hash(), "");
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            result => result.at(&path).map(|()| true),
        }
    }

    /// Writes a small file that refers to objects: durable first, and then in its place.
    ///
    /// The objects' contents are durable since they have names, and of renames file systems with a journal make no later
    /// one durable before an earlier one. So there is no need to sync more than this file.
    pub(super) fn write_entry(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let aside = self.base()?.fresh();
        let written = File::create_new(&aside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_data()
        });
        let placed = written.at(&aside).and_then(|()| disk::rename(&aside, path));
        if placed.is_err() {
            let _ = disk::remove_file(&aside);
        }
        placed
    }
}

pub(super) fn decode(bytes: &[u8]) -> Option<CachedResult> {
    let message = wire::ActionResult::decode(bytes).ok()?;
    CachedResult::from_wire(&message).ok()
}

/// Reads an entry and notes its use; `None` if there is none.
pub(super) fn read_used(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.at(path)?,
    };
    file.read_to_end(&mut bytes).at(path)?;
    note_use(&file);
    Ok(Some(bytes))
}

/// Notes that an entry was used now. A store that cannot be written to has no such notes.
pub(super) fn note_use(file: &File) {
    let now = SystemTime::now();
    let before = file.metadata().and_then(|meta| meta.modified());
    if before.is_ok_and(|before| now.duration_since(before).is_ok_and(|age| age < SAME_USE)) {
        return;
    }
    let _ = file.set_modified(now);
}
