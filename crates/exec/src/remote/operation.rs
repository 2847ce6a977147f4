//! Following the operation of an action through whatever happens to it, until it is answered or nobody wants it any more.
//!
//! Not here: what the answer says of the command ([`super::execution`], [`super::program`]).

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use action::command::EncodedAction;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::remote_apis::google::longrunning::operations_client::OperationsClient;
use action::remote_apis::google::longrunning::{CancelOperationRequest, Operation, operation};
use futures_util::FutureExt as _;
use futures_util::future::{Fuse, FusedFuture as _};
use prost::Message as _;
use tonic::{Code, Status, Streaming};
use wire::execution_client::ExecutionClient;
use wire::execution_stage::Value as WireStage;

use super::attempts::{Attempts, silent};
use super::connection::{MESSAGE, TICK};
use super::errand::Watch;
use super::execution::{Stage, Told, engine};
use super::fault::Fault;
use super::lines::{Line, Numbered};
use super::queue::{Queue, Running};
use super::{Remote, RemoteError, locked};

/// How often it is looked whether actions are queued for too long.
const LOOK: Duration = Duration::from_secs(1);
/// How long cancelling may take, and before that learning what is to be cancelled.
const CANCEL: Duration = Duration::from_secs(2);
/// A stream that told something and lasted so long did not fail to be opened; unless patience is short.
const STEADY: Duration = Duration::from_secs(5);

/// An action on its way.
pub(super) struct Way<'e> {
    pub(super) encoded: &'e EncodedAction,
    /// Whether results of others are not wanted.
    pub(super) fresh: bool,
    /// How long the command may run.
    pub(super) limit: Duration,
    pub(super) operation: Mutex<Known>,
    pub(super) told: &'e dyn Fn(Told),
    pub(super) watch: Mutex<Watch>,
}

/// What is known of the operation of an action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Known {
    /// That there is none yet, or none any more.
    #[default]
    Nothing,
    /// That the engine was asked for the action: it may well have one.
    Asked,
    /// Its name.
    Named(String),
}

/// What an engine tells of an operation, and the connection that this holds a stream of.
struct Stream {
    operations: Streaming<Operation>,
    _line: Arc<Line>,
}

impl Way<'_> {
    fn name(&self) -> Option<String> {
        if let Known::Named(name) = &*locked(&self.operation) { Some(name.clone()) } else { None }
    }

    fn know(&self, known: Known) {
        *locked(&self.operation) = known;
    }

    pub(super) fn enter(&self, stage: Stage) {
        locked(&self.watch).enter(stage);
        (self.told)(Told::At(stage));
    }
}

impl Remote {
    /// Follows the operation to its end; cancels it if nobody wants its result any more.
    pub(super) fn follow_or_cancel(&self, way: &Way<'_>) -> Result<wire::ExecuteResponse, RemoteError> {
        let mut following = pin!(self.follow(way).fuse());
        let answer = self.run(following.as_mut());
        if let Err(RemoteError::Stopped | RemoteError::Queued { .. }) = &answer
            && let Some(name) = self.run_to_end(name_of(way, following))
        {
            let mut client = OperationsClient::new(self.wire());
            let cancel = client.cancel_operation(CancelOperationRequest { name });
            self.traffic.add_call();
            // It would only run for nobody; whoever stops does not wait for long.
            let _ = self.run_to_end(async { tokio::time::timeout(CANCEL, cancel).await });
        }
        answer
    }

    async fn follow(&self, way: &Way<'_>) -> Result<wire::ExecuteResponse, RemoteError> {
        let mut attempts = Attempts::new(self.config.patience);
        let mut progress = Progress::default();
        // Whoever stops has nothing submitted any more.
        while !self.stopped() {
            let resumed = way.name().is_some();
            let status = match self.open(way, &mut attempts).await {
                Ok(stream) => {
                    let begun = Instant::now();
                    progress.heard = false;
                    match self.watch(stream, way, &mut progress, &mut attempts).await? {
                        Ok(response) => return Ok(response),
                        Err(status) => {
                            // Proxies end streams that say nothing for a while; an action may well run longer than that.
                            if progress.heard && begun.elapsed() >= STEADY.min(self.config.patience / 10) {
                                attempts.moved_on();
                            }
                            status
                        }
                    }
                }
                // The engine does not know the operation any more: the action is asked for anew.
                Err(status)
                    if resumed
                        && matches!(Fault::of(&status), Fault::Missing | Fault::Unsupported | Fault::Refused) =>
                {
                    way.know(Known::Nothing);
                    continue;
                }
                Err(status) => {
                    if !resumed {
                        way.know(Known::Nothing);
                    }
                    status
                }
            };
            self.pause(&mut attempts, "Execute", status).await?;
        }
        Err(RemoteError::Stopped)
    }

    /// Asks for the action, or for what became of its operation.
    async fn open(&self, way: &Way<'_>, attempts: &mut Attempts) -> Result<Stream, Status> {
        let line = self.lines.for_execution();
        let Numbered { number, channel } = line.now();
        let mut client = ExecutionClient::new(self.over(channel)).max_decoding_message_size(MESSAGE);
        let name = way.name();
        self.begin(attempts);
        let opened = async {
            match name {
                Some(name) => client.wait_execution(wire::WaitExecutionRequest { name }).await,
                None => {
                    let request = wire::ExecuteRequest {
                        instance_name: self.instance(),
                        skip_cache_lookup: way.fresh,
                        action_digest: Some(way.encoded.digest.to_wire()),
                        ..wire::ExecuteRequest::default()
                    };
                    way.know(Known::Asked);
                    client.execute(request).await
                }
            }
        };
        match tokio::time::timeout(self.config.silence, opened).await {
            Ok(answer) => Ok(Stream { operations: answer?.into_inner(), _line: line }),
            Err(_) => {
                self.lines.replace(&line, number);
                Err(silent())
            }
        }
    }

