//! The files of a model on the Hugging Face hub.

use serde_json::{Value, json};

use super::described::Described;
use crate::images::{Crop, Interpolation, Preprocessing, Resize};

/// Returns the model's configuration. The type only decides which class of transformers.js runs the network,
/// and that of `vit` passes it an image and returns its logits.
pub(super) fn config(described: &Described<'_>) -> Value {
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
pub(super) fn processor(preprocessing: &Preprocessing) -> Value {
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
