//! Why a network, or weights of one, cannot be used: the file, and what is wrong with it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to let a file be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
    /// A file is cut off, damaged, or something else.
    #[error("`{}` is {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should be.
        format: Format,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// A network cannot be used.
    #[error("cannot use the network `{}`: {problem}", path.display())]
    Network {
        /// The ONNX file, or the file of weights beside it that is at fault.
        path: PathBuf,
        /// What is wrong with it.
        problem: NetworkProblem,
    },
    /// Weights are not those of an architecture.
    #[error("cannot use the network `{}`: {problem}", path.display())]
    Weights {
        /// The file of weights.
        path: PathBuf,
        /// What is wrong with them.
        problem: WeightsProblem,
    },
    /// There is no architecture of this name.
    #[error("there is no architecture `{name}`")]
    UnknownArchitecture {
        /// What was asked for.
        name: String,
    },
}

/// What a file should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// An ONNX network.
    Network,
    /// Weights of `PyTorch`: `.pth` or safetensors.
    Weights,
}

/// The ways in which a file is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// It ends too early.
    #[error("cut off: {0}")]
    Cut(String),
    /// The format is right, its content is not.
    #[error("damaged: {0}")]
    Damaged(String),
    /// It was right when it was read first, and is not any more.
    #[error("damaged: {0}")]
    Changed(&'static str),
    /// A later program wrote it.
    #[error("of format version {found}, newer than {known}, the latest that this frostline reads")]
    Newer {
        /// The version in the file.
        found: u64,
        /// The latest that is read.
        known: u64,
    },
    /// It is something else.
    #[error("not {}: {found}", wanted.words())]
    Foreign {
        /// What was looked for.
        wanted: Wanted,
        /// What it is instead.
        found: String,
    },
}

/// What was looked for in a file that has something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// An ONNX network.
    Network,
    /// A file that `torch.save` wrote, or safetensors.
    Weights,
    /// A state dict, and nothing beyond tensors.
    TensorsAlone,
}

/// Why a network cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkProblem {
    /// It runs code that lies in no tensor.
    #[error("it runs a compiled engine (a node `EPContext`), which is code that nothing checks")]
    CompiledEngine,
    /// A tensor has two makers.
    #[error("two of its parts make a tensor `{0}`")]
    MadeTwice(String),
    /// A node reads a tensor that has no maker.
    #[error("its node {node} reads `{tensor}`, which nothing makes")]
    MadeByNothing {
        /// The node.
        node: String,
        /// The tensor.
        tensor: String,
    },
    /// A tensor that was asked for is not there.
    #[error("it has no tensor `{0}`")]
    NoTensor(String),
    /// A node needs its own output.
    #[error("its node {0} waits for its own output: the graph is a circle")]
    Circle(String),
    /// It cannot be told which layer the classifier reads.
    #[error("the layer before its classifier is not certain: {why}")]
    UncertainLayer {
        /// What speaks against the one that was looked at.
        why: String,
        /// The layers that may be meant.
        candidates: Vec<Candidate>,
    },
    /// A layer that was asked for is not there.
    #[error("it has no layer `{0}`")]
    NoLayer(String),
    /// The picture has no say in a layer.
    #[error("its layer `{layer}` is the same for every picture")]
    ConstantLayer {
        /// The layer.
        layer: String,
        /// The layers that may be meant.
        candidates: Vec<Candidate>,
    },
    /// Not one input leads to the layer.
    #[error("{} inputs lead to the layer ({}), and a backbone has one", .0.len(), .0.join(", "))]
    ManyInputs(Vec<String>),
    /// The input takes numbers of another type.
    #[error("its input `{0}` takes no float32, float16, float64 or uint8 numbers")]
    InputType(String),
    /// The input takes no picture.
    #[error(
        "its input `{name}` has {rank} dimensions, and pictures have four: batch, channels, height and width"
    )]
    InputRank {
        /// The input.
        name: String,
        /// How many dimensions it has.
        rank: usize,
    },
    /// A constant in a node lies in another file.
    #[error("its node {0} has numbers of its own in another file")]
    HiddenWeights(String),
    /// A file of weights lies outside of the network's folder.
    #[error("its weights lie outside of its folder, in `{0}`")]
    OutsideFolder(String),
    /// A file of weights is not there.
    #[error("its weights are missing: there is no `{}`", .0.display())]
    NoWeights(PathBuf),
    /// A file of weights cannot be read.
    #[error("its weights cannot be read from `{}`: {error}", path.display())]
    UnreadableWeights {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        error: io::Error,
    },
    /// A file of weights is too short.
    #[error("its weight `{weight}` ends after {end} bytes, and the file after {length}")]
    WeightBeyondFile {
        /// The weight.
        weight: String,
        /// Where it ends.
        end: u64,
        /// Where the file does.
        length: u64,
    },
    /// It cannot be told how long a weight in another file is.
    #[error("the length of its weight `{0}` is not known")]
    UnknownLength(String),
    /// Two weights overlap.
    #[error("its weights `{first:.80}` and `{second:.80}` share some of the bytes of `{}`", file.display())]
    SharedBytes {
        /// One weight.
        first: String,
        /// The other.
        second: String,
        /// The file of both.
        file: PathBuf,
    },
    /// Few bytes are used for much.
    #[error("its weights use the {bytes} bytes of theirs in `{}` more than {most} times", file.display())]
    UsedTooOften {
        /// Those that are used.
        bytes: u64,
        /// The file that they are in.
        file: PathBuf,
        /// How often they may be used.
        most: u64,
    },
    /// A pooling leaves nothing of its input.
    #[error("its node {0} has a window that is larger than what it moves over")]
    WindowTooLarge(String),
    /// It cannot be converted to float16.
    #[error("it cannot be brought to fp16: {0}")]
    NotInFloat16(String),
}

