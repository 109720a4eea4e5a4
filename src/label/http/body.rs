//! Reads the bodies of requests, within a size and a time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::http::Problem;

/// The longest time for a body.
const TIME: Duration = Duration::from_secs(30);
/// The most bytes of an action: the numbers of a million images fit.
const ACTION: usize = 16 << 20;

/// Reads a body.
///
/// # Errors
/// If it is larger than `most` bytes, too slow, or cut off.
pub(super) async fn bytes(body: Body, most: usize) -> Result<Bytes, Problem> {
    let read = timeout(TIME, Limited::new(body, most).collect()).await;
    let read = read.map_err(|_| Problem::slow("the body did not arrive in time"))?;
    let read = read.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Problem::too_large(format!("the body has more than {most} bytes"))
        } else {
            Problem::bad_request("the body ended too early")
        }
    })?;
    Ok(read.to_bytes())
}

/// Reads a body of JSON. A form of another page cannot send it with the right type.
///
/// # Errors
/// As [`bytes`]; if it is not JSON of this form.
pub(super) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Err(Problem::media_type("the body must be `application/json`"));
    }
    Ok(serde_json::from_slice(&bytes(body, ACTION).await?)?)
}
