//! Connecting to a server that does not answer yet: how long that is tried. Not here: the connection itself.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::config::{Config, Mode};
use super::connection::Beginning;
use super::fault::Fault;
use super::retry::Retry;
use super::{Remote, RemoteError};
use crate::store::Store;

/// How long a server is waited for that can be done without.
const DISPENSABLE: Duration = Duration::from_secs(2);
/// How long one attempt may go on before it is told that the server does not answer.
const ATTEMPT: Duration = Duration::from_secs(10);

impl Remote {
    /// As [`Remote::connect`], tried again while nobody answers: for the configuration's patience if nothing goes on without the
    /// server, else for a moment. `waiting` is told once why it is not to be had at first.
    ///
    /// # Errors
    /// As [`Remote::connect`], and [`RemoteError::Stopped`].
    pub fn reach(
        store: &Arc<Store>,
        config: &Config,
        stop: &Arc<AtomicBool>,
        waiting: &dyn Fn(&RemoteError),
    ) -> Result<Self, RemoteError> {
        let (patience, silence) = match config.mode {
            Mode::Execute => (config.patience, config.silence),
            Mode::Cache | Mode::Hybrid => (config.patience.min(DISPENSABLE), config.silence.min(DISPENSABLE)),
        };
        let limit = patience.min(ATTEMPT);
        let beginning = Beginning { connecting: limit, patience: limit, silence };
        let (begun, mut retry, mut told) = (Instant::now(), Retry::new(patience), false);
        loop {
            let error = match Self::connect_in(beginning, Arc::clone(store), config.clone(), Arc::clone(stop)) {
                Ok(remote) => return Ok(remote),
                Err(error) => error,
            };
            let again = may_come(&error).then(|| retry.after(Fault::Unreachable, begun.elapsed())).flatten();
            let Some(pause) = again else { return Err(error) };
            if !std::mem::replace(&mut told, true) {
                waiting(&error);
            }
            thread::sleep(pause);
            if stop.load(Ordering::Relaxed) {
                return Err(RemoteError::Stopped);
            }
        }
    }
}

/// Whether another attempt may find the server. One with the wrong certificate was found, and an address that is none never will be.
fn may_come(error: &RemoteError) -> bool {
    match error {
        RemoteError::Connect { source, .. } => {
            let mut cause: Option<&(dyn Error + 'static)> = Some(source.as_ref());
            while let Some(error) = cause {
                if let Some(failure) = error.downcast_ref::<io::Error>() {
                    // TLS tells of all that it does not like as of invalid data.
                    return failure.kind() != io::ErrorKind::InvalidData;
                }
                cause = error.source();
            }
            false
        }
        error => error.fault() == Some(Fault::Unreachable),
    }
}
