//! Why a network cannot be used as a backbone.

use std::path::PathBuf;

pub use frostline_onnx::error::{Candidate, NetworkProblem as GraphProblem, WeightsProblem};

use crate::phrases::all_in_quotes;

/// Why a network cannot be used as a backbone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkProblem {
    /// Its graph does not allow it.
    #[error("{0}")]
    Graph(GraphProblem),
    /// Weights are not those of an architecture.
    #[error("{0}")]
    Weights(WeightsProblem),
    /// There is none of this name.
    #[error("it is not installed")]
    NotInstalled {
        /// Where it would be.
        place: PathBuf,
        /// The backbones that are known or installed.
        backbones: Vec<String>,
        /// Whether a file of the working directory has this name.
        is_file: bool,
    },
    /// Its manifest is that of another network.
    #[error("it is installed as `{name}`, but its manifest is that of `{manifest}`")]
    OtherManifest {
        /// The name of its file.
        name: String,
        /// That in its manifest.
        manifest: String,
    },
    /// The network of a head or of features is not there.
    #[error(
        "no network with SHA-256 {sha256:.16}… is installed{}",
        listed("; ", unreadable, "; ")
    )]
    NoContent {
        /// What was looked for.
        sha256: String,
        /// What is wrong with those that could not be looked at.
        unreadable: Vec<String>,
    },
    /// It has another number of inputs than one.
    #[error("it has {} inputs ({}), and a backbone has one", .0.len(), all_in_quotes(.0))]
    Inputs(Vec<String>),
    /// Its input takes other numbers.
    #[error("its input `{input}` has the type {found}, and only float32 is supported")]
    InputType {
        /// The input.
        input: String,
        /// What it takes.
        found: String,
    },
    /// Its input takes pictures of another size or layout.
    #[error(
        "its input `{input}` has the shape {shape}, and preprocessing (layout {layout}) gives {image:?} for \
         each image"
    )]
    InputShape {
        /// The input.
        input: String,
        /// What it takes.
        shape: String,
        /// The layout that preprocessing gives.
        layout: String,
        /// The three lengths of an image in that layout.
        image: [usize; 3],
    },
    /// Its input takes pictures that are not of three channels.
    #[error("its input `{input}` takes pictures whose number of channels is {channels}")]
    Channels {
        /// The input.
        input: String,
        /// How many it takes.
        channels: u64,
    },
    /// It fixes its batch to one that fills the memory.
    #[error("it fixes its batch to {0} images, which take more than 1 GiB")]
    LargeBatch(usize),
    /// It fixes its batch in the middle.
    #[error(
        "up to its layer `{layer}` it takes one picture at a time only: {cause}{}",
        suspected(suspects)
    )]
    FixedBatch {
        /// The layer that was to be kept.
        layer: String,
        /// What happens with two pictures.
        cause: Box<NetworkProblem>,
        /// The nodes that may be at fault.
        suspects: Vec<String>,
    },
    /// What it gives for a picture depends on the others of the batch.
    #[error("two pictures together give other features than one by one")]
    OtherTogether,
    /// It is not certain which of its outputs is meant.
    #[error("it has several outputs: {}", all_in_quotes(.0))]
    ManyOutputs(Vec<String>),
    /// An output that was asked for is not there.
    #[error("it has no output `{name}`; there are {}", all_in_quotes(outputs))]
    NoOutput {
        /// What was asked for.
        name: String,
        /// What there is.
        outputs: Vec<String>,
    },
    /// An output gives other numbers.
    #[error("its output `{output}` is {found}, and only float32 is supported")]
    OutputType {
        /// The output.
        output: String,
        /// What it gives.
        found: String,
    },
    /// It does not give one row for each image.
    #[error("{batch} images gave an output of shape {shape:?}, not a row for each")]
    NotRows {
        /// How many images it was given.
        batch: usize,
        /// The lengths of what it gave.
        shape: Vec<usize>,
    },
    /// It is not known which axis of a layer holds the channels.
    #[error(
        "its layer `{layer}` gives {} numbers for each image, and its graph does not tell which axis holds \
         the channels: the mean over positions has {} features if the first does, {} if the last does",
        shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × "),
        shape[0],
        shape[shape.len() - 1]
    )]
    UnclearPool {
        /// The layer.
        layer: String,
        /// Its lengths after the batch, two at least.
        shape: Vec<usize>,
    },
    /// A layer has not the number of features that its manifest says.
    #[error("its layer `{layer}` has {found} features, and its manifest says {wanted}")]
    NumFeatures {
        /// The layer.
        layer: String,
        /// How many it has.
        found: usize,
        /// What the manifest says.
        wanted: usize,
    },
    /// In fp16 it is another network.
    #[error(
        "in fp16 its features are others than in fp32: the cosine between them is {cosine:.4}, and {least} \
         is wanted"
    )]
    OtherInFp16 {
        /// Between the features of one picture.
        cosine: f64,
        /// The least that is allowed.
        least: f64,
    },
    /// A layer gives NaN or infinity.
    #[error("its layer `{0}` gives numbers that are not finite (NaN or infinity)")]
    NotFinite(String),
    /// There is not enough memory to open it; ONNX Runtime's words.
    #[error("{0}")]
    TooLarge(String),
    /// ONNX Runtime does not open it; its words.
    #[error("{0}")]
    NotOpened(String),
    /// A GPU would leave some of its nodes to the CPU.
    #[error(
        "{device} leaves some of its nodes to the CPU{}",
        listed(": ", nodes, ", ")
    )]
    OnCpu {
        /// The device.
        device: String,
        /// The nodes, where they are known.
        nodes: Vec<String>,
    },
    /// There is not enough memory to run it.
    #[error("a batch of {batch} does not fit into the memory: {message}")]
    BatchTooLarge {
        /// How many images it was given.
        batch: usize,
        /// ONNX Runtime's words.
        message: String,
    },
    /// ONNX Runtime does not run it; its words.
    #[error("it cannot be run: {0}")]
    NotRun(String),
}

/// All parts behind a word, where there are any.
fn listed(word: &str, parts: &[String], between: &str) -> String {
    match parts {
        [] => String::new(),
        some => word.to_owned() + &some.join(between),
    }
}

/// How many nodes are named.
const MOST_NAMED: usize = 5;

fn suspected(nodes: &[String]) -> String {
    match nodes {
        [some @ .., _, _] if some.len() > MOST_NAMED => format!(
            "; the batch may be fixed in {} and {} others",
            some[..MOST_NAMED].join(", "),
            nodes.len() - MOST_NAMED
        ),
        few => listed("; the batch may be fixed in ", few, ", "),
    }
}
