//! The requests of `/v1/classify`: an image as the body, a form, or a JSON object.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};

use super::asked::{Asked, file};
use super::params::Params;
use super::{form, json};
use crate::http::Problem;

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
        Kind::Form(header) => form::parse(header, body, most).await?,
        Kind::Json => {
            // Decoding base64 takes long enough to delay other connections.
            let parsed = tokio::task::spawn_blocking(move || json::parse(&body)).await;
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

#[cfg(test)]
mod tests {
    use super::*;

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
