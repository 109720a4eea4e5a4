//! What the setup installs, and what it did.

use std::fmt;
use std::path::PathBuf;

use crate::backbones::{BackboneManifest, DEFAULT_BACKBONE, DownloadOptions, Home};
use crate::progress::Progress;
use crate::tasks::import_onnx::ImportNote;
use crate::tasks::packages::{Catalogue, FileOrigin, Packages, Python};

/// The options of [`setup`](crate::tasks::setup()): what to install, and from where.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SetupOptions {
    /// The name of a known backbone.
    pub backbone: String,
    /// Whether ONNX Runtime is also installed for NVIDIA GPUs.
    pub gpu: Gpu,
    /// Files to use instead of downloads: wheels, ONNX Runtime's library, the backbone's file.
    pub files: Vec<PathBuf>,
    /// Where to look for Python.
    pub python: Python,
    /// The `FROSTLINE_HOME` to install into.
    pub home: Home,
    /// Timeouts, minimum speed and proxies of downloads that pip does not make.
    pub download: DownloadOptions,
    /// What is pinned; by default, what is compiled in.
    #[doc(hidden)]
    pub catalogue: Catalogue,
}

/// Whether to install ONNX Runtime for GPUs too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Gpu {
    /// Only for the CPU.
    #[default]
    None,
    /// Also for NVIDIA GPUs, with NVIDIA's libraries.
    Cuda,
}

impl SetupOptions {
    /// Installs ONNX Runtime for the CPU and the default backbone, and looks for Python in the environment.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self {
            backbone: DEFAULT_BACKBONE.to_owned(),
            gpu: Gpu::default(),
            files: Vec::new(),
            python: Python::from_env(),
            home,
            download: DownloadOptions::default(),
            catalogue: Catalogue::default(),
        }
    }
}

/// One of the things that the setup installs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupPart {
    /// ONNX Runtime.
    Runtime,
    /// ONNX Runtime for NVIDIA GPUs, with NVIDIA's libraries.
    CudaRuntime,
    /// A backbone, by its name.
    Backbone(String),
}

impl fmt::Display for SetupPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime => f.write_str("ONNX Runtime"),
            Self::CudaRuntime => f.write_str("ONNX Runtime for NVIDIA GPUs"),
            Self::Backbone(name) => write!(f, "the backbone {name}"),
        }
    }
}

/// A part that is installed now.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SetupPiece {
    /// The part.
    pub part: SetupPart,
    /// Its file, or its folder.
    pub path: PathBuf,
    /// What was done.
    pub outcome: SetupOutcome,
}

/// What the setup did for a part.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SetupOutcome {
    /// It was there and intact.
    Kept {
        /// The given files that would have been used otherwise.
        unused: Vec<PathBuf>,
    },
    /// It was installed.
    Installed {
        /// Where its file comes from.
        origin: FileOrigin,
        /// Whether it replaced a damaged one.
        replaced: bool,
        /// Notes on what the import of a network changed.
        notes: Vec<ImportNote>,
    },
}

/// A running setup.
pub(super) struct Setup<'a> {
    pub(super) options: &'a SetupOptions,
    pub(super) packages: Packages<'a>,
    pub(super) manifest: BackboneManifest,
    pub(super) progress: &'a dyn Progress,
}
