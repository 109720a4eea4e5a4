//! transformers' `preprocessor_config.json`: what its image processors, and the feature extractors before
//! them, do with a picture.

use serde_json::Value;

use super::fields::{Fields, Read, before_crop, pixels};
use crate::images::{Crop, CropRounding, Interpolation, Preprocessing, Resize};

/// An image processor, with the defaults of what a configuration leaves out.
struct Known {
    /// Its name without `ImageProcessor`; with `Fast`, it stands for the fast processor alone.
    name: &'static str,
    /// Whether a `size` that is a number is both edges, or the shorter one.
    square: bool,
    size: u32,
    crop: Option<u32>,
    resample: Interpolation,
    /// `image_mean` and `image_std`.
    channels: [[f32; 3]; 2],
}

const HALF: [[f32; 3]; 2] = [[0.5; 3]; 2];
const IMAGENET: [[f32; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
const CLIP: [[f32; 3]; 2] = [
    [0.481_454_66, 0.457_827_5, 0.408_210_73],
    [0.268_629_54, 0.261_302_6, 0.275_777_1],
];

/// A processor that resizes to a smaller size if the crop keeps only a share of it.
const CONVNEXT: &str = "ConvNext";

const fn known(
    name: &'static str,
    square: bool,
    size: u32,
    crop: Option<u32>,
    resample: Interpolation,
    channels: [[f32; 3]; 2],
) -> Known {
    Known {
        name,
        square,
        size,
        crop,
        resample,
        channels,
    }
}

/// The `__init__` of each processor in transformers 4.57.
const KNOWN: &[Known] = {
    use Interpolation::{Bicubic, Bilinear};
    &[
        known("ViT", true, 224, None, Bilinear, HALF),
        known("Pvt", true, 224, None, Bilinear, IMAGENET),
        known("Siglip", true, 224, None, Bicubic, HALF),
        known("DeiT", true, 256, Some(224), Bicubic, HALF),
        known("Beit", true, 256, Some(224), Bicubic, HALF),
        // The only fast processor with other defaults than the slow one.
        known("BeitFast", true, 224, None, Bicubic, HALF),
        known("CLIP", false, 224, Some(224), Bicubic, CLIP),
        known("ChineseCLIP", false, 224, Some(224), Bicubic, CLIP),
        known("Bit", false, 224, Some(224), Bicubic, CLIP),
        known(CONVNEXT, false, 384, None, Bilinear, HALF),
        known("MobileNetV1", false, 256, Some(224), Bilinear, HALF),
        known("MobileNetV2", false, 256, Some(224), Bilinear, HALF),
    ]
};

/// Processors that do more than their fields say.
const OTHERS: &[&str] = &["Levit", "EfficientNet", "Perceiver", "MobileViT", "Siglip2"];

/// Fields that do not change the pixels of a colour image.
const HARMLESS: &[&str] = &[
    "_valid_processor_keys",
    "data_format",
    "device",
    "disable_grouping",
    "do_convert_rgb",
    "do_reduce_labels",
    "image_seq_length",
    "input_data_format",
    // Nothing is padded without `do_pad`.
    "pad_size",
    "processor_class",
    "reduce_labels",
    "return_tensors",
];

/// Fields that change the size of images in ways that a [`Preprocessing`] cannot.
const OTHER_SIZES: &[&str] = &["do_pad", "use_square_size"];

/// From this edge on, `ConvNext` resizes to the size itself, and does not crop.
const CONVNEXT_WHOLE: u32 = 384;

/// Reads a configuration. The defaults of a known processor stand in for missing fields; an unknown one must
/// have all of them, and no others.
pub(super) fn read(value: &Value) -> Result<Read, String> {
    let map = value.as_object().ok_or("it is not a JSON object")?;
    let mut fields = Fields::new(map);
    let (name, fast) = name(&mut fields)?;
    let entry = |name: &str| KNOWN.iter().find(|known| known.name == name);
    let as_fast = |name| fast.then(|| entry(&format!("{name}Fast"))).flatten();
    let known = name.and_then(|name| as_fast(name).or_else(|| entry(name)));
    if let Some(name) = name.filter(|name| OTHERS.contains(name)) {
        return Err(format!("the image processor of {name} is not supported"));
    }
    if let Some(field) = fields
        .others(&[])
        .iter()
        .find(|field| OTHER_SIZES.contains(&&***field))
    {
        return Err(format!("its `{field}` is not supported"));
    }
    let processor = Processor { name, known };
    let (resize, crop) = processor.sizes(&mut fields)?;
    let preprocessing = Preprocessing {
        resize,
        crop,
        crop_rounding: match crop {
            Crop::Center(..) => CropRounding::Down,
            _ => CropRounding::Even,
        },
        interpolation: processor.filter(&mut fields, resize)?,
        ..processor.values(&mut fields)?
    };
    let ignored = fields.others(HARMLESS);
    match ignored.first() {
        Some(field) if known.is_none() => Err(processor.unknown(&format!("asks for `{field}`"))),
        _ => Ok(Read {
            preprocessing,
            ignored,
        }),
    }
}

/// Returns the processor's name without `ImageProcessor` or, in older files, `FeatureExtractor`, and whether
/// it ends in `Fast`.
fn name<'a>(fields: &mut Fields<'a>) -> Result<(Option<&'a str>, bool), String> {
    let new = fields.parsed("image_processor_type", "text", Value::as_str)?;
    let old = fields.parsed("feature_extractor_type", "text", Value::as_str)?;
    let endings = ["Fast", "ImageProcessor", "FeatureExtractor"];
    let plain = |name: &'a str| {
        let without = |name: &'a str, ending| name.strip_suffix(ending).unwrap_or(name);
        endings
            .iter()
            .fold(name, |name, ending| without(name, *ending))
    };
    let name = new.or(old);
    Ok((
        name.map(plain),
        name.is_some_and(|name| name.ends_with("Fast")),
    ))
}

