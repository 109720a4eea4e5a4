//! Opens sessions of a network on a device.

use std::path::{Path, PathBuf};

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::batch_sizes::Liked;
use super::environment::{environment, one_line};
use super::graph_cache::GraphCache;
use super::operators::OwnNetwork;
use super::placement::PlacementLog;
use super::source::{Chosen, Source};
use super::threads::ThreadShare;
use super::{fault, preload, providers};
use crate::backbones::{Device, DeviceRequest, Precision, RunOptions, RuntimeLibrary};
use crate::error::{Error, GraphProblem, NetworkProblem, Result, ThreadsFor};
use crate::threads;

/// One part in so many of the limit on GPU memory is for normalising images. For VGG19 that takes a tenth of
/// the memory that the network takes.
const NORMALISER_SHARE: u64 = 8;

/// How the sessions of a network are opened: the first one and its replicas.
pub(super) struct Opener {
    environment: &'static Environment,
    pub(super) path: PathBuf,
    pub(super) device: Device,
    pub(super) share: ThreadShare,
    options: RunOptions,
    /// The part of the limit on GPU memory for normalising images; the rest is in `options`.
    normaliser_memory: Option<u64>,
    source: Source,
    /// Whether an image's features depend on the others of its batch.
    pub(super) mixes_images: bool,
}

impl Opener {
    /// Opens the first session on a device.
    pub(super) fn start(
        library: &RuntimeLibrary,
        file: (&Path, Option<&str>),
        image: [usize; 3],
        device: Device,
        options: &RunOptions,
    ) -> Result<(Session, Self)> {
        if let DeviceRequest::Exactly(device) = options.device
            && !device.computes_in(options.precision)
        {
            return Err(Error::Parameter {
                name: "precision",
                value: format!("{} on the device {device}", options.precision),
                wanted: "fp32 or fp16 on this device: only NVIDIA GPUs support tf32",
            });
        }
        let mut opener = Self::new(library, file, image, device, options)?;
        Ok((opener.open_first()?, opener))
    }

    fn new(
        library: &RuntimeLibrary,
        (path, sha256): (&Path, Option<&str>),
        image: [usize; 3],
        device: Device,
        options: &RunOptions,
    ) -> Result<Self> {
        let environment = environment(library)?;
        let mut options = options.clone();
        if !device.computes_in(options.precision) {
            options.precision = Precision::Fp32;
        }
        let normaliser_memory = options.gpu_memory.map(|limit| limit / NORMALISER_SHARE);
        options.gpu_memory = options
            .gpu_memory
            .zip(normaliser_memory)
            .map(|(a, b)| a - b);
        providers::require(device, library)?;
        if device.is_nvidia() {
            preload::nvidia_libraries(&library.path);
        }
        let cached = device == Device::Cpu && options.precision != Precision::Fp16;
        let cache = match sha256 {
            Some(sha256) if cached => Some(GraphCache::new(sha256, library, &options)?),
            _ => None,
        };
        let chosen = Chosen::of(path, image, device, &options, cache)?;
        Ok(Self {
            environment,
            path: path.to_owned(),
            device,
            share: chosen.share,
            options,
            normaliser_memory,
            source: chosen.source,
            mixes_images: chosen.mixes_images,
        })
    }

    /// Returns the precision it computes in: fp32 if `auto` chose a device without TF32.
    pub(super) fn precision(&self) -> Precision {
        self.options.precision
    }

    /// Opens the first session. If ONNX Runtime refuses the network with frostline's operators, its file is
    /// opened unchanged.
    fn open_first(&mut self) -> Result<Session> {
        match self.open() {
            Err(_) if self.own_network().is_some() => {
                self.source = Source::File;
                self.open()
            }
            opened => opened,
        }
    }

    /// Opens another session.
    pub(super) fn open(&self) -> Result<Session> {
        self.require_threads()?;
        let builder = self.builder(LogLevel::Fatal);
        let builder = builder.and_then(|b| providers::register(b, self.device, &self.options));
        let builder = builder.map_err(|e| fault::device(self.device, &one_line(&e)))?;
        self.commit(builder).map_err(|e| self.fault(&one_line(&e)))
    }

