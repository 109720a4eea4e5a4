//! What an exported network contains.

/// The classifier to assemble around a cut backbone.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// What the network takes.
    pub input: Input,
    /// How the backbone's layer becomes features.
    pub pooling: Pooling,
    /// The linear layer on the features.
    pub head: Head<'a>,
    /// What the network returns.
    pub outputs: Outputs,
    /// The training images that an image must resemble.
    pub rejection: Option<Rejection<'a>>,
    /// Entries of the model's metadata.
    pub metadata: Vec<(String, String)>,
    /// The version of the program, as the producer's version.
    pub version: &'a str,
}

/// The name of an input of pixels.
pub(super) const IMAGES: &str = "images";
/// The meanings of its axes, as in ONNX's dimension denotations.
pub(super) const AXES: [&str; 4] = ["DATA_BATCH", "DATA_FEATURE", "DATA_FEATURE", "DATA_CHANNEL"];

/// What a network takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The backbone's own input, `float32`.
    Tensor {
        /// The lengths of an image, in the backbone's order.
        image: [u64; 3],
        /// The name of the input; that of the backbone's if `None`.
        name: Option<String>,
    },
    /// 8-bit RGB of the size that the backbone sees, (N, H, W, 3).
    Crop(Normalisation),
    /// 8-bit RGB of any size, (N, H, W, 3), which is resized and cropped first. The network is raised to
    /// version 18 of ONNX's operators.
    Pixels(Geometry, Normalisation),
}

/// How images of any size become those that the backbone sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// The resize.
    pub scale: Scale,
    /// The filter of the resize.
    pub filter: Filter,
    /// The operators that compute it.
    pub method: Method,
    /// The crop after it.
    pub crop: Crop,
}

/// A resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The shorter edge becomes this long, the other one ⌊n · longer / shorter⌋.
    Shorter(u32),
    /// Width and height.
    Exact(u32, u32),
    /// No resize.
    None,
}

/// The filter of a resize, with antialiasing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A triangle.
    Bilinear,
    /// A cubic with a = −0.5.
    Bicubic,
}

/// The operators that compute a resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// ONNX's `Resize`.
    Resize,
    /// Products with two matrices that are computed in the network, for runtimes whose `Resize` has no
    /// antialiasing.
    MatMul,
}

/// A centre crop; smaller images get black around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// Width and height.
    pub size: (u32, u32),
    /// How half a pixel is rounded.
    pub rounding: Rounding,
}

/// How the place of a crop is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// Halves to even, as in torchvision.
    Even,
    /// Halves down, as in transformers.
    Down,
}

/// How 8-bit RGB becomes the backbone's input: (value / scale − mean) / std.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    /// Width and height.
    pub size: (u32, u32),
    /// Subtracted from each channel, in the order of `colours`.
    pub mean: [f32; 3],
    /// Divides each channel.
    pub std: [f32; 3],
    /// Divides the values before the others apply.
    pub scale: f32,
    /// The order of the channels that the backbone takes.
    pub colours: Colours,
    /// Whether the backbone takes the channels as the last axis.
    pub channels_last: bool,
}

/// The order of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a layer becomes features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pooling {
    /// What is computed.
    pub pool: Pool,
    /// The number of the layer's axes, with the batch.
    pub rank: usize,
    /// The axis of the channels; unused if all values are features.
    pub axis: usize,
    /// The number of positions that are left out at the start; 0 unless `rank` is 3.
    pub prefix: usize,
}

/// What is computed from the positions of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// All values are features.
    Flatten,
    /// The mean over the positions.
    Mean,
    /// The maximum over the positions.
    Max,
    /// The first position.
    Cls,
    /// The first position, then the mean.
    ClsMean,
}

/// A linear layer, x Wᵀ + b, whose softmax is the probabilities.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// (C, D), row by row.
    pub weight: &'a [f32],
    /// (C).
    pub bias: &'a [f32],
}

impl Head<'_> {
    pub(super) fn n_classes(self) -> usize {
        self.bias.len()
    }

    pub(super) fn n_features(self) -> usize {
        self.weight.len() / self.bias.len().max(1)
    }
}

/// What a network returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outputs {
    /// The probability of each class, (N, C).
    pub probabilities: bool,
    /// The logits, (N, C).
    pub logits: bool,
    /// The features, (N, D).
    pub features: bool,
}

/// The names of the outputs.
pub mod output {
    /// The probability of each class, (N, C).
    pub const PROBABILITIES: &str = "probabilities";
    /// The logits, (N, C).
    pub const LOGITS: &str = "logits";
    /// The features, (N, D).
    pub const FEATURES: &str = "features";
    /// The cosine to the nearest training image, (N).
    pub const SIMILARITY: &str = "similarity";
    /// Whether the similarity is below the threshold, (N).
    pub const UNKNOWN: &str = "unknown";
}

/// The training images that an image must resemble.
#[derive(Debug, Clone, Copy)]
pub struct Rejection<'a> {
    /// Their features, (M, D), each row of length 1.
    pub rows: &'a [f32],
    /// Which of the nearest counts, from 1.
    pub k: usize,
    /// The lowest similarity of a known image.
    pub threshold: f32,
}

impl Plan<'_> {
    /// Returns the names of the outputs, in their order.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let rejects = self.rejection.is_some();
        let all = [
            (self.outputs.probabilities, output::PROBABILITIES),
            (self.outputs.logits, output::LOGITS),
            (self.outputs.features, output::FEATURES),
            (rejects, output::SIMILARITY),
            (rejects, output::UNKNOWN),
        ];
        let wanted = all.into_iter().filter(|(wanted, _)| *wanted);
        wanted.map(|(_, name)| name).collect()
    }
}
