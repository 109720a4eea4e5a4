//! Requests of `/v1/classify` as a form: each field with a file name is an image.

use std::str::FromStr;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderValue, header};
use utoipa::ToSchema;

use super::asked::{Asked, file};
use super::params::Params;
use crate::http::Problem;
use crate::phrases::in_quotes;

/// The field whose value is an image even if it has no file name.
const IMAGE: &str = "image";

/// Parses a body; the header contains the boundary. Stops at the image that is one too many.
pub(in crate::serve) async fn parse(
    header: HeaderValue,
    body: Bytes,
    most: usize,
) -> Result<Asked, Problem> {
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
    let text = String::from_utf8_lossy(value);
    let text = text.trim();
    match name {
        "model" => put(&mut params.model, name, text)?,
        "version" => put(&mut params.version, name, text)?,
        "top_k" => put(&mut params.top_k, name, text)?,
        "nearest" => put(&mut params.nearest, name, text)?,
        "threshold" => put(&mut params.threshold, name, text)?,
        IMAGE => return Ok(false),
        _ => {
            let said = format!("the field {} of the form is unknown", in_quotes([name]));
            return Err(Problem::bad_request(said));
        }
    }
    Ok(true)
}

/// Parses the value of a parameter, which may be given once.
fn put<T: FromStr>(place: &mut Option<T>, name: &str, text: &str) -> Result<(), Problem> {
    let wrong = |_| {
        let said = format!("the field `{name}` is {}, not a number", in_quotes([text]));
        Problem::bad_request(said)
    };
    if place.replace(text.parse().map_err(wrong)?).is_some() {
        let said = format!("the field `{name}` is repeated");
        return Err(Problem::bad_request(said));
    }
    Ok(())
}

/// A form, for the description of the interface: each field with a file name is an image.
#[derive(ToSchema)]
#[allow(dead_code, reason = "forms are read field by field")]
pub(in crate::serve) struct FormRequest {
    model: Option<String>,
    version: Option<String>,
    top_k: Option<u32>,
    #[schema(minimum = 0, maximum = 1)]
    threshold: Option<f64>,
    #[schema(maximum = 20)]
    nearest: Option<u32>,
    /// The images.
    #[schema(format = Binary)]
    image: Vec<String>,
}
