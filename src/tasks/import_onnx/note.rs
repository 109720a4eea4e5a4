//! What the user should know of an import.

use std::fmt;
use std::path::PathBuf;

use crate::backbones::onnx::Element;

/// What the user should know of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportNote {
    /// The file is that of this known backbone.
    Known(String),
    /// What is left of the network.
    Kept {
        /// Layers that are kept, and all.
        layers: (usize, usize),
        /// Weights that are kept, and all.
        weights: (usize, usize),
        /// The file.
        file: PathBuf,
    },
    /// Its batch was fixed.
    FreedBatch {
        /// To how many images.
        batch: u64,
        /// The nodes whose targets had to be changed.
        mended: usize,
    },
    /// Its input took other numbers.
    Converted {
        /// The input.
        input: String,
        /// What it took.
        element: Element,
    },
    /// Its preprocessing is not known.
    Guessed {
        /// The input whose shape was looked at.
        input: String,
        /// Parameters of the preprocessing with the values that are taken.
        settings: Vec<(&'static str, String)>,
    },
    /// An average over the positions of its layer has fewer features.
    Positions {
        /// How many it has.
        positions: usize,
        /// The features of the average.
        features: usize,
    },
}

impl fmt::Display for ImportNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => {
                write!(f, "the file is that of `{name}`, whose manifest is taken")
            }
            Self::Kept {
                layers: (layers, all),
                weights: (weights, all_weights),
                file,
            } => write!(
                f,
                "{layers} of {all} layers and {weights} of {all_weights} weights of `{}` are kept",
                file.display()
            ),
            Self::FreedBatch { batch, mended: 0 } => {
                write!(f, "its batch was fixed to {batch}, and is free now")
            }
            Self::FreedBatch { batch, mended } => write!(
                f,
                "its batch was fixed to {batch}, and is free now, also in the targets of {mended} Reshape \
                 nodes"
            ),
            Self::Converted { input, element } => write!(
                f,
                "its input `{input}` took {element} numbers; float32 is taken now, and converted"
            ),
            Self::Guessed { input, settings } => {
                let settings = settings
                    .iter()
                    .map(|(name, value)| format!("`{name}` {value}"));
                let settings = settings.collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "guessed from the shape of its input `{input}`, and else from ImageNet's networks: \
                     {settings}"
                )
            }
            Self::Positions {
                positions,
                features,
            } => write!(
                f,
                "its layer has {positions} positions; the pool mean averages over them, to {features} \
                 features"
            ),
        }
    }
}
