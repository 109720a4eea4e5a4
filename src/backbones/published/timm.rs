//! timm's `config.json`: the fields that its `resolve_data_config` and `create_transform` read.

use serde_json::Value;

use super::fields::{Fields, Read, before_crop, pixels};
use crate::images::{Crop, Interpolation, Preprocessing, Resize};

/// timm's `DEFAULT_CROP_PCT`.
const CROP_PCT: f64 = 0.875;

/// Fields that say nothing about preprocessing.
const HARMLESS: &[&str] = &[
    "architecture",
    "classifier",
    "custom_load",
    "file",
    "first_conv",
    "fixed_input_size",
    "global_pool",
    "hf_hub_filename",
    "hf_hub_id",
    "label_descriptions",
    "label_names",
    "license",
    "min_input_size",
    "model_args",
    "notes",
    "num_classes",
    "num_features",
    "origin_url",
    "paper_ids",
    "paper_name",
    "pool_size",
    "pretrained_cfg",
    "source",
    "tag",
    // timm uses them only if asked for.
    "test_crop_mode",
    "test_crop_pct",
    "test_input_size",
    "url",
];

/// Reads `pretrained_cfg`, or the fields themselves as older versions wrote them; `None` for the
/// configuration of another library.
pub(super) fn read(value: &Value) -> Result<Option<Read>, String> {
    let inner = value.get("pretrained_cfg").or_else(|| {
        let old = value.get("architecture").is_some() && value.get("input_size").is_some();
        old.then_some(value)
    });
    let Some(map) = inner.and_then(Value::as_object) else {
        return Ok(None);
    };
    let mut fields = Fields::new(map);
    let default = Preprocessing::default();
    let size = fields.parsed("input_size", "[3, height, width]", size)?;
    let (width, height) = size.unwrap_or((224, 224));
    let share = fields.number("crop_pct")?.unwrap_or(CROP_PCT);
    let [wide, high] = [width, height].map(|edge| before_crop(edge, share));
    let mode = fields.parsed("crop_mode", "text", Value::as_str)?;
    let resize = match mode.unwrap_or("center") {
        "center" if width == height => Resize::Shorter(wide),
        "center" => return Err("its `input_size` is not a square".to_owned()),
        "squash" => Resize::Exact(wide, high),
        other => {
            return Err(format!(
                "its `crop_mode` is `{other}`, not center or squash"
            ));
        }
    };
    let filter = |value: &Value| value.as_str()?.parse::<Interpolation>().ok();
    let filters = "nearest, bilinear, bicubic, box, hamming or lanczos";
    let filter = fields.parsed("interpolation", filters, filter)?;
    let preprocessing = Preprocessing {
        resize,
        crop: Crop::Center(width, height),
        interpolation: filter.unwrap_or(Interpolation::Bicubic),
        mean: fields.channels("mean")?.unwrap_or(default.mean),
        std: fields.channels("std")?.unwrap_or(default.std),
        ..default
    };
    Ok(Some(Read {
        preprocessing,
        ignored: fields.others(HARMLESS),
    }))
}

/// Returns width and height of `[3, height, width]`.
fn size(value: &Value) -> Option<(u32, u32)> {
    match value.as_array()?.as_slice() {
        [channels, height, width] if channels.as_u64() == Some(3) => {
            Some((pixels(width)?, pixels(height)?))
        }
        _ => None,
    }
}
