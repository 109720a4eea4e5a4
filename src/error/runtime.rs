//! Why ONNX Runtime, or a device of it, cannot be used.

use std::path::PathBuf;

use crate::phrases::all_in_quotes;

/// Why ONNX Runtime, or a device of it, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeProblem {
    /// Its library is in none of its places.
    #[error(
        "ONNX Runtime is missing: ORT_DYLIB_PATH is not set, and there is no `{library}` in {}{}",
        all_in_quotes(folders.iter().map(|folder| folder.display())),
        loader.as_ref().map_or_else(String::new, |why| format!(" or on the loader's path: {why}"))
    )]
    Missing {
        /// The library's name.
        library: String,
        /// The folders that were looked into.
        folders: Vec<PathBuf>,
        /// What the system's loader says, where it was asked.
        loader: Option<LibraryProblem>,
    },
    /// `ORT_DYLIB_PATH` would be another file wherever a program is started.
    #[error(
        "ORT_DYLIB_PATH is the relative path `{}`, and code is loaded from absolute paths only",
        .0.display()
    )]
    RelativePath(PathBuf),
    /// What was found does not fit.
    #[error("cannot use `{}` (from {origin}) as ONNX Runtime: {problem}", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// Where it was looked for.
        origin: String,
        /// What is wrong with it.
        problem: LibraryProblem,
    },
    /// The loader could take code from the working directory.
    #[error("`{}` is not loaded: {problem}", path.display())]
    SearchPath {
        /// What was to be loaded.
        path: PathBuf,
        /// Where the loader's search path leads to.
        problem: SearchPathProblem,
    },
    /// It would send data away.
    #[error(
        "ONNX Runtime {version} would collect and upload usage data: ORT_DISABLE_TELEMETRY is not set"
    )]
    Telemetry {
        /// The version that does.
        version: String,
    },
    /// It does not start.
    #[error("cannot start ONNX Runtime from `{}`: {message}", path.display())]
    Start {
        /// Its library.
        path: PathBuf,
        /// Its own words.
        message: String,
    },
    /// It cannot drive a device.
    #[error(
        "ONNX Runtime {version} was built without {}: `{}` is missing", provider.name(), missing.display()
    )]
    NoProvider {
        /// The part that is missing.
        provider: Provider,
        /// The version of ONNX Runtime.
        version: String,
        /// The file of that part.
        missing: PathBuf,
    },
    /// A device does not work.
    #[error("the device {device} does not work: {problem}")]
    Device {
        /// The device: `cuda:0`.
        device: String,
        /// Why.
        problem: DeviceProblem,
    },
    /// Convolutions in the Winograd domain were asked for in fp16.
    #[error("in fp16 convolutions cannot be computed in the Winograd domain")]
    WinogradInFp16,
    /// Convolutions in the Winograd domain were asked for on another device than the CPU.
    #[error("only the CPU has convolutions computed in the Winograd domain")]
    WinogradOffCpu,
}

/// Why a library cannot be used as ONNX Runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryProblem {
    /// It cannot be read or loaded; the system's own words.
    #[error("{0}")]
    System(String),
    /// It is a text, a folder, or something else.
    #[error("it is not a shared library")]
    Foreign,
    /// Its end is missing; its length.
    #[error("it is cut off after {0} bytes")]
    Cut(u64),
    /// It has not the function by which ONNX Runtime is entered.
    #[error("it has no `OrtGetApiBase`, so it is another library")]
    NoEntry,
    /// That function gives null.
    #[error("its `OrtGetApiBase` gives nothing")]
    EmptyEntry,
    /// It does not say which version it is.
    #[error("it has no version")]
    NoVersion,
    /// It is too old, or of another series.
    #[error("it is version {found}, and version 1.{needed} or later of the 1 series is needed")]
    Version {
        /// What it is.
        found: String,
        /// The minor version that is needed.
        needed: u32,
    },
    /// It has not the functions of the version that it says it is.
    #[error("it says that it is version {found}, but has no API of version {needed}")]
    NoApi {
        /// What it says it is.
        found: String,
        /// The minor version that is needed.
        needed: u32,
    },
}

/// Why the search path for libraries is not safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchPathProblem {
    /// To the working directory, and ONNX Runtime is in no other place.
    #[error(
        "ONNX Runtime is nowhere else, and LD_LIBRARY_PATH has an empty or relative part, by which the \
         loader looks for it in the working directory"
    )]
    OnlyThere,
    /// To this in the working directory.
    #[error(
        "LD_LIBRARY_PATH has an empty or relative part, by which the loader may take `{}` from the working \
         directory",
        .0.display()
    )]
    Holds(PathBuf),
}

/// An execution provider of ONNX Runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// NVIDIA's GPUs.
    Cuda,
    /// NVIDIA's GPUs by `TensorRT`.
    TensorRt,
    /// Apple's devices.
    CoreMl,
    /// GPUs on Windows.
    DirectMl,
    /// Intel's devices.
    OpenVino,
}

impl Provider {
    /// As ONNX Runtime calls it.
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
    /// NVIDIA's driver is not installed.
    #[error("`libcuda.so.1`, NVIDIA's driver, is missing")]
    NoDriver,
    /// A library is not found.
    #[error("`{0}` is missing")]
    NoLibrary(String),
    /// What the driver says.
    #[error("the driver reports: {0}")]
    Driver(String),
    /// What ONNX Runtime says.
    #[error("{0}")]
    Other(String),
}
