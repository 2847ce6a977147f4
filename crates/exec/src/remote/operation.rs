//! Following the operation of an action through whatever happens to it, until it is answered or nobody wants it any more.
//!
//! Not here: what the answer says of the command ([`super::execution`], [`super::program`]).

use std::sync::Mutex;
use std::time::{Duration, Instant};

use action::command::EncodedAction;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::remote_apis::google::longrunning::operations_client::OperationsClient;
use action::remote_apis::google::longrunning::{CancelOperationRequest, Operation, operation};
use prost::Message as _;
use tonic::{Status, Streaming};
use wire::execution_client::ExecutionClient;
use wire::execution_stage::Value as WireStage;

use super::attempts::{Attempts, silent};
use super::connection::MESSAGE;
use super::errand::Watch;
use super::execution::{Stage, Told, engine};
use super::fault::Fault;
use super::queue::{Queue, Running};
use super::{Remote, RemoteError, locked};

/// How often it is looked whether actions are queued for too long.
const LOOK: Duration = Duration::from_secs(1);
/// How long cancelling may take.
const CANCEL: Duration = Duration::from_secs(2);

/// An action on its way.
pub(super) struct Way<'e> {
    pub(super) encoded: &'e EncodedAction,
    /// Whether results of others are not wanted.
    pub(super) fresh: bool,
    /// The name of its operation, once the engine has said it.
    pub(super) name: Mutex<Option<String>>,
    pub(super) told: &'e dyn Fn(Told),
    pub(super) watch: Mutex<Watch>,
}

impl Way<'_> {
    pub(super) fn enter(&self, stage: Stage) {
        locked(&self.watch).enter(stage);
        (self.told)(Told::At(stage));
    }
}

impl Remote {
    /// Follows the operation to its end; cancels it if nobody wants its result any more.
    pub(super) fn follow_or_cancel(&self, way: &Way<'_>) -> Result<wire::ExecuteResponse, RemoteError> {
        let answer = self.run(self.follow(way));
        if let (Err(RemoteError::Stopped | RemoteError::Queued { .. }), Some(name)) = (&answer, &*locked(&way.name)) {
            let mut client = OperationsClient::new(self.wire());
            let cancel = client.cancel_operation(CancelOperationRequest { name: name.clone() });
            self.traffic.add_call();
            // It would only run for nobody; whoever stops does not wait for long.
            let _ = self.run_to_end(async { tokio::time::timeout(CANCEL, cancel).await });
        }
        answer
    }

    async fn follow(&self, way: &Way<'_>) -> Result<wire::ExecuteResponse, RemoteError> {
        let mut attempts = Attempts::new(self.config.patience);
        let mut progress = Progress::default();
        loop {
            let resumed = locked(&way.name).is_some();
            let status = match self.open(way, &mut attempts).await {
                Ok(stream) => match self.watch(stream, way, &mut progress, &mut attempts).await? {
                    Ok(response) => return Ok(response),
                    Err(status) => status,
                },
                // The engine does not know the operation any more: the action is asked for anew.
                Err(status)
                    if resumed
                        && matches!(Fault::of(&status), Fault::Missing | Fault::Unsupported | Fault::Refused) =>
                {
                    *locked(&way.name) = None;
                    continue;
                }
                Err(status) => status,
            };
            self.pause(&mut attempts, "Execute", status).await?;
        }
    }

    /// Asks for the action, or for what became of its operation.
    async fn open(&self, way: &Way<'_>, attempts: &mut Attempts) -> Result<Streaming<Operation>, Status> {
        let mut client = ExecutionClient::new(self.wire()).max_decoding_message_size(MESSAGE);
        let name = locked(&way.name).clone();
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
                    client.execute(request).await
                }
            }
        };
        let answer = tokio::time::timeout(self.config.silence, opened).await;
        answer.map_err(|_| silent()).and_then(|answer| answer).map(tonic::Response::into_inner)
    }

    /// Reads what the engine tells of the operation, to the answer or until the stream breaks.
    async fn watch<'q>(
        &'q self,
        mut stream: Streaming<Operation>,
        way: &Way<'_>,
        progress: &mut Progress<'q>,
        attempts: &mut Attempts,
    ) -> Result<Result<wire::ExecuteResponse, Status>, RemoteError> {
        loop {
            let look = LOOK.min(self.config.queue_timeout);
            let Ok(next) = tokio::time::timeout(look, stream.message()).await else {
                self.look_at_the_queue(progress)?;
                continue;
            };
            let told = match next {
                Ok(Some(told)) => told,
                Ok(None) => return Ok(Err(Status::unavailable("the engine ended the stream without an answer"))),
                Err(status) => return Ok(Err(status)),
            };
            attempts.moved_on();
            if !told.name.is_empty() {
                *locked(&way.name) = Some(told.name);
            }
            if let Some(stage) = told.metadata.and_then(|metadata| progress.stage(&metadata.value, &self.queue)) {
                way.enter(stage);
            }
            match told.result {
                Some(operation::Result::Response(any)) => {
                    self.queue.answered();
                    let response = wire::ExecuteResponse::decode(any.value.as_slice());
                    return response.map(Ok).map_err(|_| RemoteError::Malformed("ExecuteResponse"));
                }
                Some(operation::Result::Error(status)) => return Err(engine(way.encoded, &status)),
                None if told.done => return Err(RemoteError::NoAnswer),
                None => {}
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
            Stage::Sending => {}
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
