//! Requests of `/v1/classify` in JSON, with images in base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use utoipa::ToSchema;

use super::asked::{Asked, file};
use super::params::Params;
use crate::http::Problem;
use crate::serve::bounded::bounded;
use crate::serve::results::Unusable;

/// A request in JSON.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `images`")]
pub(in crate::serve) struct JsonRequest {
    model: Option<String>,
    version: Option<String>,
    top_k: Option<u32>,
    #[schema(minimum = 0, maximum = 1)]
    threshold: Option<f64>,
    #[schema(maximum = 20)]
    nearest: Option<u32>,
    /// The images.
    #[serde(deserialize_with = "bounded")]
    images: Vec<JsonImage>,
}

/// An image in a JSON request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "an image is a string in base64, or an object with the strings `name` and `data`"
)]
pub(in crate::serve) enum JsonImage {
    /// The file in base64.
    Data(String),
    /// The file in base64, with a name that the result repeats.
    Named {
        /// The name.
        name: String,
        /// The file in base64.
        data: String,
    },
}

/// Parses a body.
pub(in crate::serve) fn parse(body: &[u8]) -> Result<Asked, Problem> {
    let request: JsonRequest = serde_json::from_slice(body)?;
    let image = |(place, image): (usize, JsonImage)| {
        let (name, data) = match image {
            JsonImage::Data(data) => (place.to_string(), data),
            JsonImage::Named { name, data } => (name, data),
        };
        let bytes = BASE64_STANDARD.decode(data.as_bytes());
        let image = bytes.map_err(|error| Unusable::Malformed(format!("is not base64: {error}")));
        (name, image.map(|bytes| file(&bytes)))
    };
    let images = request.images.into_iter().enumerate().map(image).collect();
    let params = Params {
        model: request.model,
        version: request.version,
        top_k: request.top_k,
        threshold: request.threshold,
        nearest: request.nearest,
    };
    Ok(Asked { params, images })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Input;
    use crate::images::Image;

    #[test]
    fn json_has_images_with_and_without_names() {
        let body =
            br#"{"model": "pets", "top_k": 2, "images": ["AAEC", {"name": "b", "data": "!"}]}"#;
        let asked = parse(body).unwrap();
        assert_eq!(asked.params.model.as_deref(), Some("pets"));
        assert_eq!(asked.params.top_k, Some(2));
        let [(first, good), (second, bad)] = &asked.images[..] else {
            panic!("two images")
        };
        assert_eq!((&**first, &**second), ("0", "b"));
        let Ok(Input::Image(Image::Bytes(bytes))) = good else {
            panic!("{good:?}")
        };
        assert_eq!(**bytes, [0, 1, 2]);
        assert!(
            bad.as_ref()
                .unwrap_err()
                .to_string()
                .starts_with("is not base64")
        );
        for wrong in [
            &b"{"[..],
            b"[]",
            br#"{"images": [1]}"#,
            br#"{"images": [], "url": ""}"#,
        ] {
            assert!(parse(wrong).is_err());
        }
    }
}
