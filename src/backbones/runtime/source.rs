//! The form of a network that its sessions are opened from.

use std::path::Path;

use frostline_onnx::Network;
use frostline_onnx::rewrite::is_too_large;
use ort::session::Session;
use ort::session::builder::SessionBuilder;

use super::graph_cache::{GraphCache, KeptGraph};
use super::operators::OwnNetwork;
use crate::backbones::{Convolutions, Device, Precision, RunOptions};
use crate::caught::caught;
use crate::error::{Error, Result, RuntimeProblem};

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
