//! What a server offers, as its capabilities say. Not here: asking.

use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use wire::compressor::Value as Compressor;
use wire::digest_function::Value as DigestFunction;

/// Bytes of blobs in one call: below gRPC's default limit of 4 MiB for a message, with room for the rest of it.
const BATCH_BYTES: u64 = 3 << 20;
/// What each blob of a call costs besides its bytes, at most.
pub(super) const PER_BLOB: u64 = 128;

/// What a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offers {
    /// Whether it runs actions.
    pub executes: bool,
    /// Whether it takes results of actions.
    pub updates: bool,
    /// Whether it knows SHA-256.
    pub sha256: bool,
    /// Bytes of blobs in one call.
    pub batch_bytes: u64,
    /// Bytes of blobs in one call, as the server says; none if it does not.
    pub said_batch_bytes: Option<u64>,
    /// Whether it sends by zstd, and takes streams so.
    pub zstd: bool,
    /// Whether it takes blobs of batches by zstd.
    pub zstd_batches: bool,
}

impl Offers {
    /// Reads a server's capabilities.
    #[must_use]
    pub fn of(capabilities: &wire::ServerCapabilities) -> Self {
        let cache = capabilities.cache_capabilities.clone().unwrap_or_default();
        let execution = capabilities.execution_capabilities.clone().unwrap_or_default();
        let said = u64::try_from(cache.max_batch_total_size_bytes).ok().filter(|bytes| *bytes > 0);
        let sha256 = i32::from(DigestFunction::Sha256);
        let zstd = i32::from(Compressor::Zstd);
        let functions = || cache.digest_functions.iter().chain(&execution.digest_functions);
        Self {
            executes: execution.exec_enabled,
            updates: cache.action_cache_update_capabilities.is_some_and(|update| update.update_enabled),
            // Of servers that say nothing SHA-256 is expected.
            sha256: functions().next().is_none() || functions().any(|function| *function == sha256),
            batch_bytes: said.unwrap_or(BATCH_BYTES).min(BATCH_BYTES),
            said_batch_bytes: said,
            zstd: cache.supported_compressors.contains(&zstd),
            zstd_batches: cache.supported_batch_update_compressors.contains(&zstd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say() {
        let capabilities = |bytes, functions: &[DigestFunction], compressors: &[Compressor]| wire::ServerCapabilities {
            cache_capabilities: Some(wire::CacheCapabilities {
                digest_functions: functions.iter().map(|function| i32::from(*function)).collect(),
                max_batch_total_size_bytes: bytes,
                supported_compressors: compressors.iter().map(|compressor| i32::from(*compressor)).collect(),
                ..wire::CacheCapabilities::default()
            }),
            ..wire::ServerCapabilities::default()
        };
        // BuildGrid and casd, as measured.
        let grid = Offers::of(&capabilities(4_193_280, &[DigestFunction::Sha256], &[]));
        assert_eq!((grid.batch_bytes, grid.sha256, grid.zstd, grid.executes), (3 << 20, true, false, false));
        let casd = Offers::of(&capabilities(0, &[DigestFunction::Sha256], &[]));
        assert_eq!((casd.batch_bytes, casd.said_batch_bytes), (3 << 20, None));
        let other = Offers::of(&capabilities(1 << 20, &[DigestFunction::Blake3], &[Compressor::Zstd]));
        assert_eq!((other.batch_bytes, other.sha256, other.zstd), (1 << 20, false, true));
        assert!(!other.zstd_batches, "batches that are sent there are offered by themselves");
        assert!(Offers::of(&wire::ServerCapabilities::default()).sha256);
    }
}
