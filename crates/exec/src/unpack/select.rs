//! Which members are written, and under which path.
//!
//! Not here: what kind of thing a member is; a name is judged before that matters.

use action::path::{PathError, PathFault, RelPath};

use super::Spec;
use super::error::{Cause, shown};

/// Honest paths are far shorter; with these bounds a path can be opened one directory after the other.
const LONGEST_PATH: usize = 2048;
const DEEPEST_PATH: usize = 100;

impl Spec {
    /// The path under which to write the member of this name; nothing if it is not chosen.
    ///
    /// A name is judged as a whole, whether the member is chosen or not. Empty and `.` components mean nothing.
    pub(super) fn path(&self, name: &[u8]) -> Result<Option<RelPath>, Cause> {
        let error = |fault| PathError { path: shown(name), fault };
        let text = std::str::from_utf8(name).map_err(|_| error(PathFault::NotUtf8))?;
        if text.starts_with('/') {
            return Err(error(PathFault::Absolute).into());
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if text.len() > LONGEST_PATH || parts.len() > DEEPEST_PATH {
            return Err(Cause::TooLong);
        }
        RelPath::new(&parts.join("/"))?;
        let path = RelPath::new(&parts.get(self.strip..).unwrap_or_default().join("/"))?;
        Ok(self.chooses(&path).then_some(path))
    }

    fn chooses(&self, path: &RelPath) -> bool {
        !path.is_root()
            && (self.keep.is_empty() || self.keep.iter().any(|pattern| pattern.matches(path)))
            && !self.leave_out.iter().any(|pattern| pattern.matches(path))
    }

    /// Whether a file is to be executable, given what the archive says.
    pub(super) fn executable(&self, path: &RelPath, said: bool) -> bool {
        said || self.executable.iter().any(|pattern| pattern.matches(path))
    }
}
