//! A Remote Execution server of this process that does as it is told: honest unless something else was planned.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use action::digest::{BlobDigest, DirDigest};
use action::path::Name;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::remote_apis::google;
use action::tree::{Directory, Entry};
use google::bytestream::byte_stream_server::{ByteStream, ByteStreamServer};
use google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest, WriteResponse,
};
use google::longrunning::operations_server::{Operations, OperationsServer};
use google::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest, ListOperationsResponse,
    Operation, WaitOperationRequest, operation,
};
use prost::Message as _;
use tokio::runtime::Runtime;
use tokio_stream::{Stream, StreamExt as _};
use tonic::metadata::MetadataMap;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status, Streaming, async_trait};
use wire::action_cache_server::{ActionCache, ActionCacheServer};
use wire::capabilities_server::{Capabilities, CapabilitiesServer};
use wire::content_addressable_storage_server::{ContentAddressableStorage, ContentAddressableStorageServer};
use wire::execution_server::{Execution, ExecutionServer};
use wire::execution_stage::Value as Stage;

mod storage;

/// Files by name.
pub(crate) type Files = Vec<(&'static str, Vec<u8>)>;
type Told<T> = Result<Response<T>, Status>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What is done instead of answering a call honestly.
#[derive(Debug, Clone)]
pub(crate) enum Do {
    /// Refuses it.
    Refuse(Code, &'static str),
    /// Is honest after so many milliseconds.
    Late(u64),
    /// Refuses it after so many milliseconds.
    RefuseLate(u64, Code, &'static str),
    /// Refuses it, naming missing blobs as the API says.
    Violation(BlobDigest),
    /// Says nothing for longer than anybody waits.
    Hang,
    /// Takes so many milliseconds, for each part of a stream that is written.
    Slow(u64),
    /// Answers an execution with this.
    Tell(Vec<Step>),
    /// Takes or sends so many bytes, and breaks the stream; of a batch takes nothing.
    Part(usize),
    /// Answers with other bytes.
    Garble,
}

/// What is told in the stream of an execution.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    At(Stage),
    Done(Box<wire::ExecuteResponse>),
    /// The honest answer.
    Run,
    Break(Code, &'static str),
    /// The operation is done, and says nothing of a result.
    Nothing,
    /// The operation is done, with an error of its own.
    Error(Code, &'static str),
    /// So many milliseconds of silence.
    Wait(u64),
    /// Waits until so many actions have been asked for.
    Until(usize),
    Hang,
}

/// What a server has, was asked and is to do.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) blobs: HashMap<BlobDigest, Vec<u8>>,
    pub(crate) results: HashMap<String, wire::ActionResult>,
    pub(crate) capabilities: wire::ServerCapabilities,
    /// The methods that were called, with their headers.
    pub(crate) calls: Vec<(&'static str, MetadataMap)>,
    /// What is done with the next calls of a method.
    pub(crate) plans: HashMap<&'static str, VecDeque<Do>>,
    /// What the workers make, one after the other, the last for ever: files below the output directory.
    pub(crate) makes: Vec<Files>,
    /// Requests to execute: the action and whether cached results are not wanted.
    pub(crate) executed: Vec<(String, bool)>,
    pub(crate) cancelled: Vec<String>,
    pub(crate) waited: Vec<String>,
    /// Sizes of the batches that were sent here, as encoded messages.
    pub(crate) batches: Vec<usize>,
    /// How many blobs of batches were compressed.
    pub(crate) compressed: usize,
    /// What it says of a compressed upload that is whole, if not the truth.
    pub says_committed: Option<i64>,
    /// How it refuses to send streams compressed, if it does.
    pub(crate) keeps_plain: Option<Code>,
    /// Names of streams that were written.
    pub(crate) uploads: Vec<String>,
    /// Offsets at which streams were read and written.
    pub(crate) offsets: Vec<(&'static str, i64)>,
    /// Only this token is let in, if any.
    pub(crate) token: Option<String>,
    partial: HashMap<String, Vec<u8>>,
    operations: usize,
    zstd: bool,
}

/// A running server; ends when dropped.
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
    at: SocketAddr,
    tls: Option<ServerTlsConfig>,
    streams: Option<u32>,
}

#[derive(Clone)]
struct Service(Arc<Mutex<State>>);

impl Fake {
    pub(crate) fn start() -> Self {
        Self::with(None)
    }

    pub(crate) fn with(tls: Option<ServerTlsConfig>) -> Self {
        Self::allowing(tls, None)
    }

    /// One that allows so many streams for each connection.
    pub(crate) fn allowing(tls: Option<ServerTlsConfig>, streams: Option<u32>) -> Self {
        let cache = wire::CacheCapabilities {
            digest_functions: vec![wire::digest_function::Value::Sha256.into()],
            action_cache_update_capabilities: Some(wire::ActionCacheUpdateCapabilities { update_enabled: true }),
            ..wire::CacheCapabilities::default()
        };
        let execution = wire::ExecutionCapabilities { exec_enabled: true, ..wire::ExecutionCapabilities::default() };
        let capabilities = wire::ServerCapabilities {
            cache_capabilities: Some(cache),
            execution_capabilities: Some(execution),
            ..wire::ServerCapabilities::default()
        };
        let makes = vec![vec![("made", b"by a worker".to_vec())]];
        let state = Arc::new(Mutex::new(State { capabilities, makes, ..State::default() }));
        let mut fake = Self { state, runtime: None, at: ([127, 0, 0, 1], 0).into(), tls, streams };
        fake.begin();
        fake
    }

    /// Begins to serve, on the same port as before.
    pub(crate) fn begin(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let incoming = runtime.block_on(async { TcpIncoming::bind(self.at) }).unwrap().with_nodelay(Some(true));
        self.at = incoming.local_addr().unwrap();
        let service = Service(Arc::clone(&self.state));
        let mut server = Server::builder().max_concurrent_streams(self.streams);
        if let Some(tls) = &self.tls {
            server = server.tls_config(tls.clone()).unwrap();
        }
        let most = 64 << 20;
        let router = server
            .add_service(CapabilitiesServer::new(service.clone()))
            .add_service(ActionCacheServer::new(service.clone()))
            .add_service(ExecutionServer::new(service.clone()))
            .add_service(OperationsServer::new(service.clone()))
            .add_service(ByteStreamServer::new(service.clone()))
            .add_service(ContentAddressableStorageServer::new(service).max_decoding_message_size(most));
        runtime.spawn(router.serve_with_incoming(incoming));
        self.runtime = Some(runtime);
    }

    /// Ends at once, with all connections; what it has stays.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }

    pub(crate) const fn at(&self) -> SocketAddr {
        self.at
    }

    pub(crate) fn address(&self) -> String {
        format!("grpc{}://{}", if self.tls.is_some() { "s" } else { "" }, self.at)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What is to be done with the next calls of a method.
    pub(crate) fn plan(&self, method: &'static str, plans: impl IntoIterator<Item = Do>) {
        self.state().plans.entry(method).or_default().extend(plans);
    }

    pub(crate) fn cache_capabilities(&self, change: impl FnOnce(&mut wire::CacheCapabilities)) {
        let mut state = self.state();
        change(state.capabilities.cache_capabilities.as_mut().unwrap());
        let zstd = i32::from(wire::compressor::Value::Zstd);
        state.zstd = state.capabilities.cache_capabilities.as_ref().unwrap().supported_compressors.contains(&zstd);
    }

    /// How often a method was called.
    pub(crate) fn calls(&self, method: &str) -> usize {
        self.state().calls.iter().filter(|(name, _)| *name == method).count()
    }

    /// All methods that were called, each once.
    pub(crate) fn methods(&self) -> BTreeSet<&'static str> {
        self.state().calls.iter().map(|(name, _)| *name).collect()
    }

    pub(crate) fn forget_calls(&self) {
        self.state().calls.clear();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.kill();
    }
}

impl State {
    /// The result of an action whose output directory holds `files`; its blobs are there then.
    pub(crate) fn result(&mut self, files: &[(&str, Vec<u8>)]) -> wire::ActionResult {
        let mut root = Directory::default();
        for (name, contents) in files {
            let digest = self.keep(contents);
            root.insert(Name::new(name).unwrap(), Entry::File { digest, executable: false });
        }
        let tree = wire::Tree { root: Some(root.to_wire()), children: Vec::new() };
        let digest = self.keep(&tree.encode_to_vec());
        let directory =
            wire::OutputDirectory { path: "out".to_owned(), tree_digest: Some(digest.to_wire()), ..Default::default() };
        wire::ActionResult { output_directories: vec![directory], ..wire::ActionResult::default() }
    }

    /// Takes a blob in.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> BlobDigest {
        let digest = BlobDigest::of(bytes);
        self.blobs.insert(digest, bytes.to_vec());
        digest
    }

    fn missing_below(&self, directory: DirDigest) -> Option<BlobDigest> {
        let Some(bytes) = self.blobs.get(&directory.as_blob()) else { return Some(directory.as_blob()) };
        Directory::decode(bytes).unwrap().iter().find_map(|(_, entry)| match entry {
            Entry::File { digest, .. } => (!self.has(*digest)).then_some(*digest),
            Entry::Directory(digest) => self.missing_below(*digest),
            Entry::Symlink(_) => None,
        })
    }

    fn has(&self, digest: BlobDigest) -> bool {
        digest.size() == 0 || self.blobs.contains_key(&digest)
    }

    /// What an honest engine answers.
    fn execute(&mut self, action: BlobDigest, fresh: bool) -> wire::ExecuteResponse {
        let hash = action.hex();
        if let Some(result) = self.results.get(&hash).filter(|_| !fresh) {
            return wire::ExecuteResponse { result: Some(result.clone()), cached_result: true, ..Default::default() };
        }
        let missing = match self.blobs.get(&action) {
            None => Some(action),
            Some(bytes) => {
                let action = wire::Action::decode(bytes.as_slice()).unwrap();
                let command = BlobDigest::from_wire(&action.command_digest.unwrap()).unwrap();
                let root = DirDigest::from_wire(&action.input_root_digest.unwrap()).unwrap();
                if self.has(command) { self.missing_below(root) } else { Some(command) }
            }
        };
        if let Some(missing) = missing {
            let message = format!("At least one blob is missing: {missing}");
            return failed(Code::Internal, &message);
        }
        let files = if self.makes.len() > 1 { self.makes.remove(0) } else { self.makes[0].clone() };
        let result = self.result(&files);
        self.results.insert(hash, result.clone());
        wire::ExecuteResponse { result: Some(result), ..Default::default() }
    }
}

/// The answer of an engine that could not run an action.
pub(crate) fn failed(code: Code, message: &str) -> wire::ExecuteResponse {
    let status = google::rpc::Status { code: code.into(), message: message.to_owned(), details: Vec::new() };
    wire::ExecuteResponse { status: Some(status), ..Default::default() }
}

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Notes a call; what is planned for it, if not to be honest.
    async fn enter(&self, method: &'static str, headers: &MetadataMap) -> Result<Option<Do>, Status> {
        let planned = {
            let mut state = self.state();
            state.calls.push((method, headers.clone()));
            if let Some(token) = &state.token {
                let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
                if bearer != Some(&format!("Bearer {token}")) {
                    return Err(Status::unauthenticated("token has expired"));
                }
            }
            state.plans.get_mut(method).and_then(VecDeque::pop_front)
        };
        match planned {
            Some(Do::Refuse(code, message)) => Err(Status::new(code, message)),
            Some(Do::RefuseLate(milliseconds, code, message)) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                Err(Status::new(code, message))
            }
            Some(Do::Late(milliseconds)) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                Ok(None)
            }
            Some(Do::Violation(blob)) => Err(violation(blob)),
            Some(Do::Hang) => std::future::pending().await,
            planned => Ok(planned),
        }
    }

    fn operation(&self, plan: Option<Do>, name: String, action: BlobDigest, fresh: bool) -> Streamed<Operation> {
        let steps = match plan {
            Some(Do::Tell(steps)) => steps,
            _ => vec![Step::At(Stage::Queued), Step::At(Stage::Executing), Step::Run],
        };
        let service = self.clone();
        Box::pin(tokio_stream::iter(steps).then(move |step| {
            let (service, name) = (service.clone(), name.clone());
            async move {
                let done = |response: &wire::ExecuteResponse| Operation {
                    name: name.clone(),
                    done: true,
                    result: Some(operation::Result::Response(google::protobuf::Any {
                        type_url: "type.googleapis.com/build.bazel.remote.execution.v2.ExecuteResponse".to_owned(),
                        value: response.encode_to_vec(),
                    })),
                    ..Operation::default()
                };
                if let Step::Wait(milliseconds) = step {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                }
                match step {
                    Step::At(stage) => {
                        let metadata = wire::ExecuteOperationMetadata { stage: stage.into(), ..Default::default() }
                            .encode_to_vec();
                        let metadata = google::protobuf::Any { type_url: String::new(), value: metadata };
                        Ok(Operation { name, metadata: Some(metadata), ..Operation::default() })
                    }
                    Step::Done(response) => Ok(done(&response)),
                    Step::Run => {
                        let response = service.state().execute(action, fresh);
                        Ok(done(&response))
                    }
                    Step::Nothing => Ok(Operation { name, done: true, ..Operation::default() }),
                    Step::Error(code, message) => {
                        let status =
                            google::rpc::Status { code: code.into(), message: message.to_owned(), details: Vec::new() };
                        let result = Some(operation::Result::Error(status));
                        Ok(Operation { name, done: true, result, ..Operation::default() })
                    }
                    Step::Until(number) => {
                        while service.state().executed.len() < number {
                            tokio::time::sleep(Duration::from_millis(2)).await;
                        }
                        Ok(Operation { name, ..Operation::default() })
                    }
                    Step::Wait(_) => Ok(Operation { name, ..Operation::default() }),
                    Step::Break(code, message) => Err(Status::new(code, message)),
                    Step::Hang => std::future::pending().await,
                }
            }
        }))
    }
}