struct Processor<'a> {
    name: Option<&'a str>,
    known: Option<&'static Known>,
}

impl Processor<'_> {
    /// Returns why the configuration of an unknown processor cannot be used.
    fn unknown(&self, problem: &str) -> String {
        match self.name {
            Some(name) => format!("it {problem}, and the image processor of {name} is not known"),
            None => format!("it {problem}, and does not name its image processor"),
        }
    }

    /// Returns the value of a field, or the known processor's default.
    fn or_default<T>(
        &self,
        value: Option<T>,
        field: &str,
        default: impl FnOnce(&Known) -> T,
    ) -> Result<T, String> {
        let known = || self.known.map(default);
        value
            .or_else(known)
            .ok_or_else(|| self.unknown(&format!("has no `{field}`")))
    }

    fn sizes(&self, fields: &mut Fields) -> Result<(Resize, Crop), String> {
        let resizes = fields.flag("do_resize")?.unwrap_or(true);
        let square = fields.flag("default_to_square")?;
        let square = square.or(self.known.map(|known| known.square));
        let size = fields.get("size").map(|size| self.size(size, square));
        let size = self.or_default(size.transpose()?, "size", |known| {
            resize(known.size, known.square)
        })?;
        let crops = fields.flag("do_center_crop")?;
        let crop = fields.parsed("crop_size", "a size", crop)?;
        if self.name == Some(CONVNEXT) && resizes {
            let share = fields.number("crop_pct")?.unwrap_or(224.0 / 256.0);
            return convnext(size, share);
        }
        let default = self.known.and_then(|known| known.crop);
        let crop = if crops.unwrap_or(default.is_some()) {
            crop.or(default.map(|edge| Crop::Center(edge, edge)))
                .ok_or_else(|| self.unknown("has no `crop_size`"))?
        } else {
            Crop::None
        };
        let resize = if resizes { size } else { Resize::None };
        match (resize, crop) {
            (Resize::Exact(..), _) | (_, Crop::Center(..)) => Ok((resize, crop)),
            _ => Err("its images keep their aspect ratio, but a network needs one size".to_owned()),
        }
    }

    fn size(&self, size: &Value, square: Option<bool>) -> Result<Resize, String> {
        if let Some(edge) = pixels(size) {
            let square = square.ok_or_else(|| {
                self.unknown("has a `size` that is either the shorter edge or both edges")
            })?;
            return Ok(resize(edge, square));
        }
        edges(size)
            .or_else(|| match only(size, &["shortest_edge"])?[..] {
                [edge] => Some(Resize::Shorter(edge)),
                _ => None,
            })
            .ok_or_else(|| format!("its `size` is {size}"))
    }

    fn filter(&self, fields: &mut Fields, resize: Resize) -> Result<Interpolation, String> {
        let wanted = "one of Pillow's filters, 0 to 5";
        let number = |value: &Value| {
            let number = usize::try_from(value.as_u64()?).ok()?;
            Interpolation::PILLOW.get(number).copied()
        };
        match fields.parsed("resample", wanted, number)? {
            None if resize == Resize::None => Ok(Interpolation::default()),
            filter => self.or_default(filter, "resample", |known| known.resample),
        }
    }

    /// Returns scale, mean and std.
    fn values(&self, fields: &mut Fields) -> Result<Preprocessing, String> {
        let factor = fields.number("rescale_factor")?.unwrap_or(1.0 / 255.0);
        let rescales = fields.flag("do_rescale")?.unwrap_or(true);
        let normalises = fields.flag("do_normalize")?.unwrap_or(true);
        let [mean, std] = [
            fields.channels("image_mean")?,
            fields.channels("image_std")?,
        ];
        let scale = if rescales { (1.0 / factor) as f32 } else { 1.0 };
        let [mean, std] = if normalises {
            [
                self.or_default(mean, "image_mean", |known| known.channels[0])?,
                self.or_default(std, "image_std", |known| known.channels[1])?,
            ]
        } else {
            [[0.0; 3], [1.0; 3]]
        };
        Ok(Preprocessing {
            mean,
            std,
            scale,
            ..Preprocessing::default()
        })
    }
}

