//! The headers of every call: those that were configured, the bearer token, who is calling. Not here: TLS (`connection`).

use std::sync::{Arc, PoisonError, RwLock};

use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use prost::Message as _;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, BinaryMetadataValue, MetadataMap};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::RemoteError;
use super::config::{Config, Token};

/// The header in which tools say who they are.
const TOOL: &str = "build.bazel.remote.execution.v2.requestmetadata-bin";

/// Adds headers to calls; clones share the token.
#[derive(Debug, Clone)]
pub(super) struct Credentials(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    headers: MetadataMap,
    token: Option<Token>,
    bearer: RwLock<Bearer>,
}

/// The token, and which one of those that came after each other it is.
#[derive(Debug)]
struct Bearer {
    number: u64,
    value: Option<AsciiMetadataValue>,
}

impl Credentials {
    pub(super) fn new(config: &Config) -> Result<Self, RemoteError> {
        let mut headers = MetadataMap::new();
        for (name, value) in &config.headers {
            let wrong = || RemoteError::Header(name.clone());
            let name = AsciiMetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes()).map_err(|_| wrong())?;
            headers.insert(name, value.parse().map_err(|_| wrong())?);
        }
        let tool =
            wire::ToolDetails { tool_name: "bactrian".to_owned(), tool_version: env!("CARGO_PKG_VERSION").to_owned() };
        let metadata = wire::RequestMetadata { tool_details: Some(tool), ..wire::RequestMetadata::default() };
        headers.insert_bin(TOOL, BinaryMetadataValue::from_bytes(&metadata.encode_to_vec()));
        let token = config.token.clone();
        let value = token.as_ref().map(bearer).transpose()?;
        let bearer = RwLock::new(Bearer { number: 0, value });
        Ok(Self(Arc::new(Inner { headers, token, bearer })))
    }

    /// Which token calls have now.
    pub(super) fn number(&self) -> u64 {
        self.0.bearer.read().unwrap_or_else(PoisonError::into_inner).number
    }

    /// Reads the token's file again, because token `refused` is not taken any more; says whether there is another one now. Of many
    /// calls underway the first renews it: the others find that done.
    pub(super) fn renew(&self, refused: u64) -> Result<bool, RemoteError> {
        let Some(token @ Token::File(_)) = &self.0.token else { return Ok(false) };
        let mut now = self.0.bearer.write().unwrap_or_else(PoisonError::into_inner);
        if now.number == refused {
            let new = Some(bearer(token)?);
            if now.value == new {
                return Ok(false);
            }
            *now = Bearer { number: refused + 1, value: new };
        }
        Ok(true)
    }
}

fn bearer(token: &Token) -> Result<AsciiMetadataValue, RemoteError> {
    let text = match token {
        Token::Text(text) => text.clone(),
        Token::File(path) => {
            std::fs::read_to_string(path).map_err(|source| RemoteError::File { path: path.clone(), source })?
        }
    };
    let mut value: AsciiMetadataValue =
        format!("Bearer {}", text.trim()).parse().map_err(|_| RemoteError::Header("authorization".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let headers = request.metadata_mut();
        let fixed = self.0.headers.clone();
        for pair in fixed.iter() {
            match pair {
                tonic::metadata::KeyAndValueRef::Ascii(name, value) => {
                    headers.insert(name.clone(), value.clone());
                }
                tonic::metadata::KeyAndValueRef::Binary(name, value) => {
                    headers.insert_bin(name.clone(), value.clone());
                }
            }
        }
        if let Some(bearer) = &self.0.bearer.read().unwrap_or_else(PoisonError::into_inner).value {
            headers.insert("authorization", bearer.clone());
        }
        Ok(request)
    }
}
