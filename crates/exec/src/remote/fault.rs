//! What a server's status means for whoever called: the failure table, as far as it is told by statuses.
//!
//! Codes decide where they can. Engines say some things by words alone (measured: `docs/design/remote.md`); those words are in
//! this file and nowhere else. Not here: trying again (`retry`), words for people.

use std::error::Error as _;

use prost::Message as _;
use tonic::{Code, Status};

/// What went wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody answers, or the connection broke, or nobody has time for one more call.
    Unreachable,
    /// The server stumbled, and does not say over what.
    Stumbled,
    /// Something that the call refers to is not there.
    Missing,
    /// The server does not know who calls.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// The server has no room left.
    Full,
    /// The server does not offer this.
    Unsupported,
    /// No worker is of the platform that the action asks for.
    Platform,
    /// The engine tried the action several times, and lost its workers each time.
    Abandoned,
    /// Somebody else cancelled it.
    Cancelled,
    /// The server refuses the call for another reason.
    Refused,
}

impl Fault {
    /// What a status means.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        // A status that has a source was not sent by the server: the connection failed.
        if status.source().is_some() {
            return Self::Unreachable;
        }
        Self::of_parts(status.code(), status.message(), status.details())
    }

    /// What a status that came within an answer means.
    #[must_use]
    pub fn of_parts(code: Code, message: &str, details: &[u8]) -> Self {
        let says = |words: &[&str]| {
            let message = message.to_ascii_lowercase();
            words.iter().any(|word| message.contains(word))
        };
        match code {
            _ if lists_missing_blobs(details) => Self::Missing,
            Code::Unavailable | Code::DeadlineExceeded => Self::Unreachable,
            Code::NotFound => Self::Missing,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::PermissionDenied => Self::Forbidden,
            Code::ResourceExhausted if says(&["concurrent rpc"]) => Self::Unreachable,
            Code::ResourceExhausted => Self::Full,
            Code::Unimplemented => Self::Unsupported,
            Code::Cancelled => Self::Cancelled,
            _ if says(&["no space left", "disk full", "quota exceeded"]) => Self::Full,
            Code::FailedPrecondition if says(&["platform propert", "no workers exist"]) => Self::Platform,
            Code::FailedPrecondition | Code::Internal if says(&["blob", "from storage", "not found in cas"]) => {
                Self::Missing
            }
            Code::Aborted if says(&["retried"]) => Self::Abandoned,
            Code::Aborted | Code::Unknown | Code::Internal | Code::DataLoss => Self::Stumbled,
            _ => Self::Refused,
        }
    }
}

/// `google.rpc.Status`, as it travels in a status' details.
#[derive(Clone, PartialEq, prost::Message)]
struct Details {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
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

/// Whether the details name blobs as missing, as the API says servers should.
fn lists_missing_blobs(details: &[u8]) -> bool {
    let details = Details::decode(details).unwrap_or_default().details;
    details.iter().filter(|detail| detail.type_url.ends_with("google.rpc.PreconditionFailure")).any(|detail| {
        let failure = PreconditionFailure::decode(detail.value.as_slice()).unwrap_or_default();
        failure.violations.iter().any(|violation| violation.kind == "MISSING")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is what an engine was seen to say, or what the API says it should.
    #[test]
    fn rows() {
        for (code, message, fault) in [
            (Code::Unavailable, "Stream removed (Socket closed)", Fault::Unreachable),
            (Code::Unavailable, "Database connection was temporarily interrupted, please retry", Fault::Unreachable),
            (Code::DeadlineExceeded, "", Fault::Unreachable),
            (Code::ResourceExhausted, "Concurrent RPC limit exceeded!", Fault::Unreachable),
            (Code::FailedPrecondition, "Could not get command from storage", Fault::Missing),
            (Code::Internal, "At least one blob is missing: 12ab", Fault::Missing),
            (Code::NotFound, "", Fault::Missing),
            (
                Code::FailedPrecondition,
                "Unregistered platform property 'pool'. Known properties are …",
                Fault::Platform,
            ),
            (
                Code::FailedPrecondition,
                "No workers exist for instance name prefix \"\" platform {\"properties\":[{\"name\":\"pool\"}]}",
                Fault::Platform,
            ),
            // While its scheduler starts.
            (Code::Unavailable, "No workers exist for instance name prefix \"\" platform {}", Fault::Unreachable),
            (Code::Aborted, "Job was retried 5 unsuccessfully. Aborting.", Fault::Abandoned),
            (Code::Aborted, "another write is underway", Fault::Stumbled),
            (Code::Unknown, "Exception calling application", Fault::Stumbled),
            (Code::Internal, "[Errno 28] No space left on device", Fault::Full),
            (Code::Unknown, "[Errno 28] No space left on device", Fault::Full),
            (Code::ResourceExhausted, "quota", Fault::Full),
            (Code::Unauthenticated, "token has expired", Fault::Unauthenticated),
            (Code::PermissionDenied, "", Fault::Forbidden),
            (Code::Unimplemented, "", Fault::Unsupported),
            (Code::Cancelled, "Execution cancelled", Fault::Cancelled),
            (Code::InvalidArgument, "", Fault::Refused),
        ] {
            assert_eq!(Fault::of(&Status::new(code, message)), fault, "{code:?} {message}");
        }
    }

    #[test]
    fn details_name_missing_blobs() {
        let violations = |kind: &str| PreconditionFailure {
            violations: vec![Violation { kind: kind.to_owned(), subject: "blobs/12/3".to_owned() }],
        };
        let details = |kind| {
            let detail = Detail {
                type_url: "type.googleapis.com/google.rpc.PreconditionFailure".to_owned(),
                value: violations(kind).encode_to_vec(),
            };
            Details { details: vec![detail] }.encode_to_vec()
        };
        let of = |kind| Fault::of_parts(Code::FailedPrecondition, "no", &details(kind));
        assert_eq!((of("MISSING"), of("OTHER")), (Fault::Missing, Fault::Refused));
        assert_eq!(Fault::of_parts(Code::Internal, "no", b"\xff\xff"), Fault::Stumbled);
    }
}
