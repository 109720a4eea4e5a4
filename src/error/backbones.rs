//! Errors of networks, ONNX Runtime and devices.

use std::path::PathBuf;

use super::file::KnownFile;
use super::home::HomeProblem;
use super::hub::HubProblem;
use super::network::NetworkProblem;
use super::runtime::RuntimeProblem;

/// Why a network, ONNX Runtime or a device cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackboneError {
    /// A network cannot be used as a backbone.
    #[error("cannot use the network `{}`: {problem}", path.display())]
    Network {
        /// The ONNX or weights file, or the name that was given for it.
        path: PathBuf,
        /// What is wrong with it.
        problem: NetworkProblem,
    },
    /// ONNX Runtime or one of its devices is missing or unsuitable.
    #[error(transparent)]
    Runtime(#[from] RuntimeProblem),
    /// `FROSTLINE_HOME` cannot be used.
    #[error(transparent)]
    Home(#[from] HomeProblem),
    /// The registry has no backbone of this name.
    #[error("unknown backbone `{name}`")]
    Unknown {
        /// The requested name.
        name: String,
        /// The names in the registry.
        known: Vec<String>,
    },
    /// There is no architecture of this name.
    #[error("unknown architecture `{name}`")]
    UnknownArchitecture {
        /// The requested name.
        name: String,
    },
    /// Any other error of `frostline-onnx`.
    #[error(transparent)]
    Onnx(frostline_onnx::error::Error),
    /// A network is not the one that a head was trained with.
    #[error(
        "the network `{}` (SHA-256 {sha256:.16}…) is not the one that the head was trained with: `{name}` \
         (SHA-256 {wanted:.16}…)",
        path.display()
    )]
    OtherNetwork {
        /// The network that was given.
        path: PathBuf,
        /// Its SHA-256.
        sha256: String,
        /// The name of the network that is needed.
        name: String,
        /// The SHA-256 of the network that is needed.
        wanted: String,
    },
    /// A file could not be downloaded from any of its URLs.
    #[error("cannot download `{}`: {}", file.name, failures.join("; "))]
    Download {
        /// The file.
        file: Box<KnownFile>,
        /// Each URL with its failure.
        failures: Vec<String>,
        /// Where the file belongs.
        path: PathBuf,
        /// How many of its bytes have arrived and are kept.
        kept: u64,
    },
    /// A network on the model hub cannot be fetched.
    #[error("cannot pull `{model}`: {problem}")]
    Hub {
        /// The network, as `hf:OWNER/NAME`.
        model: String,
        /// The problem.
        problem: HubProblem,
    },
    /// An environment variable for the model hub cannot be used. Its value is not shown: it may be secret.
    #[error("the environment variable {variable} {problem}")]
    HubVariable {
        /// The variable.
        variable: &'static str,
        /// What is wrong, as the end of a sentence.
        problem: &'static str,
    },
    /// An environment variable is not a valid proxy URL. Its value is not shown: it may contain a password.
    #[error("the environment variable {variable} is not a valid proxy URL")]
    Proxy {
        /// The variable.
        variable: &'static str,
    },
    /// A network does not fit on the disk.
    #[error("the disk is full: `{}` needs {missing} more bytes", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// How many bytes are still to be written.
        missing: u64,
    },
}
