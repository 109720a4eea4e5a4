//! Turns the input tensor of a request into images.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::binary;
use super::json::{InferRequest, InputTensor};
use super::metadata::values_shape;
use super::numbers::Data;
use crate::backbones::FeatureSpec;
use crate::features::Input;
use crate::http::Problem;
use crate::images::{Image, RgbImage, grouped};
use crate::phrases::counted;
use crate::serve::app::App;
use crate::serve::results::Given;

/// The limits of a request.
#[derive(Debug, Clone, Copy)]
pub(in crate::serve) struct Limits {
    pub(in crate::serve) images: usize,
    pub(in crate::serve) pixels: u64,
}

impl Limits {
    pub(super) fn of(app: &App) -> Self {
        Self {
            images: app.options.limits.images,
            pixels: app.options.images.max_pixels,
        }
    }
}

/// A request and its images.
pub(in crate::serve) struct Asked {
    pub(in crate::serve) request: InferRequest,
    pub(in crate::serve) images: Vec<Given>,
}

/// Parses a request to a head on the features that `spec` describes.
pub(in crate::serve) fn parse(
    body: &[u8],
    header: Option<usize>,
    spec: &FeatureSpec,
    limits: Limits,
) -> Result<Asked, Problem> {
    let (json, data) = binary::split(body, header)?;
    let mut request: InferRequest = serde_json::from_slice(json)?;
    let pieces = binary::pieces(&request.inputs, data)?;
    let (1, Some(input), Some(&piece)) = (
        request.inputs.len(),
        request.inputs.first_mut(),
        pieces.first(),
    ) else {
        return Err(Problem::bad_request(
            "a request must have one input: `image`, `pixels` or `values`",
        ));
    };
    let data = input.data.take();
    let images = images(input, data, piece, spec, limits)?;
    Ok(Asked { request, images })
}

fn images(
    input: &InputTensor,
    data: Option<Data>,
    piece: Option<&[u8]>,
    spec: &FeatureSpec,
    limits: Limits,
) -> Result<Vec<Given>, Problem> {
    let count = input.shape.first().copied().unwrap_or(0);
    if count > limits.images as u64 {
        let most = limits.images;
        return Err(Problem::too_large(format!(
            "the request contains {count} images, over the limit of {most}"
        )));
    }
    let wanted = match &*input.name {
        "image" => "BYTES",
        "pixels" => "UINT8",
        "values" => "FP32",
        name => {
            return Err(Problem::bad_request(format!(
                "there is no input `{name}`, only `image`, `pixels` and `values`"
            )));
        }
    };
    if input.datatype != wanted {
        return Err(Problem::bad_request(format!(
            "input `{}` has datatype `{}` instead of `{wanted}`",
            input.name, input.datatype
        )));
    }
    match wanted {
        "BYTES" => files(input, data, piece),
        "UINT8" => pixels(input, data, piece, limits),
        _ => values(input, data, piece, spec),
    }
}

/// Files, shape (N) or, as some clients send a batch, (N, 1).
fn files(
    input: &InputTensor,
    data: Option<Data>,
    piece: Option<&[u8]>,
) -> Result<Vec<Given>, Problem> {
    if !matches!(input.shape[..], [_] | [_, 1]) {
        return Err(other_shape(input, "[N]"));
    }
    let given = |bytes: &[u8]| Ok(Input::Image(Image::from(bytes)));
    let images: Vec<Given> = match (piece, data) {
        (Some(piece), _) => {
            let elements = binary::elements(piece);
            let elements = elements.ok_or_else(|| {
                Problem::bad_request(
                    "the binary data of `image` has a length that exceeds the data, or too many elements",
                )
            })?;
            elements.into_iter().map(given).collect()
        }
        (None, Some(Data::Texts(texts))) => {
            let decoded = texts.into_iter().map(|text| BASE64_STANDARD.decode(text));
            let decoded = decoded.collect::<Result<Vec<_>, _>>();
            let decoded = decoded.map_err(|error| {
                Problem::bad_request(format!("an element of `image` is not base64: {error}"))
            })?;
            decoded.iter().map(|bytes| given(bytes)).collect()
        }
        _ => {
            return Err(Problem::bad_request(
                "the elements of `image` must be strings",
            ));
        }
    };
    check_length(input, images.len(), input.shape[0], "element")?;
    Ok(images)
}