    /// Opens a session of the network that normalises images, on the same device.
    pub(super) fn open_normaliser(&self, network: &[u8]) -> Result<Session> {
        let builder = self.builder(LogLevel::Fatal);
        let options = RunOptions {
            gpu_memory: self.normaliser_memory,
            ..self.options.clone()
        };
        // TensorRT might round differently.
        let device = match self.device {
            Device::TensorRt(index) => Device::Cuda(index),
            device => device,
        };
        let builder = builder.and_then(|b| providers::register(b, device, &options));
        let opened = builder.and_then(|mut builder| builder.commit_from_memory(network));
        opened.map_err(|e| fault::device(self.device, &one_line(&e)))
    }

    /// Opens a session in float32 on the same device, from the network's unchanged file.
    pub(super) fn open_in_full(&self) -> Result<Session> {
        let full = Self {
            options: RunOptions {
                precision: Precision::Fp32,
                ..self.options.clone()
            },
            path: self.path.clone(),
            source: Source::File,
            ..*self
        };
        full.open()
    }

    /// Returns the number of CPUs that a session keeps busy; 0 on another device.
    pub(super) fn cpus(&self) -> usize {
        match self.device {
            Device::Cpu => self.share.threads,
            _ => 0,
        }
    }

    /// Returns the batches that it runs fastest.
    pub(super) fn liked_batches(&self) -> Liked {
        let ThreadShare { threads, light, .. } = self.share;
        match self.device {
            // In the Winograd domain, weights take four times the memory and are read again for every batch.
            Device::Cpu if light && threads == 1 && self.own_network().is_none() => Liked::Single,
            Device::Cpu => Liked::Any,
            _ => Liked::Even,
        }
    }

    /// Returns the network with frostline's operators, if it is used.
    pub(super) fn own_network(&self) -> Option<&OwnNetwork> {
        match &self.source {
            Source::Rewritten(network) => Some(network),
            Source::File | Source::ToKeep(_) | Source::Kept(_) | Source::Converted(_) => None,
        }
    }

    /// Refuses to open a session whose threads cannot be started: ONNX Runtime would wait forever for those
    /// that it has started. Twice as many are tried, because a thread that has ended counts a moment longer.
    fn require_threads(&self) -> Result<()> {
        let own = self.share.threads.saturating_sub(1);
        threads::require(2 * own, ThreadsFor::Images)
    }

    fn commit(&self, builder: SessionBuilder) -> ort::Result<Session> {
        self.source.commit(&self.path, self.share.threads, builder)
    }

    fn builder(&self, log: LogLevel) -> ort::Result<SessionBuilder> {
        // ONNX Runtime 1.32 otherwise ends with a segmentation fault for some products of transposed matrices
        // in float16, as in torchvision's ViT.
        let level = match (&self.source, self.device) {
            (Source::Converted(_), Device::Cpu) => GraphOptimizationLevel::Level2,
            _ => GraphOptimizationLevel::All,
        };
        Ok(Session::builder(self.environment)?
            .with_log_level(log)?
            .with_optimization_level(level)?
            .with_intra_threads(self.share.threads)?
            .with_inter_threads(1)?)
    }

    fn fault(&self, message: &str) -> Error {
        if let Some(error) = fault::library(self.device, message) {
            return error;
        }
        if !fault::is_cpu_fallback(message) {
            return match self.source {
                Source::Converted(_) if !fault::is_out_of_memory(message) => {
                    self.not_in_float16(message)
                }
                _ => fault::network(&self.path, message),
            };
        }
        let on_cpu = NetworkProblem::OnCpu {
            device: self.device.to_string(),
            nodes: self.nodes_on_cpu().unwrap_or_default(),
        };
        on_cpu.at(&self.path)
    }

    /// Returns the error if ONNX Runtime refuses what the conversion to float16 has made.
    fn not_in_float16(&self, message: &str) -> Error {
        let refused = frostline_onnx::Error::Network {
            path: self.path.clone(),
            problem: GraphProblem::NotInFloat16(message.to_owned()),
        };
        refused.into()
    }

    /// Opens the network again with a fallback to the CPU, only to see in the log which nodes fall back.
    fn nodes_on_cpu(&self) -> ort::Result<Vec<String>> {
        let log = PlacementLog::default();
        let builder = log.listen(self.builder(LogLevel::Verbose)?)?;
        let builder = providers::register_leniently(builder, self.device, &self.options)?;
        self.commit(builder)?;
        Ok(log.nodes_on_cpu())
    }
}
