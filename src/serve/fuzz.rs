//! Entry points for fuzzing the parsers of request bodies. They panic if a parser breaks its contract.

use std::error::Error;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::HeaderValue;
use tokio::runtime::{Builder, Runtime};

use super::results::Given;
use super::v1::{self, asked::Asked};
use super::v2::infer::{self, Limits};
use crate::backbones::FeatureSpec;
use crate::features::Input;
use crate::http::Problem;
use crate::images::Image;

/// The boundary of the forms that [`form`] reads.
pub const BOUNDARY: &str = "b0und";

/// The largest number of images in a request.
const IMAGES: usize = 64;

type Outcome = Result<(), Box<dyn Error>>;

/// Parses an inference request to a head on these features: the length of the JSON as 32 bits, little endian,
/// and the body. All bits set stand for a request without that length.
///
/// # Errors
/// Why the request was refused.
///
/// # Panics
/// If the images of an accepted request are not those that its tensor's shape describes.
pub fn infer(bytes: &[u8], spec: &FeatureSpec) -> Outcome {
    let (length, body) = bytes.split_first_chunk::<4>().ok_or("no length")?;
    let length = Some(u32::from_le_bytes(*length)).filter(|&length| length != u32::MAX);
    let limits = Limits {
        images: IMAGES,
        pixels: 1 << 20,
    };
    let asked = infer::parse(body, length.map(|length| length as usize), spec, limits)?;
    let shape = &asked.request.inputs[0].shape;
    assert_eq!(asked.images.len() as u64, shape[0]);
    asked.images.iter().for_each(|image| check(image, shape));
    Ok(())
}

fn check(image: &Given, shape: &[u64]) {
    let (found, wanted) = match image.as_ref().expect("the request is refused as a whole") {
        Input::Image(Image::Rgb(image)) => (image.pixels().len(), &shape[1..]),
        Input::Values(values) => (values.len(), &shape[1..]),
        Input::Image(_) => return,
    };
    assert_eq!(found as u64, wanted.iter().product::<u64>());
}

/// Parses the JSON of a request to `/v1/classify`.
///
/// # Errors
/// Why the request was refused.
pub fn json(bytes: &[u8]) -> Outcome {
    classify(v1::json::parse(bytes))
}

/// Parses a form sent to `/v1/classify`, with the boundary [`BOUNDARY`].
///
/// # Errors
/// Why the request was refused.
///
/// # Panics
/// If there are more images than one too many.
pub fn form(bytes: &[u8]) -> Outcome {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let built = Builder::new_current_thread().build();
        built.expect("a runtime without threads and timers")
    });
    let kind = HeaderValue::try_from(format!("multipart/form-data; boundary={BOUNDARY}"))?;
    let body = Bytes::copy_from_slice(bytes);
    let asked = RUNTIME.block_on(v1::form::parse(kind, body, IMAGES));
    if let Ok(asked) = &asked {
        assert!(asked.images.len() <= IMAGES + 1);
    }
    classify(asked)
}

fn classify(asked: Result<Asked, Problem>) -> Outcome {
    let params = asked?.params;
    params.labelling()?;
    params.neighbours()?;
    Ok(())
}
