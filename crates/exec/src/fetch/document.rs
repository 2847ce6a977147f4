//! Documents: files that change under their URL, so that no checksum can say which is meant.
//!
//! What a server said of the version it gave is kept by the caller and shown to it the next time: an unchanged document is
//! not sent again. Not here: where documents are kept, and how often they are asked for.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode, header};

use super::Fetcher;
use super::error::Cause;
use super::http::{Failure, Progress, retry_after};
use super::local;
use super::partial::CHUNK;

/// What a server has under a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// The version that the caller knows.
    Unchanged,
    /// Another one.
    New {
        /// The file that has it; of a `file:` URL the very file.
        path: PathBuf,
        /// What to show the server the next time; none if it gave nothing to show.
        validator: Option<String>,
    },
}

/// How a validator says what it is.
const ETAG: &str = "etag ";
const MODIFIED: &str = "modified ";

/// What is wanted, and where to.
struct Wanted<'a> {
    url: &'a str,
    known: Option<&'a str>,
    into: &'a Path,
    limit: u64,
}

impl Fetcher {
    /// Fetches what is under `url` into the file `into`, unless it is the version that the validator `known` stands for.
    ///
    /// # Errors
    /// If it cannot be had, is larger than `limit` bytes, or if stopped.
    pub fn document(
        &self,
        url: &str,
        known: Option<&str>,
        into: &Path,
        limit: u64,
        progress: Progress<'_>,
    ) -> Result<Document, Cause> {
        if let Some(path) = local::path_of(url) {
            return local_document(path?, known, limit);
        }
        if self.config.offline {
            return Err(Cause::Offline);
        }
        let wanted = Wanted { url, known, into, limit };
        self.http.watched(|agent| self.http.with_retries(|| (self.document_once(agent, &wanted, progress), false)))
    }

    fn document_once(&self, agent: &Agent, wanted: &Wanted<'_>, progress: Progress<'_>) -> Result<Document, Failure> {
        let mut request = self.http.request(agent, wanted.url)?;
        if let Some(tag) = wanted.known.and_then(|known| known.strip_prefix(ETAG)) {
            request = request.header(header::IF_NONE_MATCH, tag);
        } else if let Some(date) = wanted.known.and_then(|known| known.strip_prefix(MODIFIED)) {
            request = request.header(header::IF_MODIFIED_SINCE, date);
        }
        let response = request.call().map_err(|error| self.http.cause(error, 0, None))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if wanted.known.is_some() => return Ok(Document::Unchanged),
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Cause::NotFound.into()),
            status => {
                return Err(Failure { cause: Cause::Status(status.as_u16()), pause: retry_after(response.headers()) });
            }
        }
        let validator = validator(response.headers());
        let total = response.body().content_length();
        let mut body = response.into_body().into_reader();
        let mut file = File::create(wanted.into).map_err(|error| Cause::io(wanted.into, &error))?;
        let (mut buffer, mut got) = (vec![0; CHUNK], 0_u64);
        loop {
            if self.stopped() {
                return Err(Cause::Stopped.into());
            }
            let read = match body.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.http.cause(ureq::Error::from(error), got, total).into()),
            };
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            got += bytes.len() as u64;
            if got.max(total.unwrap_or(0)) > wanted.limit {
                return Err(Cause::TooLarge(wanted.limit).into());
            }
            file.write_all(bytes).map_err(|error| Cause::io(wanted.into, &error))?;
            progress(got, total);
        }
        match total {
            Some(all) if got < all => Err(Cause::Truncated { got, expected: total }.into()),
            _ => Ok(Document::New { path: wanted.into.to_owned(), validator }),
        }
    }
}

/// What the server calls this version.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let tag = text(header::ETAG).map(|tag| format!("{ETAG}{tag}"));
    tag.or_else(|| text(header::LAST_MODIFIED).map(|date| format!("{MODIFIED}{date}")))
}

/// A file of this machine, which stays where it is; its stats are its validator.
fn local_document(path: PathBuf, known: Option<&str>, limit: u64) -> Result<Document, Cause> {
    let is = fs::metadata(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Cause::NotFound,
        _ => Cause::io(&path, &error),
    })?;
    if is.len() > limit {
        return Err(Cause::TooLarge(limit));
    }
    let times = [is.mtime(), is.mtime_nsec(), is.ctime(), is.ctime_nsec()].map(|time| time.to_string()).join(" ");
    let validator = format!("file {} {} {times}", is.len(), is.ino());
    if known == Some(&validator) {
        return Ok(Document::Unchanged);
    }
    Ok(Document::New { path, validator: Some(validator) })
}
