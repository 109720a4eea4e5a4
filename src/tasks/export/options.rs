//! What `export` writes, and what it reports.

use std::path::PathBuf;

use crate::backbones::{BackboneManifest, Device, DeviceRequest, Home, RunOptions};
use crate::classes::ClassIndex;
use crate::error::Error;
use crate::images::Limits;
use crate::tasks::guard::Overwrite;
use crate::tasks::inputs::Skipped;
use crate::words::words;

/// What an exported network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExportInput {
    /// The backbone's own input: normalised `float32`.
    #[default]
    Tensor,
    /// 8-bit RGB of the size of the crop, (N, H, W, 3); normalised inside.
    Crop,
    /// 8-bit RGB of any size, (N, H, W, 3); resized, cropped and normalised inside.
    Pixels,
}

/// The precision of an exported backbone. The head is always `float32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExportPrecision {
    /// 32-bit floats.
    #[default]
    Fp32,
    /// 16-bit floats.
    Fp16,
    /// 8-bit integers, with ranges from calibration images.
    Int8,
}

/// The files that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExportLayout {
    /// The network alone.
    #[default]
    File,
    /// A folder like those on the Hugging Face hub, for transformers.js and Optimum: `onnx/model.onnx`,
    /// `config.json` and `preprocessor_config.json`. The network takes `pixel_values` and returns `logits`.
    Hf,
    /// The folder of a model in a repository of Triton Inference Server: `1/model.onnx`, `config.pbtxt` and
    /// `labels.txt`.
    Triton,
}

/// The operators that resize images inside a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExportResize {
    /// ONNX's `Resize`.
    #[default]
    Onnx,
    /// Products with matrices, for runtimes whose `Resize` has no antialiasing, such as those of GPUs.
    MatMul,
}

/// What an exported network returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExportOutput {
    /// The probability of each class.
    #[default]
    Probabilities,
    /// The logits, divided by the temperature.
    Logits,
    /// The features of the backbone.
    Features,
    /// All of them.
    All,
}

words!(
    ExportInput,
    Error,
    |text| Error::parameter("input", text, "tensor, crop or pixels"),
    Tensor = "tensor",
    Crop = "crop",
    Pixels = "pixels",
);
words!(
    ExportPrecision,
    Error,
    |text| Error::parameter("precision", text, "fp32, fp16 or int8"),
    Fp32 = "fp32",
    Fp16 = "fp16",
    Int8 = "int8",
);
words!(
    ExportLayout,
    Error,
    |text| Error::parameter("layout", text, "file, hf or triton"),
    File = "file",
    Hf = "hf",
    Triton = "triton",
);
words!(
    ExportResize,
    Error,
    |text| Error::parameter("resize", text, "onnx or matmul"),
    Onnx = "onnx",
    MatMul = "matmul",
);
words!(
    ExportOutput,
    Error,
    |text| Error::parameter("outputs", text, "probabilities, logits, features or all"),
    Probabilities = "probabilities",
    Logits = "logits",
    Features = "features",
    All = "all",
);

/// The options of [`export`](crate::tasks::export()): which head, and what is written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The head file, or a bundle.
    pub head: PathBuf,
    /// The name or file of the network, if the head's backbone is not installed.
    pub backbone: Option<PathBuf>,
    /// The network to write, where `-` is standard output, or the folder of the layout.
    pub output: PathBuf,
    /// The files that are written.
    pub layout: ExportLayout,
    /// Whether `output` may replace a file of another kind.
    pub overwrite: Overwrite,
    /// What the network takes.
    pub input: ExportInput,
    /// How the network resizes images, if it takes pixels.
    pub resize: ExportResize,
    /// What the network returns.
    pub outputs: ExportOutput,
    /// The precision of the backbone.
    pub precision: ExportPrecision,
    /// A folder of at least 100 images, from which the ranges of an 8-bit network are taken.
    pub calibration: Option<PathBuf>,
    /// The largest loss of accuracy of a network in another precision, in percentage points; it is checked if
    /// the classes of the images in `verify` are known.
    pub max_drop: f64,
    /// Whether the network also tells which images resemble no training image.
    pub with_rejection: bool,
    /// A folder of images to compare the network with frostline on; with class folders, their accuracy is
    /// compared too. Without one, generated pictures are used.
    pub verify: Option<PathBuf>,
    /// The size limits of these images.
    pub limits: Limits,
    /// How the backbone is run for the comparison.
    pub run: RunOptions,
}

impl ExportOptions {
    /// Exports a head with its installed backbone: normalised tensors in, probabilities out.
    #[must_use]
    pub fn new(head: PathBuf, output: PathBuf, home: Home) -> Self {
        let mut run = RunOptions::new(home);
        // Exported networks are compared on the CPU, which every computer has.
        run.device = DeviceRequest::Exactly(Device::Cpu);
        Self {
            head,
            backbone: None,
            output,
            layout: ExportLayout::default(),
            overwrite: Overwrite::Refuse,
            input: ExportInput::default(),
            resize: ExportResize::default(),
            outputs: ExportOutput::default(),
            precision: ExportPrecision::default(),
            calibration: None,
            max_drop: 1.0,
            with_rejection: false,
            verify: None,
            limits: Limits::default(),
            run,
        }
    }
}

/// What was exported, and how well it agrees with frostline.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExportReport {
    /// The head's classes.
    pub classes: ClassIndex,
    /// The manifest of the backbone, with its licence if it is known.
    pub backbone: BackboneManifest,
    /// The names of the network's outputs.
    pub outputs: Vec<&'static str>,
    /// The size of the files in bytes.
    pub bytes: u64,
    /// The file next to the network that contains its weights, if one file would be too large.
    pub data: Option<PathBuf>,
    /// Whether the head rejects unknown images and the network does not.
    pub drops_rejection: bool,
    /// How well the network agrees with frostline.
    pub agreement: Agreement,
    /// Images of the comparison that could not be used.
    pub skipped: Vec<Skipped>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// How well an exported network agrees with frostline's own predictions.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Agreement {
    /// The number of images.
    pub images: usize,
    /// How many of them were generated.
    pub generated: usize,
    /// How many have the same most probable class.
    pub equal_labels: usize,
    /// The largest difference of a probability.
    pub largest_difference: f64,
    /// The largest difference of a similarity to the training images, with rejection.
    pub largest_similarity_difference: Option<f64>,
    /// How many are unknown to one of the two only, with rejection.
    pub differently_rejected: Option<usize>,
    /// The number of images whose class is known.
    pub labelled: usize,
    /// The number of images of classes that the head does not have.
    pub foreign: usize,
    /// How many of those whose class is known the head was trained on, which makes both accuracies
    /// optimistic.
    pub training: usize,
    /// The share of these that frostline labels right, in [0, 1].
    pub accuracy_before: Option<f64>,
    /// The share of these that the exported network labels right, in [0, 1].
    pub accuracy_after: Option<f64>,
    /// How long the exported network takes for an image on this computer's CPU, in milliseconds.
    pub ms_per_image: f64,
}
