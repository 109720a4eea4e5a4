//! Why a network, ONNX Runtime or a device cannot be used.

use std::path::PathBuf;

use super::file::KnownFile;
use super::home::HomeProblem;
use super::network::NetworkProblem;
use super::runtime::RuntimeProblem;

/// Why a network, ONNX Runtime or a device cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackboneError {
    /// A network file cannot be used as a backbone.
    #[error("cannot use the network `{}`: {problem}", path.display())]
    Network {
        /// The ONNX or weights file, or the name that was to lead to one.
        path: PathBuf,
        /// Why.
        problem: NetworkProblem,
    },
    /// ONNX Runtime, or a device of it, is missing or unfit.
    #[error(transparent)]
    Runtime(#[from] RuntimeProblem),
    /// The folder for models and runtime cannot be used.
    #[error(transparent)]
    Home(#[from] HomeProblem),
    /// The registry has no such name.
    #[error("there is no backbone `{name}` in the registry")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// There is no architecture of this name.
    #[error("there is no architecture `{name}`")]
    UnknownArchitecture {
        /// What was asked for.
        name: String,
    },
    /// What else `frostline-onnx` refuses.
    #[error(transparent)]
    Onnx(frostline_onnx::error::Error),
    /// A network is not the one that a head was trained with.
    #[error(
        "the network `{}` with SHA-256 {sha256:.16}… and the one that the head was trained with do not \
         match: that one was `{name}` with SHA-256 {wanted:.16}…",
        path.display()
    )]
    OtherNetwork {
        /// The network that was given.
        path: PathBuf,
        /// Its SHA-256.
        sha256: String,
        /// The name of the one that is wanted.
        name: String,
        /// The SHA-256 of that one.
        wanted: String,
    },
    /// A file came from none of its places.
    #[error("cannot fetch `{}`: {}", file.name, failures.join("; "))]
    Download {
        /// The file.
        file: Box<KnownFile>,
        /// Each place with what was wrong there.
        failures: Vec<String>,
        /// Where it belongs.
        path: PathBuf,
        /// How many of its bytes came, and are kept.
        kept: u64,
    },
    /// A variable of the environment names no proxy. Its value may hold a password.
    #[error("the environment's {variable} is no proxy")]
    Proxy {
        /// The variable.
        variable: &'static str,
    },
    /// A file that is being fetched does not fit onto the disk.
    #[error("the disk is full: `{}` needs {missing} bytes more", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What is still to be written.
        missing: u64,
    },
}
