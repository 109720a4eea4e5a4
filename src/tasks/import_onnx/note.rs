//! Notes on an import for the user.

use std::fmt;
use std::path::PathBuf;

use crate::backbones::PublishedPreprocessing;
use crate::backbones::onnx::{Element, PixelRange};
use crate::phrases::{all_in_quotes, counted};

/// A note on an import for the user.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ImportNote {
    /// The file is that of this known backbone.
    Known(String),
    /// How much of the network was kept.
    Kept {
        /// The number of layers kept, and of all layers.
        layers: (usize, usize),
        /// The number of weights kept, and of all weights.
        weights: (usize, usize),
        /// The original file.
        file: PathBuf,
    },
    /// The network's batch size was fixed, and is now dynamic.
    FreedBatch {
        /// The original batch size.
        batch: u64,
        /// The number of nodes that had to be changed.
        nodes: usize,
    },
    /// The network's batch size could not be made dynamic.
    FixedBatch {
        /// The batch size.
        batch: u64,
        /// The problem with another batch size.
        problem: String,
    },
    /// The network's input was not float32; a conversion was added.
    Converted {
        /// The input's name.
        input: String,
        /// The original element type.
        element: Element,
    },
    /// The network normalises pixel values itself.
    Normalises {
        /// The values that it expects.
        range: PixelRange,
    },
    /// The preprocessing that was published with the network is used.
    Published(PublishedPreprocessing),
    /// Preprocessing settings were guessed.
    Guessed {
        /// The input whose shape was used.
        input: String,
        /// The guessed settings, as name and value.
        settings: Vec<(&'static str, String)>,
    },
    /// Averaging over the positions of the layer would give fewer features.
    Positions {
        /// The number of positions.
        positions: usize,
        /// The number of features after averaging.
        features: usize,
    },
    /// Weights were not in the file as in a state dict, but within other dictionaries or with a prefix.
    Wrapped {
        /// The keys of the dictionaries, joined by dots; may be empty.
        wrapper: String,
        /// The prefix of all names; may be empty.
        prefix: String,
    },
    /// The file also contains other weights of the architecture, with these names.
    OtherWeights(Vec<String>),
}

impl fmt::Display for ImportNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => {
                write!(
                    f,
                    "the file is the known backbone `{name}`; its manifest is used"
                )
            }
            Self::Kept {
                layers: (layers, all),
                weights: (weights, all_weights),
                file,
            } => write!(
                f,
                "kept {layers} of {all} layers and {weights} of {all_weights} weights of `{}`",
                file.display()
            ),
            Self::FreedBatch { batch, nodes: 0 } => {
                write!(f, "its batch size was fixed to {batch} and is dynamic now")
            }
            Self::FreedBatch { batch, nodes } => write!(
                f,
                "its batch size was fixed to {batch} and is dynamic now, also in the constants of {}",
                counted(*nodes, "node")
            ),
            Self::FixedBatch { batch, problem } => write!(
                f,
                "its batch size stays {batch}, so images run {batch} at a time: {problem}"
            ),
            Self::Converted { input, element } => write!(
                f,
                "its input `{input}` takes {element}; a conversion from float32 was added"
            ),
            Self::Normalises { range } => {
                let most = match range {
                    PixelRange::Bytes => 255,
                    PixelRange::Unit => 1,
                };
                write!(
                    f,
                    "it normalises pixel values itself, so they are passed as 0 to {most}"
                )
            }
            Self::Published(published) => write!(f, "using {published}"),
            Self::Guessed { input, settings } => {
                let settings = settings
                    .iter()
                    .map(|(name, value)| format!("`{name}` {value}"));
                let settings = settings.collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "preprocessing guessed from the shape of its input `{input}` and from ImageNet \
                     defaults: {settings}"
                )
            }
            Self::Positions {
                positions,
                features,
            } => write!(
                f,
                "its layer has {positions} positions; averaging over them (`pool` mean) leaves {features} \
                 features"
            ),
            Self::Wrapped { wrapper, prefix } => match (wrapper.as_str(), prefix.as_str()) {
                (wrapper, "") => write!(f, "used the weights in `{wrapper}`"),
                ("", prefix) => write!(f, "used the weights with the prefix `{prefix}`"),
                (wrapper, prefix) => write!(
                    f,
                    "used the weights in `{wrapper}` with the prefix `{prefix}`"
                ),
            },
            Self::OtherWeights(names) => {
                write!(
                    f,
                    "the file also contains the weights {}",
                    all_in_quotes(names)
                )
            }
        }
    }
}
