//! Arguments on how the network is run, shared by the commands that run one.

use crate::backbones::DeviceRequest;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArgs {
    /// Where the network runs: auto, cpu, cuda or cuda:N. `auto` takes the GPU where it works and says which it took.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(super) device: DeviceRequest,
    /// Images that the network is given at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = positive)]
    pub(super) batch_size: usize,
    /// Threads for decoding and for the network [default: the CPUs that this process may use].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
}

impl RunArgs {
    pub(super) fn threads(&self) -> usize {
        self.threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}

/// A count of threads or images: at least 1, and nothing that could only be a mistake.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=65_536) => Ok(n),
        _ => Err("must be a whole number from 1 to 65536".to_owned()),
    }
}
