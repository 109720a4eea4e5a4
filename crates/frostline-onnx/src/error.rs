//! Errors of networks and weights: the file, and what is wrong with it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// A file is cut off, damaged or something else.
    #[error("`{}` is {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it was expected to be.
        format: Format,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// A network cannot be used.
    #[error("cannot use the network `{}`: {problem}", path.display())]
    Network {
        /// The ONNX file, or the weights file next to it that is at fault.
        path: PathBuf,
        /// What is wrong with it.
        problem: NetworkProblem,
    },
    /// Weights do not match an architecture.
    #[error("cannot use the network `{}`: {problem}", path.display())]
    Weights {
        /// The weights file.
        path: PathBuf,
        /// What is wrong with them.
        problem: WeightsProblem,
    },
    /// There is no architecture with this name.
    #[error("unknown architecture `{name}`")]
    UnknownArchitecture {
        /// The requested name.
        name: String,
    },
}

/// What a file was expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// An ONNX network.
    Network,
    /// `PyTorch` weights: `.pth` or safetensors.
    Weights,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// It ends too early.
    #[error("cut off: {0}")]
    Cut(String),
    /// The format is right, but the content is not.
    #[error("damaged: {0}")]
    Damaged(String),
    /// It was valid when it was first read, but no longer is.
    #[error("damaged: {0}")]
    Changed(&'static str),
    /// A newer program wrote it.
    #[error("in format version {found}, but this frostline reads only versions up to {known}")]
    Newer {
        /// The version in the file.
        found: u64,
        /// The latest version that is supported.
        known: u64,
    },
    /// It is something else.
    #[error("not {}: {found}", wanted.words())]
    Foreign {
        /// What was expected.
        wanted: Wanted,
        /// What was found instead.
        found: String,
    },
}

/// What was expected of a file that is something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// An ONNX network.
    Network,
    /// A file written by `torch.save`, or safetensors.
    Weights,
    /// A state dict with nothing but tensors.
    TensorsAlone,
}

/// Why a network cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkProblem {
    /// It contains compiled code, which cannot be checked.
    #[error("it contains a compiled engine (an `EPContext` node), code that cannot be checked")]
    CompiledEngine,
    /// A tensor is defined more than once.
    #[error("its tensor `{0}` is defined more than once")]
    DuplicateTensor(String),
    /// A node reads a tensor that is not defined.
    #[error("its node {node} reads `{tensor}`, which is not defined")]
    UndefinedTensor {
        /// The node.
        node: String,
        /// The tensor.
        tensor: String,
    },
    /// A requested tensor does not exist.
    #[error("it has no tensor `{0}`")]
    NoTensor(String),
    /// A node depends on its own output.
    #[error("its node {0} depends on its own output: the graph has a cycle")]
    Cycle(String),
    /// The layer that the classifier reads cannot be determined.
    #[error("the layer before its classifier cannot be determined: {why}")]
    UncertainLayer {
        /// The reason.
        why: String,
        /// The candidates.
        candidates: Vec<Candidate>,
    },
    /// A requested layer does not exist.
    #[error("it has no layer `{0}`")]
    NoLayer(String),
    /// A layer does not depend on the image.
    #[error("its layer `{layer}` does not depend on the input image")]
    ConstantLayer {
        /// The layer.
        layer: String,
        /// The candidates.
        candidates: Vec<Candidate>,
    },
    /// The layer depends on several inputs.
    #[error("the layer depends on {} inputs ({}), but a backbone has one", .0.len(), .0.join(", "))]
    ManyInputs(Vec<String>),
    /// The input has an unsupported type.
    #[error("its input `{0}` is not of type float32, float16, bfloat16, float64 or uint8")]
    InputType(String),
    /// The input does not take images.
    #[error(
        "its input `{name}` has rank {rank}, but image inputs have rank 4: batch, channels, height and width"
    )]
    InputRank {
        /// The input.
        name: String,
        /// Its number of dimensions.
        rank: usize,
    },
    /// A constant in a node is stored in another file.
    #[error("its node {0} has a constant that is stored in another file")]
    HiddenWeights(String),
    /// A weights file is outside the network's folder.
    #[error("its weights are outside its folder, in `{0}`")]
    OutsideFolder(String),
    /// A weights file is missing.
    #[error("its weights are missing: `{}` does not exist", .0.display())]
    NoWeights(PathBuf),
    /// A weights file cannot be read.
    #[error("its weights cannot be read from `{}`: {error}", path.display())]
    UnreadableWeights {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        error: io::Error,
    },
    /// A weights file is too short.
    #[error("its weight `{weight}` ends at byte {end}, but its file ends at byte {length}")]
    WeightBeyondFile {
        /// The weight.
        weight: String,
        /// The byte at which it ends.
        end: u64,
        /// The length of the file in bytes.
        length: u64,
    },
    /// The length of a weight in another file is unknown.
    #[error("the length of its weight `{0}` is unknown")]
    UnknownLength(String),
    /// Two weights overlap.
    #[error("its weights `{first:.80}` and `{second:.80}` overlap: they share bytes of `{}`", file.display())]
    SharedBytes {
        /// One weight.
        first: String,
        /// The other.
        second: String,
        /// The file that contains both.
        file: PathBuf,
    },
    /// The same bytes are used for too many weights.
    #[error("its weights use the same {bytes} bytes of `{}` more than {most} times", file.display())]
    UsedTooOften {
        /// The number of distinct bytes that are used.
        bytes: u64,
        /// The file that contains them.
        file: PathBuf,
        /// How often they may be used on average.
        most: u64,
    },
    /// The output of a pooling is empty.
    #[error("its node {0} has a window that is larger than its input")]
    WindowTooLarge(String),
    /// It contains frostline's own operators, which other programs do not have.
    #[error("it contains frostline's own operators")]
    OwnOperators,
    /// Its version of ONNX's operators is too old, or ambiguous (0).
    #[error("its operators are those of version {found}, but at least version {needed} is needed")]
    OldOpset {
        /// The version in the file.
        found: i64,
        /// The first version that is supported.
        needed: i64,
    },
    /// A node of an old version of ONNX's operators is not known in a newer version.
    #[error("its node {node} of operator version {from} cannot be raised to version {to}")]
    NotLifted {
        /// The node.
        node: String,
        /// The version of the network.
        from: i64,
        /// The version that is needed.
        to: i64,
    },
    /// A tensor has the name of an output of an export, and cannot be renamed.
    #[error("its tensor `{0}` has the name of an output of the export, and cannot be renamed")]
    NameOfOutput(String),
    /// It cannot be quantised to 8 bits.
    #[error("it cannot be quantised to 8 bits: {0}")]
    NotInInt8(String),
    /// It cannot be converted to float16.
    #[error("it cannot be converted to float16: {0}")]
    NotInFloat16(String),
}