/// `google.rpc.PreconditionFailure`.
#[derive(Clone, PartialEq, prost::Message)]
struct PreconditionFailure {
    #[prost(message, repeated, tag = "1")]
    violations: Vec<Violation>,
}

/// `google.rpc.PreconditionFailure.Violation`.
#[derive(Clone, PartialEq, prost::Message)]
struct Violation {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    subject: String,
}

/// The status that names a blob as missing.
fn violation(blob: BlobDigest) -> Status {
    let violation = Violation { kind: "MISSING".to_owned(), subject: format!("blobs/{blob}") };
    let failure = PreconditionFailure { violations: vec![violation] };
    let detail = google::protobuf::Any {
        type_url: "type.googleapis.com/google.rpc.PreconditionFailure".to_owned(),
        value: failure.encode_to_vec(),
    };
    let status =
        google::rpc::Status { code: Code::FailedPrecondition.into(), message: "no".to_owned(), details: vec![detail] };
    Status::with_details(Code::FailedPrecondition, "no", status.encode_to_vec().into())
}

#[async_trait]
impl Capabilities for Service {
    async fn get_capabilities(&self, request: Request<wire::GetCapabilitiesRequest>) -> Told<wire::ServerCapabilities> {
        self.enter("GetCapabilities", request.metadata()).await?;
        Ok(Response::new(self.state().capabilities.clone()))
    }
}