    /// Reads what the engine tells of the operation, to the answer or until the stream breaks.
    async fn watch<'q>(
        &'q self,
        mut stream: Stream,
        way: &Way<'_>,
        progress: &mut Progress<'q>,
        attempts: &mut Attempts,
    ) -> Result<Result<wire::ExecuteResponse, Status>, RemoteError> {
        loop {
            let look = LOOK.min(self.config.queue_timeout);
            let Ok(next) = tokio::time::timeout(look, stream.operations.message()).await else {
                self.look_at_the_queue(progress)?;
                continue;
            };
            let told = match next {
                Ok(Some(told)) => told,
                Ok(None) => return Ok(Err(Status::unavailable("the engine ended the stream without an answer"))),
                Err(status) => return Ok(Err(status)),
            };
            progress.heard = true;
            // A stream that is opened anew begins with what is known: that is no progress.
            let mut moved = false;
            if !told.name.is_empty() {
                moved = !std::mem::replace(&mut progress.named, true);
                way.know(Known::Named(told.name));
            }
            if let Some(stage) = told.metadata.and_then(|metadata| progress.stage(&metadata.value, &self.queue)) {
                moved = true;
                way.enter(stage);
            }
            if moved {
                attempts.moved_on();
            }
            match told.result {
                Some(operation::Result::Response(any)) => {
                    self.queue.answered();
                    let response = wire::ExecuteResponse::decode(any.value.as_slice());
                    return response.map(Ok).map_err(|_| RemoteError::Malformed("ExecuteResponse"));
                }
                // As it is said within an answer: of the command, if that has run for as long as it may.
                Some(operation::Result::Error(status))
                    if status.code == i32::from(Code::DeadlineExceeded)
                        && progress.running.as_ref().is_some_and(|running| running.lasts() >= way.limit) =>
                {
                    return Ok(Ok(wire::ExecuteResponse { status: Some(status), ..wire::ExecuteResponse::default() }));
                }
                Some(operation::Result::Error(status)) => return Err(engine(way.encoded, &status)),
                None if told.done => return Err(RemoteError::NoAnswer),
                None => self.look_at_the_queue(progress)?,
            }
        }
    }

    /// A queue that is long moves; one that does not has no workers.
    fn look_at_the_queue(&self, progress: &Progress<'_>) -> Result<(), RemoteError> {
        let Some(since) = progress.queued else { return Ok(()) };
        let waited = since.elapsed().min(self.queue.still());
        if waited > self.config.queue_timeout { Err(RemoteError::Queued { waited }) } else { Ok(()) }
    }
}

/// The name of an operation that nobody wants, for which the engine may have to be listened to a little longer: one that was just
/// asked for has none yet, and would run.
async fn name_of(
    way: &Way<'_>,
    mut following: Pin<&mut Fuse<impl Future<Output = Result<wire::ExecuteResponse, RemoteError>>>>,
) -> Option<String> {
    let begun = Instant::now();
    while *locked(&way.operation) == Known::Asked && !following.is_terminated() && begun.elapsed() < CANCEL {
        if let Ok(Ok(_)) = tokio::time::timeout(TICK, following.as_mut()).await {
            return None;
        }
    }
    way.name()
}

/// What is known of an operation's progress.
#[derive(Debug, Default)]
struct Progress<'q> {
    /// Since when it waits for a worker.
    queued: Option<Instant>,
    /// That a worker has it.
    running: Option<Running<'q>>,
    /// Whether a worker had it.
    ran: bool,
    last: Option<Stage>,
    /// Whether its operation had a name.
    named: bool,
    /// Whether the stream that is read has told anything.
    heard: bool,
}

impl<'q> Progress<'q> {
    /// Takes an operation's metadata in; the stage, if it is another one than before. Some engines say none.
    fn stage(&mut self, metadata: &[u8], queue: &'q Queue) -> Option<Stage> {
        let metadata = wire::ExecuteOperationMetadata::decode(metadata).ok()?;
        let stage = match WireStage::try_from(metadata.stage).ok()? {
            WireStage::Queued if self.ran => Stage::Requeued,
            WireStage::Queued => Stage::Queued,
            WireStage::Executing => Stage::Running,
            WireStage::Unknown | WireStage::CacheCheck | WireStage::Completed => return None,
        };
        if self.last.replace(stage) == Some(stage) {
            return None;
        }
        match stage {
            Stage::Queued | Stage::Requeued => (self.queued, self.running) = (Some(Instant::now()), None),
            Stage::Running => (self.queued, self.running, self.ran) = (None, Some(queue.run()), true),
            Stage::Sending | Stage::Asked => {}
        }
        Some(stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_told_once_and_a_lost_worker_is_seen() {
        let queue = Queue::new();
        let mut progress = Progress::default();
        let mut told = |stage: WireStage| {
            let metadata = wire::ExecuteOperationMetadata { stage: stage.into(), ..Default::default() };
            progress.stage(&metadata.encode_to_vec(), &queue)
        };
        assert_eq!(told(WireStage::CacheCheck), None);
        assert_eq!(told(WireStage::Queued), Some(Stage::Queued));
        assert_eq!(told(WireStage::Queued), None);
        assert_eq!(told(WireStage::Executing), Some(Stage::Running));
        assert_eq!(told(WireStage::Queued), Some(Stage::Requeued));
        assert_eq!(told(WireStage::Executing), Some(Stage::Running));
        assert_eq!(told(WireStage::Unknown), None);
    }
}