/// A candidate for the layer before the classifier; its `Display` is an entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The tensor's name.
    pub layer: String,
    /// Its shape, such as `(N, 4096)`, as far as it is known.
    pub shape: String,
    /// What reads it.
    pub reader: String,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}; {})", self.layer, self.shape, self.reader)
    }
}

/// Why weights cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsProblem {
    /// A tensor is missing.
    #[error("tensor `{0}` is missing")]
    Missing(String),
    /// A batch norm and its convolution have different numbers of channels.
    #[error("the batch norm `{norm}` does not match the convolution `{conv}`")]
    UnfitNorm {
        /// The batch norm.
        norm: String,
        /// The convolution before it.
        conv: String,
    },
    /// Folding a batch norm into its convolution gives values that are not finite.
    #[error("folding `{norm}` into `{conv}` gives values that are not finite")]
    NotFinite {
        /// The convolution.
        conv: String,
        /// The batch norm after it.
        norm: String,
    },
    /// The tensors do not match the architecture.
    #[error("{0}")]
    OtherTensors(Differences),
    /// No tensors in a checkpoint match the architecture.
    #[error("no weights in it match; closest are those {place}: {differences}")]
    Closest {
        /// Where the closest ones are: the dictionary and the prefix.
        place: String,
        /// How they differ from the architecture's.
        differences: Box<Differences>,
    },
    /// Several models in a checkpoint match the architecture.
    #[error("it contains {} models that match: {}", .0.len(), listed(.0))]
    Several(Vec<String>),
    /// The requested weights are not in a checkpoint that contains others.
    #[error(
        "it contains no {wanted} that match; these match: {}",
        listed(matching)
    )]
    NotThere {
        /// The requested weights.
        wanted: String,
        /// The names of those that match.
        matching: Vec<String>,
    },
}

fn listed(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// How the tensors of a file differ from an architecture's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Differences {
    /// The tensors that are missing.
    pub missing: Vec<String>,
    /// The tensors that the architecture does not have.
    pub unexpected: Vec<String>,
    /// The tensors of the wrong shape, with both shapes.
    pub reshaped: Vec<String>,
}

/// The number of names listed for each kind.
const SHOWN: usize = 5;

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("missing", &self.missing),
            ("unexpected", &self.unexpected),
            ("with the wrong shape", &self.reshaped),
        ];
        let mut separator = "";
        for (kind, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            let shown = names[..names.len().min(SHOWN)].join(", ");
            write!(f, "{separator}{} {kind}: {shown}", names.len())?;
            if names.len() > SHOWN {
                write!(f, " and {} more", names.len() - SHOWN)?;
            }
            separator = "; ";
        }
        Ok(())
    }
}

impl Error {
    /// Returns a function that wraps an I/O error with the path of the file that was read.
    pub(crate) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.as_ref().to_owned(),
            source,
        }
    }
}

impl FileProblem {
    /// Returns the error for the file at `path`.
    pub(crate) fn at(self, path: &Path, format: Format) -> Error {
        Error::File {
            path: path.to_owned(),
            format,
            problem: self,
        }
    }
}

impl NetworkProblem {
    /// Returns the error for the network at `path`.
    pub(crate) fn at(self, path: &Path) -> Error {
        Error::Network {
            path: path.to_owned(),
            problem: self,
        }
    }
}

impl Wanted {
    /// Returns its name, with an article.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Network => "an ONNX network",
            Self::Weights | Self::TensorsAlone => "a PyTorch weights file",
        }
    }
}
