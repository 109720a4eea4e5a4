//! Errors of networks that cannot be used as a backbone.

use std::path::PathBuf;

pub use frostline_onnx::error::{Candidate, NetworkProblem as GraphProblem, WeightsProblem};

use crate::phrases::all_in_quotes;

/// Why a network cannot be used as a backbone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkProblem {
    /// Its graph cannot be used.
    #[error("{0}")]
    Graph(GraphProblem),
    /// The weights do not belong to the architecture.
    #[error("{0}")]
    Weights(WeightsProblem),
    /// No network of this name is installed.
    #[error("it is not installed")]
    NotInstalled {
        /// The path that an installed network of this name has.
        place: PathBuf,
        /// The backbones that are known or installed.
        backbones: Vec<String>,
        /// Whether the working directory contains a file of this name.
        is_file: bool,
    },
    /// It cannot be the name of a backbone, and is no file either.
    #[error("it is neither the name of a backbone nor a file")]
    NoName {
        /// The backbones that are known or installed.
        backbones: Vec<String>,
    },
    /// Its manifest belongs to another network.
    #[error("it is installed as `{name}`, but its manifest is for `{manifest}`")]
    OtherManifest {
        /// The name of its file.
        name: String,
        /// The name in its manifest.
        manifest: String,
    },
    /// The network of a head or of features is not installed.
    #[error(
        "no network with SHA-256 {sha256:.16}… is installed{}",
        listed("; ", unreadable, "; ")
    )]
    NoContent {
        /// The SHA-256 of the network.
        sha256: String,
        /// The problems of installed backbones that could not be checked.
        unreadable: Vec<String>,
    },
    /// A bundle has no place for one of its files of external data.
    #[error("its data file `{}` is not a file with a plain name next to it", .0.display())]
    DataName(PathBuf),
    /// It has more files of external data than a bundle can have.
    #[error("it has {0} files of external data, more than a bundle can have")]
    ManyData(usize),
    /// It does not have exactly one input.
    #[error("it has {} inputs ({}), but a backbone has one", .0.len(), all_in_quotes(.0))]
    Inputs(Vec<String>),
    /// Its input is not of type float32.
    #[error("its input `{input}` has the type {found}; only float32 is supported")]
    InputType {
        /// The input.
        input: String,
        /// The type of the input.
        found: String,
    },
    /// Its input does not fit the size or layout of preprocessed images.
    #[error(
        "its input `{input}` has the shape {shape}, but preprocessed images have {image:?} (layout {layout})"
    )]
    InputShape {
        /// The input.
        input: String,
        /// The shape of the input.
        shape: String,
        /// The layout of preprocessed images.
        layout: String,
        /// The three lengths of an image in that layout.
        image: [usize; 3],
    },
    /// Its input does not have three channels.
    #[error("its input `{input}` must have 3 channels, not {channels}")]
    Channels {
        /// The input.
        input: String,
        /// The number of channels.
        channels: u64,
    },
    /// Its batch size is fixed, and such a batch needs too much memory.
    #[error("its batch size is fixed at {0} images, which take more than 1 GiB")]
    LargeBatch(usize),
    /// A node inside it fixes the batch size.
    #[error(
        "up to layer `{layer}`, it can process only one image at a time: {cause}{}",
        suspected(suspects)
    )]
    FixedBatch {
        /// The requested layer.
        layer: String,
        /// The problem with a batch of two images.
        cause: Box<NetworkProblem>,
        /// The nodes that may be the cause.
        suspects: Vec<String>,
    },
    /// The features of an image depend on the other images of the batch.
    #[error("two images get different features in one batch than one at a time")]
    OtherTogether,
    /// It has several outputs and none was chosen.
    #[error("it has several outputs: {}", all_in_quotes(.0))]
    ManyOutputs(Vec<String>),
    /// A requested output does not exist.
    #[error(
        "it has no output `{name}`; its outputs are {}",
        all_in_quotes(outputs)
    )]
    NoOutput {
        /// The requested output.
        name: String,
        /// The outputs that it has.
        outputs: Vec<String>,
    },
    /// An output is not of type float32.
    #[error("its output `{output}` is {found}; only float32 is supported")]
    OutputType {
        /// The output.
        output: String,
        /// The type of the output.
        found: String,
    },
    /// Its output does not have one row per image.
    #[error("a batch of {batch} produced an output of shape {shape:?}, not one row per image")]
    NotRows {
        /// The number of images in the batch.
        batch: usize,
        /// The shape of the output.
        shape: Vec<usize>,
    },
    /// The channel axis of a layer is unknown.
    #[error(
        "its layer `{layer}` has {} values per image, and the graph does not show which axis is the \
         channels: the mean over positions has {} features if it is the first, {} if it is the last",
        shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × "),
        shape[0],
        shape[shape.len() - 1]
    )]
    UnclearPool {
        /// The layer.
        layer: String,
        /// Its shape without the batch, at least two lengths.
        shape: Vec<usize>,
    },
    /// A layer has tokens, and nothing says how to pool them.
    #[error(
        "its layer `{layer}` has {tokens} tokens of {features} values, and no pool is chosen: {}",
        token_pools(*tokens, *features, *prefix_tokens)
    )]
    UnchosenPool {
        /// The layer.
        layer: String,
        /// The number of tokens.
        tokens: usize,
        /// The number of values of each.
        features: usize,
        /// The number of class and register tokens, if the graph determines it.
        prefix_tokens: Option<usize>,
    },
    /// A layer has no positions to pool, or no tokens for a pool that needs a class token.
    #[error(
        "its layer `{layer}` has the shape {shape:?} per image, which the pool {pool} does not fit"
    )]
    NoTokens {
        /// The layer.
        layer: String,
        /// The requested pool.
        pool: String,
        /// Its shape without the batch.
        shape: Vec<usize>,
    },
    /// The number of class and register tokens is unknown.
    #[error(
        "its layer `{layer}` has {tokens} tokens, and the graph does not show how many of them are class and \
         register tokens"
    )]
    UnclearPrefix {
        /// The layer.
        layer: String,
        /// The number of tokens.
        tokens: usize,
    },
    /// There would be no token left to pool.
    #[error("its layer `{layer}` has only {tokens} tokens, so {prefix} cannot be left out")]
    OnlyPrefix {
        /// The layer.
        layer: String,
        /// The number of tokens.
        tokens: usize,
        /// The number of class and register tokens to leave out.
        prefix: usize,
    },
    /// A layer does not have the number of features that its manifest says.
    #[error("its layer `{layer}` has {found} features, but its manifest says {wanted}")]
    NumFeatures {
        /// The layer.
        layer: String,
        /// Its number of features.
        found: usize,
        /// The number in the manifest.
        wanted: usize,
    },
    /// Its features in fp16 differ too much from those in fp32.
    #[error(
        "its fp16 features differ from its fp32 features: their cosine is {cosine:.4}, below {least}"
    )]
    OtherInFp16 {
        /// The cosine between the features of one image.
        cosine: f64,
        /// The smallest allowed cosine.
        least: f64,
    },
    /// Its features differ too much if the device normalises images.
    #[error(
        "its features change if the device normalises images: their cosine is {cosine:.4}, below {least}"
    )]
    OtherFromPixels {
        /// The cosine between the features of one image.
        cosine: f64,
        /// The smallest allowed cosine.
        least: f64,
    },
    /// A layer produces NaN or infinity.
    #[error("its layer `{0}` produces values that are not finite (NaN or infinity)")]
    NotFinite(String),
    /// There is not enough memory to open it; ONNX Runtime's message.
    #[error("{0}")]
    TooLarge(String),
    /// Its weights exceed the limit on GPU memory.
    #[error(
        "its weights take {} MiB, but the limit on GPU memory leaves {} MiB for the network",
        weights >> 20,
        limit >> 20
    )]
    AboveGpuMemory {
        /// The size of the weights, in bytes.
        weights: u64,
        /// The limit, in bytes, without the part for normalising images.
        limit: u64,
    },
    /// ONNX Runtime cannot open it; its message.
    #[error("{0}")]
    NotOpened(String),
    /// A GPU does not support some of its nodes.
    #[error(
        "{device} would leave some of its nodes to the CPU{}",
        listed(": ", nodes, ", ")
    )]
    OnCpu {
        /// The device.
        device: String,
        /// The nodes, if they are known.
        nodes: Vec<String>,
    },
    /// There is not enough memory to run it.
    #[error("a batch of {batch} does not fit into memory: {message}")]
    BatchTooLarge {
        /// The number of images in the batch.
        batch: usize,
        /// ONNX Runtime's message.
        message: String,
    },
    /// ONNX Runtime cannot run it; its message.
    #[error("running it failed: {0}")]
    NotRun(String),
}

