//! Why a network, ONNX Runtime or a device cannot be used.

/// Why a network, ONNX Runtime or a device cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackboneError {}
