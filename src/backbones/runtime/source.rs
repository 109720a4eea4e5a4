//! The form of a network that its sessions are opened from.

use std::fs;
use std::path::{Path, PathBuf};

use frostline_onnx::rewrite::is_too_large;
use ort::session::Session;
use ort::session::builder::SessionBuilder;

use super::graph_cache::{GraphCache, KeptGraph};
use super::operators::OwnNetwork;
use super::threads::ThreadShare;
use crate::backbones::onnx::{Network, read_network};
use crate::backbones::{Convolutions, Device, Precision, RunOptions};
use crate::caught::caught;
use crate::error::{Error, NetworkProblem, Result, RuntimeProblem};

/// The form of a network that its sessions are opened from.
pub(super) enum Source {
    /// The file; its optimised graph is not cached.
    File,
    /// The file; its optimised graph is then cached.
    ToKeep(GraphCache),
    /// The cached graph.
    Kept(KeptGraph),
    /// The bytes of the network converted to float16.
    Converted(Vec<u8>),
    /// The network with frostline's operators.
    Rewritten(OwnNetwork),
}

impl Source {
    /// Chooses the source for a network whose input has the dimensions `image` after the batch.
    pub(super) fn of(
        (path, network): (&Path, &Network),
        image: [usize; 3],
        device: Device,
        options: &RunOptions,
        cache: Option<GraphCache>,
    ) -> Result<Self> {
        let plain = device == Device::Cpu && options.precision != Precision::Fp16;
        if !plain {
            refuse_winograd(device, options)?;
        }
        match options.precision {
            // TensorRT converts the network to float16 itself.
            Precision::Fp16 if !matches!(device, Device::TensorRt(_)) => {
                Ok(Self::Converted(network.in_float16()?))
            }
            _ if plain => {
                let own = own_network((path, network), image, options)?;
                Ok(own
                    .map(Self::Rewritten)
                    .or(cache.map(Self::ToKeep))
                    .unwrap_or(Self::File))
            }
            _ => Ok(Self::File),
        }
    }

    /// Opens a session, in which frostline's operators use `threads` threads.
    pub(super) fn commit(
        &self,
        path: &Path,
        threads: usize,
        mut builder: SessionBuilder,
    ) -> ort::Result<Session> {
        let commit = || match self {
            Self::File => builder.commit_from_file(path),
            Self::ToKeep(cache) => match cache.find() {
                Some(kept) => commit_kept(&kept, path, builder),
                None => match cache.fill(path, builder.clone()) {
                    Some(session) => Ok(session),
                    None => builder.commit_from_file(path),
                },
            },
            Self::Kept(kept) => commit_kept(kept, path, builder),
            Self::Converted(bytes) => builder.commit_from_memory(bytes),
            Self::Rewritten(network) => network.commit(threads, builder),
        };
        caught(commit, |panic| ort::Error::new(panic))
    }
}

/// Opens a session from the cached graph, or from the file if that fails.
fn commit_kept(kept: &KeptGraph, path: &Path, mut builder: SessionBuilder) -> ort::Result<Session> {
    match kept.open(builder.clone()) {
        Some(session) => Ok(session),
        None => builder.commit_from_file(path),
    }
}

/// Returns the network with frostline's operators; `None` if it has no layers for them, or weights that they
/// cannot compute with.
fn own_network(
    (path, network): (&Path, &Network),
    image: [usize; 3],
    options: &RunOptions,
) -> Result<Option<OwnNetwork>> {
    let Some(rewritten) = network.rewrite(image, options.convolutions)? else {
        return Ok(None);
    };
    match OwnNetwork::load(rewritten, options.threads) {
        Err(error) if is_too_large(&error) => Ok(None),
        loaded => loaded.map(Some).map_err(Error::io("read", path)),
    }
}

fn refuse_winograd(device: Device, options: &RunOptions) -> Result<()> {
    if options.convolutions != Convolutions::Winograd {
        return Ok(());
    }
    let refused = if device == Device::Cpu {
        RuntimeProblem::WinogradInFp16
    } else {
        RuntimeProblem::WinogradOffCpu
    };
    Err(refused.into())
}

/// What sessions are opened from, and how many there are.
pub(super) struct Chosen {
    pub(super) share: ThreadShare,
    pub(super) source: Source,
    /// Whether an image's features depend on the others of its batch.
    pub(super) mixes_images: bool,
}

impl Chosen {
    /// Chooses them for a network whose input has the dimensions `image` after the batch.
    pub(super) fn of(
        path: &Path,
        image: [usize; 3],
        device: Device,
        options: &RunOptions,
        cache: Option<GraphCache>,
    ) -> Result<Self> {
        // With a cached graph, the file need not be read.
        if let Some(kept) = cache.as_ref().and_then(GraphCache::find) {
            let share = ThreadShare::of(options.threads, kept.bytes);
            return Ok(Self {
                share,
                source: Source::Kept(kept),
                mixes_images: false,
            });
        }
        let network = read_network(path)?;
        let bytes = weight_bytes(&network)?;
        require_memory(bytes, device, options).map_err(|problem| problem.at(path))?;
        let share = match device {
            Device::Cpu => ThreadShare::of(options.threads, bytes),
            _ => ThreadShare::one_session(options.threads),
        };
        // A cached graph does not show whether it mixes images.
        let mixes_images = network.mixes_images();
        let cache = cache.filter(|_| bytes <= GraphCache::MOST_BYTES && !mixes_images);
        let source = Source::of((path, &network), image, device, options, cache)?;
        Ok(Self {
            share,
            source,
            mixes_images,
        })
    }
}

/// Refuses weights that exceed the limit on GPU memory. ONNX Runtime would load them, and have no limit then.
fn require_memory(bytes: u64, device: Device, options: &RunOptions) -> Result<(), NetworkProblem> {
    let weights = match options.precision {
        Precision::Fp16 => bytes / 2,
        Precision::Fp32 | Precision::Tf32 => bytes,
    };
    match options.gpu_memory {
        Some(limit) if device.is_nvidia() && weights >= limit => {
            Err(NetworkProblem::AboveGpuMemory { weights, limit })
        }
        _ => Ok(()),
    }
}

/// Returns the size of a network's file and its external data, in bytes.
fn weight_bytes(network: &Network) -> Result<u64> {
    let len = |path: &PathBuf| {
        fs::metadata(path)
            .map(|about| about.len())
            .map_err(Error::io("read", path))
    };
    network.files()?.iter().map(len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::Home;

    #[test]
    fn weights_must_fit_into_the_limit_on_gpu_memory() {
        let require = |mebibytes: u64, device, precision| {
            let options = RunOptions {
                gpu_memory: Some(512 << 20),
                precision,
                ..RunOptions::new(Home::at("/home"))
            };
            require_memory(mebibytes << 20, device, &options).map_err(|e| e.to_string())
        };
        let cuda = Device::Cuda(0);
        assert_eq!(
            require(548, cuda, Precision::Fp32).unwrap_err(),
            "its weights take 548 MiB, but the limit on GPU memory leaves 512 MiB for the network"
        );
        assert_eq!(require(548, cuda, Precision::Fp16), Ok(()));
        assert_eq!(require(511, cuda, Precision::Tf32), Ok(()));
        assert_eq!(require(548, Device::Cpu, Precision::Fp32), Ok(()));
    }
}
