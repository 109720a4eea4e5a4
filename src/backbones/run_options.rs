//! Where networks lie and how they are run.

use super::{Convolutions, DeviceRequest, Home, Precision};

/// Where networks are found and how they are run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunOptions {
    /// Models and runtime.
    pub home: Home,
    /// The device.
    pub device: DeviceRequest,
    /// Threads of ONNX Runtime, at least 1; all sessions together.
    pub threads: usize,
    /// How exactly to compute.
    pub precision: Precision,
    /// How convolutions are computed on the CPU.
    pub convolutions: Convolutions,
    /// The most memory that may be taken on the GPU, in bytes; all of it where `None`.
    pub gpu_memory: Option<u64>,
}

impl RunOptions {
    /// The GPU or else the CPUs that this process may use, in float32.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self {
            home,
            device: DeviceRequest::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            precision: Precision::default(),
            convolutions: Convolutions::default(),
            gpu_memory: None,
        }
    }
}