#[async_trait]
impl ActionCache for Service {
    async fn get_action_result(&self, request: Request<wire::GetActionResultRequest>) -> Told<wire::ActionResult> {
        self.enter("GetActionResult", request.metadata()).await?;
        let digest = request.into_inner().action_digest.unwrap();
        let result = self.state().results.get(&digest.hash).cloned();
        result.map(Response::new).ok_or_else(|| Status::not_found(""))
    }

    async fn update_action_result(
        &self,
        request: Request<wire::UpdateActionResultRequest>,
    ) -> Told<wire::ActionResult> {
        self.enter("UpdateActionResult", request.metadata()).await?;
        let request = request.into_inner();
        let result = request.action_result.unwrap();
        self.state().results.insert(request.action_digest.unwrap().hash, result.clone());
        Ok(Response::new(result))
    }
}

#[async_trait]
impl Execution for Service {
    type ExecuteStream = Streamed<Operation>;
    type WaitExecutionStream = Streamed<Operation>;

    async fn execute(&self, request: Request<wire::ExecuteRequest>) -> Told<Self::ExecuteStream> {
        let plan = self.enter("Execute", request.metadata()).await?;
        let request = request.into_inner();
        let digest = BlobDigest::from_wire(&request.action_digest.unwrap()).unwrap();
        let name = {
            let mut state = self.state();
            state.executed.push((digest.hex(), request.skip_cache_lookup));
            state.operations += 1;
            format!("{digest} {}", state.operations)
        };
        Ok(Response::new(self.operation(plan, name, digest, request.skip_cache_lookup)))
    }

