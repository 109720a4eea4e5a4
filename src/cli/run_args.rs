//! Arguments for running the network, shared by several commands.

use std::path::PathBuf;

use super::choices::choices;
use super::headings::NETWORK;
use super::number;
use frostline::backbones::{Convolutions, DeviceRequest, Home, Precision, RunOptions};
use frostline::features::Computing;
use frostline::images::Limits;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArgs {
    /// Device for the network: auto, cpu, cuda, cuda:N, tensorrt, coreml, directml or openvino. `auto` uses
    /// an NVIDIA GPU if it works and otherwise the CPU, and prints its choice.
    #[arg(long, value_name = "DEVICE", default_value = "auto", help_heading = NETWORK,
          value_parser = choices::<DeviceRequest>(DEVICES), hide_possible_values = true)]
    device: DeviceRequest,
    /// Images per batch of the network.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = batch_size,
          help_heading = NETWORK)]
    pub(super) batch_size: usize,
    /// Threads for decoding and for the network. Another 4 × N threads, at most 64 or N, read files ahead
    /// [default: the CPUs available to this process].
    #[arg(long, value_name = "N", value_parser = threads, help_heading = NETWORK)]
    threads: Option<usize>,
    /// Precision of the network: fp32; tf32 (NVIDIA GPUs, 10-bit mantissa in products); or fp16, whose
    /// results are checked against fp32 at the start.
    #[arg(long, value_name = "PRECISION", default_value = "fp32", help_heading = NETWORK,
          value_parser = choices::<Precision>(PRECISIONS), hide_possible_values = true)]
    precision: Precision,
    /// Algorithm for 3×3 convolutions on the CPU: winograd (a quarter of the multiplications), direct, or
    /// auto (the faster one for each shape).
    #[arg(long, value_name = "WAY", default_value = "auto", help_heading = NETWORK,
          value_parser = choices::<Convolutions>(CONVOLUTIONS), hide_possible_values = true)]
    conv: Convolutions,
    /// Limit of the GPU memory, in MiB [default: all of it].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..1 << 30),
          help_heading = NETWORK)]
    gpu_memory: Option<u64>,
}

/// How to compute features with the backbone that a head or a feature store names.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ComputingArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Name or file of the network, if the backbone of the head or the feature store is not installed.
    #[arg(long, value_name = "NAME|FILE", help_heading = NETWORK)]
    backbone: Option<PathBuf>,
}

const DEVICES: &[&str] = &[
    "auto", "cpu", "cuda", "tensorrt", "coreml", "directml", "openvino",
];
const PRECISIONS: &[&str] = &["fp32", "tf32", "fp16"];
const CONVOLUTIONS: &[&str] = &["auto", "winograd", "direct"];

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

impl ComputingArgs {
    pub(super) fn options(self, limits: Limits, home: Home) -> Computing {
        let mut computing = Computing::new(self.run.options(home));
        computing.backbone = self.backbone;
        computing.limits = limits;
        computing.batch_size = self.run.batch_size;
        computing
    }
}

/// Parses the batch size; all images of a batch are in memory, decoded and as the network's input.
fn batch_size(text: &str) -> Result<usize, String> {
    number::within(text, 1, 4096)
}

/// Parses the number of threads; a larger one is a mistake, and the system may not start so many.
fn threads(text: &str) -> Result<usize, String> {
    number::within(text, 1, 1024)
}
