//! Why a head cannot be fitted, read, written or used.

/// Why a head cannot be fitted, read, written or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {}
