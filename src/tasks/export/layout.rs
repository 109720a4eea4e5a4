//! The files around an exported network: none, those of a model on the Hugging Face hub, or those of a model
//! in a repository of Triton.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::options::{ExportInput, ExportLayout, ExportOptions};
use crate::backbones::{Port, PortType};
use crate::classes::ClassIndex;
use crate::error::ExportProblem;
use crate::images::{Channels, Crop, Interpolation, Layout, Preprocessing, Resize};
use crate::tasks::guard::Wanted;

/// A file next to a network.
pub(super) struct Beside {
    pub(super) path: PathBuf,
    pub(super) kind: Wanted,
    pub(super) text: String,
}

/// What the files describe.
pub(super) struct Described<'a> {
    pub(super) classes: &'a ClassIndex,
    pub(super) preprocessing: &'a Preprocessing,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    /// Whether the weights are in a second file.
    pub(super) has_data: bool,
}

impl ExportLayout {
    /// Returns the paths of the network, and of its weights if one file would be too large.
    pub(super) fn files(self, output: &Path) -> [PathBuf; 2] {
        let folder = match self {
            Self::File => return [output.to_owned(), output.with_added_extension("data")],
            Self::Hf => output.join("onnx"),
            Self::Triton => output.join("1"),
        };
        // transformers.js looks for this name.
        let data = if self == Self::Hf {
            "model.onnx_data"
        } else {
            "model.onnx.data"
        };
        [folder.join("model.onnx"), folder.join(data)]
    }

    /// Refuses what the layout cannot describe.
    pub(super) fn check(
        self,
        options: &ExportOptions,
        preprocessing: &Preprocessing,
    ) -> Result<(), ExportProblem> {
        let refused = |why| {
            Err(ExportProblem::Layout {
                layout: self.to_string(),
                why,
            })
        };
        match self {
            Self::Hf if options.input != ExportInput::Tensor => {
                refused("its reader preprocesses images, so the network must take tensors")
            }
            Self::Hf if preprocessing.layout != Layout::Nchw => {
                refused("the backbone takes the channels as the last axis")
            }
            Self::Hf if preprocessing.channels != Channels::Rgb => {
                refused("the backbone takes BGR instead of RGB")
            }
            Self::File | Self::Hf | Self::Triton => Ok(()),
        }
    }

    /// Returns the files next to the network.
    pub(super) fn beside(self, output: &Path, described: &Described<'_>) -> Vec<Beside> {
        let file = |name: &str, kind, text| Beside {
            path: output.join(name),
            kind,
            text,
        };
        let json = |value: &Value| {
            let text = serde_json::to_string_pretty(value);
            text.expect("text and numbers have a JSON form") + "\n"
        };
        match self {
            Self::File => Vec::new(),
            Self::Hf => vec![
                file("config.json", Wanted::Json, json(&config(described))),
                file(
                    "preprocessor_config.json",
                    Wanted::Json,
                    json(&processor(described.preprocessing)),
                ),
            ],
            Self::Triton => vec![
                file(LABELS, Wanted::Text, labels(described.classes)),
                file("config.pbtxt", Wanted::Text, triton(output, described)),
            ],
        }
    }
}

/// Returns the model's configuration. The type only decides which class of transformers.js runs the network,
/// and that of `vit` passes it an image and returns its logits.
fn config(described: &Described<'_>) -> Value {
    let names = || described.classes.iter().enumerate();
    let id2label = names().map(|(id, name)| (id.to_string(), name.into()));
    let label2id = names().map(|(id, name)| (name.to_owned(), id.into()));
    let id2label: serde_json::Map<String, Value> = id2label.collect();
    let label2id: serde_json::Map<String, Value> = label2id.collect();
    let (width, height) = described.preprocessing.output_size();
    json!({
        "model_type": "vit",
        "architectures": ["ViTForImageClassification"],
        "image_size": width.max(height),
        "id2label": id2label,
        "label2id": label2id,
        "problem_type": "single_label_classification",
        "transformers.js_config": {
            "dtype": "fp32",
            "use_external_data_format": described.has_data,
        },
    })
}