fn resize(edge: u32, square: bool) -> Resize {
    if square {
        Resize::Exact(edge, edge)
    } else {
        Resize::Shorter(edge)
    }
}

fn convnext(size: Resize, share: f64) -> Result<(Resize, Crop), String> {
    match size {
        Resize::Shorter(edge) if edge < CONVNEXT_WHOLE => {
            let resize = Resize::Shorter(before_crop(edge, share));
            Ok((resize, Crop::Center(edge, edge)))
        }
        Resize::Shorter(edge) => Ok((Resize::Exact(edge, edge), Crop::None)),
        _ => Err("its `size` has no `shortest_edge`".to_owned()),
    }
}

fn crop(size: &Value) -> Option<Crop> {
    if let Some(edge) = pixels(size) {
        return Some(Crop::Center(edge, edge));
    }
    match edges(size)? {
        Resize::Exact(width, height) => Some(Crop::Center(width, height)),
        _ => None,
    }
}

/// Returns `{"height": …, "width": …}`.
fn edges(size: &Value) -> Option<Resize> {
    match only(size, &["height", "width"])?[..] {
        [height, width] => Some(Resize::Exact(width, height)),
        _ => None,
    }
}

/// Returns the numbers of an object that has exactly these fields, apart from ones that are null.
fn only(value: &Value, names: &[&str]) -> Option<Vec<u32>> {
    let map = value.as_object()?;
    let set = map.values().filter(|value| !value.is_null()).count();
    let numbers = names.iter().map(|name| pixels(map.get(*name)?));
    numbers
        .collect::<Option<Vec<u32>>>()
        .filter(|_| set == names.len())
}