/// A layer that may be meant by the one before the classifier; its `Display` is one line for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The tensor's name.
    pub layer: String,
    /// Its shape, `(N, 4096)`, as far as it is known.
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
    /// A tensor is not there.
    #[error("`{0}` is missing")]
    Missing(String),
    /// A batch norm has not as many channels as its convolution.
    #[error("`{norm}` does not fit `{conv}`")]
    UnfitNorm {
        /// The batch norm.
        norm: String,
        /// The convolution before it.
        conv: String,
    },
    /// A folded convolution has numbers that are not finite.
    #[error("`{conv}` and `{norm}` hold numbers that are not finite")]
    NotFinite {
        /// The convolution.
        conv: String,
        /// The batch norm behind it.
        norm: String,
    },
    /// The tensors are those of another architecture.
    #[error("{0}")]
    OtherTensors(Differences),
}

/// How the tensors of a file differ from an architecture's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Differences {
    /// Those that are not there.
    pub missing: Vec<String>,
    /// Those that the architecture has not.
    pub unexpected: Vec<String>,
    /// Those of another shape, with both shapes.
    pub reshaped: Vec<String>,
}

/// How many names of a kind are listed.
const SHOWN: usize = 5;

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("missing", &self.missing),
            ("unexpected", &self.unexpected),
            ("of another shape", &self.reshaped),
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
    /// Wraps the system's error with the path of the file that was read.
    pub(crate) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.as_ref().to_owned(),
            source,
        }
    }
}

impl FileProblem {
    /// The error for the file at `path`.
    pub(crate) fn at(self, path: &Path, format: Format) -> Error {
        Error::File {
            path: path.to_owned(),
            format,
            problem: self,
        }
    }
}

impl NetworkProblem {
    /// The error for the network at `path`.
    pub(crate) fn at(self, path: &Path) -> Error {
        Error::Network {
            path: path.to_owned(),
            problem: self,
        }
    }
}

impl Wanted {
    /// What it is called, with its article.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Network => "an ONNX network",
            Self::Weights | Self::TensorsAlone => "a file of PyTorch's weights",
        }
    }
}