/// Returns the configuration of the image processor.
fn processor(preprocessing: &Preprocessing) -> Value {
    let size = |(width, height): (u32, u32)| json!({ "height": height, "width": width });
    let mut filters = Interpolation::PILLOW.into_iter();
    let resample = filters.position(|filter| filter == preprocessing.interpolation);
    let resized = match preprocessing.resize {
        Resize::Shorter(edge) => json!({ "shortest_edge": edge }),
        Resize::Exact(width, height) => size((width, height)),
        Resize::None => size(preprocessing.output_size()),
    };
    let crops = preprocessing.crop != Crop::None;
    let processor = if crops {
        "CLIPImageProcessor"
    } else {
        "ViTImageProcessor"
    };
    json!({
        "image_processor_type": processor,
        "do_convert_rgb": true,
        "do_resize": preprocessing.resize != Resize::None,
        "size": resized,
        "resample": resample,
        "do_center_crop": crops,
        "crop_size": size(preprocessing.output_size()),
        "do_rescale": true,
        "rescale_factor": 1.0 / f64::from(preprocessing.scale),
        "do_normalize": true,
        "image_mean": preprocessing.mean.map(short),
        "image_std": preprocessing.std.map(short),
    })
}

/// Returns the number with the fewest digits that is this one in `float32`.
fn short(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

/// The name of the file with the classes.
const LABELS: &str = "labels.txt";

/// Returns one line for each class.
fn labels(classes: &ClassIndex) -> String {
    let line = |name: &str| name.replace(['\n', '\r'], " ") + "\n";
    classes.iter().map(line).collect()
}

/// The largest batch that Triton forms.
const LARGEST_BATCH: usize = 64;

/// Returns the model's configuration for Triton. If the batch is free, lengths do not include it.
fn triton(output: &Path, described: &Described<'_>) -> String {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let is_free = |end: &Port| end.dims.first().is_some_and(|&length| length < 0);
    let is_batched = described.inputs.iter().all(is_free);
    let batch = if is_batched { LARGEST_BATCH } else { 0 };
    let mut text = format!(
        "name: {}\nplatform: \"onnxruntime_onnx\"\nmax_batch_size: {batch}\n",
        quoted(&name)
    );
    let ends = [("input", &described.inputs), ("output", &described.outputs)];
    for (field, ends) in ends {
        for end in ends {
            let dims = &end.dims[usize::from(is_batched).min(end.dims.len())..];
            let lengths: Vec<String> = dims.iter().map(ToString::to_string).collect();
            let kind = match end.kind {
                PortType::Float32 => "TYPE_FP32",
                PortType::UInt8 => "TYPE_UINT8",
                PortType::Bool => "TYPE_BOOL",
            };
            // A value for each image has no length of its own, which Triton does not allow.
            let dims = if lengths.is_empty() {
                "dims: [ 1 ]\n  reshape: { shape: [ ] }".to_owned()
            } else {
                format!("dims: [ {} ]", lengths.join(", "))
            };
            let labels = if end.name == "probabilities" {
                format!("\n  label_filename: {}", quoted(LABELS))
            } else {
                String::new()
            };
            text.extend([
                format!("{field} {{\n  name: {}\n", quoted(&end.name)),
                format!("  data_type: {kind}\n  {dims}{labels}\n}}\n"),
            ]);
        }
    }
    text
}

/// Returns a text literal of protocol buffers.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triton_gets_lengths_without_the_batch() {
        let end = |name: &str, kind, dims: &[i64]| Port {
            name: name.to_owned(),
            kind,
            dims: dims.to_vec(),
        };
        let (classes, preprocessing) = (ClassIndex::default(), Preprocessing::default());
        let described = |batch| Described {
            classes: &classes,
            preprocessing: &preprocessing,
            inputs: vec![end("images", PortType::UInt8, &[batch, 224, 224, 3])],
            outputs: vec![
                end("probabilities", PortType::Float32, &[batch, 2]),
                end("unknown", PortType::Bool, &[batch]),
            ],
            has_data: false,
        };
        let free = "name: \"my \\\"photos\\\"\"\nplatform: \"onnxruntime_onnx\"\nmax_batch_size: 64\n\
            input {\n  name: \"images\"\n  data_type: TYPE_UINT8\n  dims: [ 224, 224, 3 ]\n}\n\
            output {\n  name: \"probabilities\"\n  data_type: TYPE_FP32\n  dims: [ 2 ]\n  \
            label_filename: \"labels.txt\"\n}\n\
            output {\n  name: \"unknown\"\n  data_type: TYPE_BOOL\n  dims: [ 1 ]\n  \
            reshape: { shape: [ ] }\n}\n";
        assert_eq!(triton(Path::new("a/my \"photos\""), &described(-1)), free);
        let fixed = triton(Path::new("a"), &described(1));
        assert!(fixed.contains("max_batch_size: 0\n"));
        assert!(
            fixed.contains("dims: [ 1, 224, 224, 3 ]")
                && fixed.contains("TYPE_BOOL\n  dims: [ 1 ]\n}")
        );
    }
}
