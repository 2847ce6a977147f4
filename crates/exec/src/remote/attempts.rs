//! Calls and actions that are tried again. Not here: which faults are worth it and when (`retry`), what is called.

use std::future::Future;
use std::time::{Duration, Instant};

use tonic::{Response, Status};

use super::fault::Fault;
use super::retry::Retry;
use super::{Remote, RemoteError};

/// Bytes a millisecond of a slow line.
const SLOW: u64 = 128;

/// The attempts of one call, or one action.
pub(super) struct Attempts {
    retry: Retry,
    patience: Duration,
    /// When it first failed.
    since: Option<Instant>,
    /// The token that the last one had.
    token: u64,
    /// The connection that it went by.
    line: u64,
}

impl Attempts {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { retry: Retry::new(patience), patience, since: None, token: 0, line: 0 }
    }

    /// Something went well: what fails from now on fails for the first time.
    pub(super) const fn moved_on(&mut self) {
        (self.retry, self.since) = (Retry::new(self.patience), None);
    }
}

/// The status of a server that says nothing.
pub(super) fn silent() -> Status {
    Status::deadline_exceeded("the server said nothing for too long")
}

impl Remote {
    /// A call with one answer, tried again as its faults allow.
    pub(super) async fn call<T, F>(&self, name: &'static str, attempt: impl FnMut() -> F) -> Result<T, RemoteError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.call_with(name, 0, attempt).await
    }

    /// As [`Self::call`], of a call that has so many bytes with it: it is not silent while they may still be on their way.
    pub(super) async fn call_with<T, F>(
        &self,
        name: &'static str,
        bytes: u64,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, RemoteError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let limit = self.config.silence + Duration::from_millis(bytes / SLOW);
        let mut attempts = Attempts::new(self.config.patience);
        loop {
            self.begin(&mut attempts);
            let status = match tokio::time::timeout(limit, attempt()).await {
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => status,
                Err(_) => self.silence(&attempts),
            };
            self.pause(&mut attempts, name, status).await?;
        }
    }

    /// Takes note of an attempt that begins.
    pub(super) fn begin(&self, attempts: &mut Attempts) {
        self.traffic.add_call();
        attempts.token = self.credentials.number();
        attempts.line = self.lines.calls.now().number;
    }

    /// Takes note that an attempt heard nothing: its connection may be dead. The status that says so.
    pub(super) fn silence(&self, attempts: &Attempts) -> Status {
        self.lines.replace(&self.lines.calls, attempts.line);
        silent()
    }

    /// Waits before another attempt, or says why there is to be none.
    pub(super) async fn pause(
        &self,
        attempts: &mut Attempts,
        call: &'static str,
        status: Status,
    ) -> Result<(), RemoteError> {
        let fault = Fault::of(&status);
        // Each time with another token, so not for ever.
        if fault == Fault::Unauthenticated && self.credentials.renew(attempts.token)? {
            return Ok(());
        }
        let since = attempts.since.get_or_insert_with(Instant::now).elapsed();
        match attempts.retry.after(fault, since) {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            None => Err(RemoteError::Call { call, fault, status: Box::new(status) }),
        }
    }

    /// Waits before an action is tried again, or returns why that is not to be.
    pub(super) fn pause_after(&self, attempts: &mut Attempts, error: RemoteError) -> Result<(), RemoteError> {
        let fault = match &error {
            // That was tried for as long as patience lasts, and until there might have been room.
            RemoteError::Call { fault: Fault::Unreachable | Fault::Full, .. } => return Err(error),
            RemoteError::Engine { fault, .. } | RemoteError::Call { fault, .. } => *fault,
            RemoteError::Worker { .. } | RemoteError::NoAnswer => Fault::Stumbled,
            _ => return Err(error),
        };
        let since = attempts.since.get_or_insert_with(Instant::now).elapsed();
        let Some(pause) = attempts.retry.after_try(fault, since) else { return Err(error) };
        if fault == Fault::Missing {
            self.forget_present();
        }
        self.run(async move {
            tokio::time::sleep(pause).await;
            Ok(())
        })
    }
}
