//! Errors of `export`.

use std::path::PathBuf;

use crate::phrases::counted;

/// Why a head cannot be exported, or its network is not written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportProblem {
    /// The head averages over several views, each of which would run the backbone.
    #[error(
        "cannot export the head: it averages over {0} views of each image, and a network takes a single one"
    )]
    Views(usize),
    /// Networks do not have the filter of the backbone's resize.
    #[error(
        "ONNX's operators cannot resize with the interpolation `{0}`, only bilinear and bicubic"
    )]
    Interpolation(String),
    /// Rejection was requested, but the head has none.
    #[error("`with_rejection` needs a head that rejects images, but this one has no rejection")]
    NoRejection,
    /// There are too few images to take the ranges of an 8-bit network from.
    #[error(
        "`precision` int8 needs at least {needed} images in `calibration`, but there are {found} usable ones"
    )]
    FewCalibration {
        /// The number of usable images.
        found: usize,
        /// The smallest number.
        needed: usize,
    },
    /// ONNX Runtime cannot run the exported network.
    #[error("ONNX Runtime cannot run the exported network ({0}); nothing was written")]
    DoesNotRun(String),
    /// The network is too large for a conversion to another precision.
    #[error("the network is too large to be converted: its weights do not fit into one file")]
    TooLarge,
    /// The exported network is less accurate than allowed.
    #[error(
        "the exported network labels {:.1} % of the images right and frostline {:.1} %, a larger drop than \
         the {limit} percentage points of `max_drop`; nothing was written",
        100.0 * after,
        100.0 * before
    )]
    Drop {
        /// The share that frostline labels right, in [0, 1].
        before: f64,
        /// The share that the network labels right, in [0, 1].
        after: f64,
        /// The largest drop that is allowed, in percentage points.
        limit: f64,
    },
    /// The files of a layout cannot describe the network.
    #[error("cannot write the layout `{layout}`: {why}")]
    Layout {
        /// The layout.
        layout: String,
        /// Why.
        why: &'static str,
    },
    /// A file next to the network exists, but the folder has no exported network.
    #[error(
        "the output `{}` already exists, and is not from an earlier export: its folder has no exported \
         network",
        .0.display()
    )]
    Foreign(PathBuf),
    /// The weights need a second file, but the output is standard output.
    #[error("the network is too large for one file, so it cannot be written to standard output")]
    TwoFiles,
    /// No image of the comparison can be used.
    #[error("cannot verify the exported network: none of the images can be used")]
    NothingToCompare,
    /// The exported network does not return frostline's probabilities.
    #[error(
        "the exported network does not agree with frostline: probabilities differ by up to {difference:.1e}, \
         and at most {limit:.0e} is allowed ({equal_labels} of {} have the same label); nothing was written",
        counted(*images, "image")
    )]
    Disagrees {
        /// The number of images.
        images: usize,
        /// How many have the same most probable class.
        equal_labels: usize,
        /// The largest difference of a probability.
        difference: f64,
        /// The largest difference that is allowed.
        limit: f64,
    },
}
