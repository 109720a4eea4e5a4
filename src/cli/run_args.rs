//! Arguments on how the network is run, shared by the commands that run one.

use super::number;
use frostline::backbones::{Convolutions, DeviceRequest, Home, Precision, RunOptions};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArgs {
    /// Where the network runs: auto, cpu, cuda, cuda:N, tensorrt, coreml, directml or openvino. `auto` takes
    /// an NVIDIA GPU where it works, else the CPU, and says which and why.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceRequest,
    /// How exactly it computes: fp32; tf32, whose products have 10 bits on NVIDIA GPUs; fp16, which is held
    /// against fp32.
    #[arg(long, value_name = "PRECISION", default_value = "fp32")]
    precision: Precision,
    /// How 3×3 convolutions are computed on the CPU: winograd, with a quarter of the multiplications; direct;
    /// or auto, each as is faster for its shape.
    #[arg(long, value_name = "WAY", default_value = "auto")]
    conv: Convolutions,
    /// The most memory to take on the GPU, in MiB [default: what is there].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..1 << 30))]
    gpu_memory: Option<u64>,
    /// Images that the network is given at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = batch_size)]
    pub(super) batch_size: usize,
    /// Threads for decoding and for the network, which share the CPUs as the run needs it; four times as
    /// many, at most 64, read files ahead [default: the CPUs that this process may use].
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
}

impl RunArgs {
    pub(super) fn options(&self, home: Home) -> RunOptions {
        let mut options = RunOptions::new(home);
        options.device = self.device;
        options.threads = self.threads.unwrap_or(options.threads);
        options.precision = self.precision;
        options.convolutions = self.conv;
        options.gpu_memory = self.gpu_memory.map(|mebibytes| mebibytes << 20);
        options
    }
}

/// Images of a batch are in memory together, decoded and as the network's input.
fn batch_size(text: &str) -> Result<usize, String> {
    number::within(text, 1, 4096)
}

/// More could only be a mistake, and the system may not start as many.
fn threads(text: &str) -> Result<usize, String> {
    number::within(text, 1, 1024)
}