/// Returns the joined parts after a prefix, or nothing if there are no parts.
fn listed(word: &str, parts: &[String], between: &str) -> String {
    match parts {
        [] => String::new(),
        some => word.to_owned() + &some.join(between),
    }
}

/// Lists what each pool gives.
fn token_pools(tokens: usize, features: usize, prefix: Option<usize>) -> String {
    let flat = format!("flatten gives {} features", tokens * features);
    let mean = match prefix {
        Some(0) => return format!("mean or max over the tokens gives {features} features, {flat}"),
        Some(prefix) => format!("the {} tokens after the first {prefix}", tokens - prefix),
        None => "the tokens of the patches".to_owned(),
    };
    format!(
        "cls, the first token, gives {features} features; mean or max over {mean} {features}; cls+mean \
         {}; {flat}",
        2 * features
    )
}

/// The largest number of nodes in a message.
const MOST_NAMED: usize = 5;

fn suspected(nodes: &[String]) -> String {
    match nodes {
        [some @ .., _, _] if some.len() > MOST_NAMED => format!(
            "; the batch size may be fixed in {} and {} others",
            some[..MOST_NAMED].join(", "),
            nodes.len() - MOST_NAMED
        ),
        few => listed("; the batch size may be fixed in ", few, ", "),
    }
}