    async fn wait_execution(&self, request: Request<wire::WaitExecutionRequest>) -> Told<Self::WaitExecutionStream> {
        let plan = self.enter("WaitExecution", request.metadata()).await?;
        let name = request.into_inner().name;
        self.state().waited.push(name.clone());
        let digest = name.split(' ').next().unwrap().parse().unwrap();
        Ok(Response::new(self.operation(plan, name, digest, false)))
    }
}

#[async_trait]
impl Operations for Service {
    async fn list_operations(&self, _: Request<ListOperationsRequest>) -> Told<ListOperationsResponse> {
        Err(Status::unimplemented(""))
    }

    async fn get_operation(&self, _: Request<GetOperationRequest>) -> Told<Operation> {
        Err(Status::unimplemented(""))
    }

    async fn delete_operation(&self, _: Request<DeleteOperationRequest>) -> Told<google::protobuf::Empty> {
        Err(Status::unimplemented(""))
    }

    async fn cancel_operation(&self, request: Request<CancelOperationRequest>) -> Told<google::protobuf::Empty> {
        self.enter("CancelOperation", request.metadata()).await?;
        self.state().cancelled.push(request.into_inner().name);
        Ok(Response::new(google::protobuf::Empty::default()))
    }

    async fn wait_operation(&self, _: Request<WaitOperationRequest>) -> Told<Operation> {
        Err(Status::unimplemented(""))
    }
}
