//! Why images cannot be found or prepared.

/// Why images cannot be found or prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {}
