//! How long nodes will take: as long as last time, or as things of their kind do.
//!
//! Remembered by kind and label, not by digest: what changed a little takes about as long as before. Nothing but the
//! order of work depends on it, so a memo that cannot be read or written is none.

use std::time::Duration;

use action::graph::{Graph, Node};

use super::Engine;
use super::probe::{kind, label};
use crate::event::Kind;
use crate::store::MemoValue;

/// Memo kind: kind and label of a node → milliseconds it took when it was last made.
const DURATION: &str = "duration";

impl Engine<'_> {
    /// How long `node` will take, as far as is known.
    pub(super) fn weight(&self, graph: &Graph, node: &Node) -> Duration {
        let Some(kind) = kind(node) else { return Duration::ZERO };
        let last = match self.store.memo_get(DURATION, &key(kind, &label(graph, node))) {
            Ok(Some(MemoValue::Bytes(text))) => std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()),
            _ => None,
        };
        last.map_or_else(|| usual(kind), Duration::from_millis)
    }

    /// Notes how long a node took.
    pub(super) fn remember_duration(&self, kind: Kind, label: &str, took: Duration) {
        let text = took.as_millis().to_string().into_bytes();
        let _ = self.store.memo_put(DURATION, &key(kind, label), MemoValue::Bytes(text));
    }
}

/// Of the toolchains: an archive of some megabytes, its contents, a compiler or library.
const fn usual(kind: Kind) -> Duration {
    Duration::from_secs(match kind {
        Kind::Fetch => 5,
        Kind::Unpack | Kind::Capture => 2,
        Kind::Run => 15,
    })
}

fn key(kind: Kind, label: &str) -> Vec<u8> {
    format!("{kind:?} {label}").into_bytes()
}
