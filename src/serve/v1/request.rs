//! The requests of `/v1/classify`: an image as the body, a form, or a JSON object.

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::classifier::Labelling;
use crate::features::Input;
use crate::images::Image;
use crate::serve::bounded::bounded;
use crate::serve::problem::Problem;
use crate::serve::results::{Given, Unusable};

/// The parameters of a request, in the query, in a form or in the JSON object.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Params {
    /// The name of the model; not needed if only one is served.
    pub(super) model: Option<String>,
    /// The version of the model; the latest one by default.
    pub(super) version: Option<String>,
    /// How many of the most probable classes are listed [default: 5].
    pub(super) top_k: Option<u32>,
    /// Below this probability the label is `unknown`.
    pub(super) threshold: Option<f64>,
    /// How many of the nearest training images are listed if the server has a gallery [default: 0].
    pub(super) nearest: Option<u32>,
}

impl Params {
    const TOP_K: u32 = 5;
    const MOST_NEAREST: u32 = 20;

    /// Returns how many of the nearest training images are listed.
    pub(super) fn neighbours(&self) -> Result<usize, Problem> {
        match self.nearest.unwrap_or(0) {
            k if k <= Self::MOST_NEAREST => Ok(k as usize),
            _ => Err(Problem::bad_request("`nearest` must be from 0 to 20")),
        }
    }

    /// Returns how the images are labelled.
    pub(super) fn labelling(&self) -> Result<Labelling, Problem> {
        let within = |p: &f64| (0.0..=1.0).contains(p);
        if self.threshold.is_some_and(|p| !within(&p)) {
            return Err(Problem::bad_request("`threshold` must be from 0 to 1"));
        }
        Ok(Labelling {
            threshold: self.threshold,
            top_k: self.top_k.unwrap_or(Self::TOP_K) as usize,
        })
    }
}

/// What a request asks: the parameters, and each image with its name.
pub(super) struct Asked {
    pub(super) params: Params,
    pub(super) images: Vec<(String, Given)>,
}

/// The form of a body.
pub(super) enum Kind {
    /// An image.
    Image,
    /// `multipart/form-data`, with its type, which contains the boundary.
    Form(HeaderValue),
    Json,
}

/// Decides by the `Content-Type` how to read a body.
pub(super) fn kind_of(headers: &HeaderMap) -> Result<Kind, Problem> {
    let header = headers.get(header::CONTENT_TYPE);
    let text = header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    match (&*kind, header) {
        ("multipart/form-data", Some(header)) => Ok(Kind::Form(header.clone())),
        ("application/json", _) => Ok(Kind::Json),
        ("application/octet-stream", _) => Ok(Kind::Image),
        (image, _) if image.starts_with("image/") => Ok(Kind::Image),
        _ => Err(Problem::media_type(
            "the Content-Type must be `multipart/form-data`, `application/json`, \
             `application/octet-stream` or that of an image",
        )),
    }
}

/// Parses a body; parameters in it come before those in the query. Stops at the image that is one too many.
pub(super) async fn parse(
    kind: Kind,
    body: Bytes,
    query: Params,
    most: usize,
) -> Result<Asked, Problem> {
    let Asked { params, images } = match kind {
        Kind::Image => {
            let images = vec![("image".to_owned(), Ok(file(&body)))];
            let params = Params::default();
            Asked { params, images }
        }
        Kind::Form(header) => form(header, body, most).await?,
        Kind::Json => {
            // Decoding base64 takes long enough to delay other connections.
            let parsed = tokio::task::spawn_blocking(move || json(&body)).await;
            parsed.unwrap_or_else(|_| Err(Problem::internal("an internal error occurred")))?
        }
    };
    let params = Params {
        model: params.model.or(query.model),
        version: params.version.or(query.version),
        top_k: params.top_k.or(query.top_k),
        threshold: params.threshold.or(query.threshold),
        nearest: params.nearest.or(query.nearest),
    };
    Ok(Asked { params, images })
}

fn file(bytes: &[u8]) -> Input {
    Input::Image(Image::from(bytes))
}

async fn form(header: HeaderValue, body: Bytes, most: usize) -> Result<Asked, Problem> {
    let malformed = |error: &dyn std::fmt::Display| {
        Problem::bad_request(format!("the form cannot be read: {error}"))
    };
    let mut request = Request::new(Body::from(body));
    request.headers_mut().insert(header::CONTENT_TYPE, header);
    // The body has been read within its own limit.
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|error| malformed(&error.body_text()))?;
    let (mut params, mut images) = (Params::default(), Vec::new());
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| malformed(&error.body_text()))?
    {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await;
        let bytes = bytes.map_err(|error| malformed(&error.body_text()))?;
        if file_name.is_none() && set(&mut params, &name, &bytes)? {
            continue;
        }
        // One more than allowed is enough to be refused.
        if images.len() <= most {
            images.push((file_name.unwrap_or(name), Ok(file(&bytes))));
        }
    }
    Ok(Asked { params, images })
}

/// Sets a parameter from a field of a form; returns whether the field is one.
fn set(params: &mut Params, name: &str, value: &[u8]) -> Result<bool, Problem> {
    let wrong = || Problem::bad_request(format!("the field `{name}` has an invalid value"));
    let text = || {
        std::str::from_utf8(value)
            .map(str::trim)
            .map_err(|_| wrong())
    };
    match name {
        "model" => params.model = Some(text()?.to_owned()),
        "version" => params.version = Some(text()?.to_owned()),
        "top_k" => params.top_k = Some(text()?.parse().map_err(|_| wrong())?),
        "nearest" => params.nearest = Some(text()?.parse().map_err(|_| wrong())?),
        "threshold" => params.threshold = Some(text()?.parse().map_err(|_| wrong())?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// A request in JSON.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct JsonRequest {
    model: Option<String>,
    version: Option<String>,
    top_k: Option<u32>,
    threshold: Option<f64>,
    nearest: Option<u32>,
    /// The images.
    #[serde(deserialize_with = "bounded")]
    images: Vec<JsonImage>,
}

/// An image in a JSON request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
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

/// A form, for the description of the interface: each field with a file name is an image.
#[derive(ToSchema)]
#[allow(dead_code, reason = "forms are read field by field")]
pub(in crate::serve) struct FormRequest {
    model: Option<String>,
    version: Option<String>,
    top_k: Option<u32>,
    threshold: Option<f64>,
    nearest: Option<u32>,
    /// The images.
    #[schema(format = Binary)]
    image: Vec<String>,
}

fn json(body: &[u8]) -> Result<Asked, Problem> {
    let request: JsonRequest = serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("the JSON cannot be read: {error}")))?;
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

    #[test]
    fn json_has_images_with_and_without_names() {
        let body =
            br#"{"model": "pets", "top_k": 2, "images": ["AAEC", {"name": "b", "data": "!"}]}"#;
        let asked = json(body).unwrap();
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
            assert!(json(wrong).is_err());
        }
    }

    #[test]
    fn the_type_decides_how_a_body_is_read() {
        let kind = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(text));
            kind_of(&headers).ok()
        };
        assert!(matches!(kind("image/jpeg"), Some(Kind::Image)));
        assert!(matches!(
            kind("Application/JSON; charset=utf-8"),
            Some(Kind::Json)
        ));
        assert!(matches!(
            kind("multipart/form-data; boundary=x"),
            Some(Kind::Form(_))
        ));
        for wrong in ["text/html", "application/x-www-form-urlencoded", ""] {
            assert!(kind(wrong).is_none(), "{wrong}");
        }
        assert!(kind_of(&HeaderMap::new()).is_err());
    }
}