/// Decoded images, shape [N, H, W, 3].
fn pixels(
    input: &InputTensor,
    data: Option<Data>,
    piece: Option<&[u8]>,
    limits: Limits,
) -> Result<Vec<Given>, Problem> {
    let [count, height, width, 3] = input.shape[..] else {
        return Err(other_shape(input, "[N, H, W, 3]"));
    };
    let size = height.saturating_mul(width);
    let (Ok(w), Ok(h), 1..) = (u32::try_from(width), u32::try_from(height), size) else {
        return Err(other_shape(input, "[N, H, W, 3] with at least one pixel"));
    };
    if size > limits.pixels {
        let (size, limit) = (grouped(size), grouped(limits.pixels));
        return Err(Problem::too_large(format!(
            "each image has {size} pixels, over the limit of {limit}"
        )));
    }
    let samples = match (piece, data) {
        (Some(piece), _) => piece.to_vec(),
        (None, Some(Data::Numbers(numbers))) => bytes_of(&numbers)?,
        _ => {
            return Err(Problem::bad_request(
                "the elements of `pixels` must be numbers",
            ));
        }
    };
    let all = count.saturating_mul(size).saturating_mul(3);
    // An element is a byte.
    check_length(input, samples.len(), all, "byte")?;
    let images = samples.chunks_exact(size as usize * 3).map(|samples| {
        let image = RgbImage::new(w, h, samples.to_vec()).expect("the length was checked");
        Ok(Input::Image(Image::from(image)))
    });
    Ok(images.collect())
}

fn bytes_of(numbers: &[f32]) -> Result<Vec<u8>, Problem> {
    let byte = |&number: &f32| {
        let fits = (0.0..=255.0).contains(&number) && number.fract() == 0.0;
        fits.then_some(number as u8)
    };
    let bytes = numbers.iter().map(byte).collect::<Option<Vec<u8>>>();
    bytes.ok_or_else(|| {
        Problem::bad_request("the elements of `pixels` must be whole numbers from 0 to 255")
    })
}

/// The network's input for each image.
fn values(
    input: &InputTensor,
    data: Option<Data>,
    piece: Option<&[u8]>,
    spec: &FeatureSpec,
) -> Result<Vec<Given>, Problem> {
    let wanted: Vec<u64> = values_shape(spec).iter().map(|&n| n as u64).collect();
    let (count, shape) = input.shape.split_first().unwrap_or((&0, &[]));
    if shape != wanted {
        let wanted = wanted.iter().map(u64::to_string).collect::<Vec<_>>();
        return Err(other_shape(input, &format!("[N, {}]", wanted.join(", "))));
    }
    let each: u64 = wanted.iter().product();
    let all = count.saturating_mul(each);
    let numbers = match (piece, data) {
        (Some(piece), _) => {
            check_length(input, piece.len(), all.saturating_mul(4), "byte")?;
            let numbers = piece.as_chunks::<4>().0.iter();
            numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
        (None, Some(Data::Numbers(numbers))) => numbers,
        _ => {
            return Err(Problem::bad_request(
                "the elements of `values` must be numbers",
            ));
        }
    };
    check_length(input, numbers.len(), all, "element")?;
    let images = numbers.chunks_exact(each as usize);
    Ok(images
        .map(|values| Ok(Input::Values(values.to_vec())))
        .collect())
}

fn other_shape(input: &InputTensor, wanted: &str) -> Problem {
    Problem::bad_request(format!(
        "input `{}` has shape {:?} instead of {wanted}",
        input.name, input.shape
    ))
}

fn check_length(input: &InputTensor, found: usize, wanted: u64, unit: &str) -> Result<(), Problem> {
    if found as u64 == wanted {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "the data of input `{}` has {}, but shape {:?} and datatype `{}` need {wanted}",
        input.name,
        counted(found, unit),
        input.shape,
        input.datatype
    )))
}
