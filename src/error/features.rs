//! Why a feature store cannot be used or written.

/// Why a feature store cannot be used or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeaturesError {}
