//! Where networks are found and how they run.

use super::{Convolutions, DeviceRequest, Home, Precision};

/// Where networks are found and how they run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunOptions {
    /// The folder of models and runtime.
    pub home: Home,
    /// The device to run on.
    pub device: DeviceRequest,
    /// The number of ONNX Runtime's threads in all sessions together, at least 1.
    pub threads: usize,
    /// The floating-point precision.
    pub precision: Precision,
    /// How convolutions are computed on the CPU.
    pub convolutions: Convolutions,
    /// The limit on GPU memory in bytes; `None` for no limit.
    pub gpu_memory: Option<u64>,
}

impl RunOptions {
    /// Returns options for the GPU or, if none works, all CPUs available to this process, in float32.
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
