//! Errors of ONNX Runtime and its devices.

use std::path::PathBuf;

use crate::phrases::{all_in_quotes, counted};

/// Why ONNX Runtime or one of its devices cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeProblem {
    /// Its library was not found.
    #[error(
        "ONNX Runtime was not found: ORT_DYLIB_PATH is not set, and there is no `{library}` in {}{}",
        all_in_quotes(folders.iter().map(|folder| folder.display())),
        loader.as_ref().map_or_else(String::new, |why| format!(" or on the loader's path: {why}"))
    )]
    Missing {
        /// The name of the library.
        library: String,
        /// The folders that were searched.
        folders: Vec<PathBuf>,
        /// The error of the system's loader, if it was used.
        loader: Option<LibraryProblem>,
    },
    /// `ORT_DYLIB_PATH` is relative, so it would depend on the working directory.
    #[error(
        "ORT_DYLIB_PATH is the relative path `{}`, but code is loaded only from absolute paths",
        .0.display()
    )]
    RelativePath(PathBuf),
    /// A library cannot be used as ONNX Runtime.
    #[error("cannot use `{}` (from {origin}) as ONNX Runtime: {problem}", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// How its path was found.
        origin: String,
        /// What is wrong with it.
        problem: LibraryProblem,
    },
    /// The loader could load code from the working directory.
    #[error("refusing to load `{}`: {problem}", path.display())]
    SearchPath {
        /// The library.
        path: PathBuf,
        /// What is wrong with the loader's search path.
        problem: SearchPathProblem,
    },
    /// It would upload usage data.
    #[error(
        "ONNX Runtime {version} would collect and upload usage data: ORT_DISABLE_TELEMETRY is not set"
    )]
    Telemetry {
        /// The version of ONNX Runtime.
        version: String,
    },
    /// It does not start.
    #[error("cannot start ONNX Runtime from `{}`: {message}", path.display())]
    Start {
        /// Its library.
        path: PathBuf,
        /// ONNX Runtime's message.
        message: String,
    },
    /// It does not include an execution provider.
    #[error(
        "ONNX Runtime {version} was built without {}: `{}` is missing", provider.name(), missing.display()
    )]
    NoProvider {
        /// The missing execution provider.
        provider: Provider,
        /// The version of ONNX Runtime.
        version: String,
        /// The missing file of the provider.
        missing: PathBuf,
    },
    /// A device does not work.
    #[error("the device {device} does not work: {problem}")]
    Device {
        /// The device, for example `cuda:0`.
        device: String,
        /// What is wrong with it.
        problem: DeviceProblem,
    },
    /// Winograd convolutions were requested in fp16.
    #[error("Winograd convolutions are not available in fp16")]
    WinogradInFp16,
    /// Winograd convolutions were requested on a device other than the CPU.
    #[error("Winograd convolutions are available only on the CPU")]
    WinogradOffCpu,
}

/// Why a library cannot be used as ONNX Runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryProblem {
    /// It cannot be read or loaded; the system's message.
    #[error("{0}")]
    System(String),
    /// It is not a shared library.
    #[error("it is not a shared library")]
    Foreign,
    /// It is truncated to this many bytes.
    #[error("it is cut off after {0} bytes")]
    Cut(u64),
    /// It does not export ONNX Runtime's entry point.
    #[error("it has no `OrtGetApiBase`, so it is not ONNX Runtime")]
    NoEntry,
    /// The entry point returns null.
    #[error("its `OrtGetApiBase` returns null")]
    EmptyEntry,
    /// It does not report its version.
    #[error("it does not report a version")]
    NoVersion,
    /// Its version is too old or has another major version.
    #[error("it is version {found}, but version 1.{needed} or later (1.x) is required")]
    Version {
        /// Its version.
        found: String,
        /// The minimum minor version.
        needed: u32,
    },
    /// It does not provide the API of the version that it reports.
    #[error("it reports version {found}, but does not provide API version {needed}")]
    NoApi {
        /// The version that it reports.
        found: String,
        /// The minor version of the missing API.
        needed: u32,
    },
}

/// Why the loader's search path is not safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchPathProblem {
    /// It leads to the working directory, and ONNX Runtime was found nowhere else.
    #[error(
        "ONNX Runtime was found nowhere else, and LD_LIBRARY_PATH has an empty or relative entry, which \
         makes the loader search the working directory"
    )]
    OnlyThere,
    /// It leads to this file in the working directory.
    #[error(
        "LD_LIBRARY_PATH has an empty or relative entry, so the loader could load `{}` from the working \
         directory",
        .0.display()
    )]
    Holds(PathBuf),
}

/// An execution provider of ONNX Runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// NVIDIA GPUs.
    Cuda,
    /// NVIDIA GPUs through `TensorRT`.
    TensorRt,
    /// Apple devices.
    CoreMl,
    /// GPUs on Windows.
    DirectMl,
    /// Intel devices.
    OpenVino,
}

impl Provider {
    /// Returns ONNX Runtime's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuda => "CUDA",
            Self::TensorRt => "TensorRT",
            Self::CoreMl => "CoreML",
            Self::DirectMl => "DirectML",
            Self::OpenVino => "OpenVINO",
        }
    }
}

/// Why a device does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceProblem {
    /// The NVIDIA driver is not installed.
    #[error("the NVIDIA driver (`libcuda.so.1`) is missing")]
    NoDriver,
    /// A library was not found.
    #[error("`{0}` is missing")]
    NoLibrary(String),
    /// There is no GPU, or none that is visible to this process.
    #[error("no CUDA-capable device is detected")]
    NoGpu,
    /// No GPU has this number; the number of GPUs.
    #[error("this process sees {}, numbered from 0", counted(*.0, "GPU"))]
    NoSuchGpu(usize),
    /// A message of the driver.
    #[error("the driver reports: {0}")]
    Driver(String),
    /// A message of ONNX Runtime.
    #[error("{0}")]
    Other(String),
}
