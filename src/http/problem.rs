//! Why a request is refused or fails, as a reply: a status code and a JSON object with `error` and `code`.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Problem {
    status: StatusCode,
    /// A word for programs.
    code: &'static str,
    message: String,
}

/// The `code` of a refusal, added to its reply for the metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused(pub(crate) &'static str);

/// The body of a reply that reports a problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// What is wrong.
    error: String,
    /// A word for programs, such as `busy`.
    code: &'static str,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $status:ident, $code:literal;)+) => {$(
        $(#[$doc])*
        pub(crate) fn $name(message: impl Into<String>) -> Self {
            Self {
                status: StatusCode::$status,
                code: $code,
                message: message.into(),
            }
        }
    )+};
}

impl Problem {
    problems! {
        /// The request is malformed.
        bad_request: BAD_REQUEST, "bad_request";
        /// The token is missing or wrong.
        unauthorized: UNAUTHORIZED, "unauthorized";
        /// The request comes from a page of another site.
        forbidden: FORBIDDEN, "forbidden";
        /// Nothing has this path.
        not_found: NOT_FOUND, "not_found";
        /// What the request refers to has changed since.
        conflict: CONFLICT, "stale";
        /// The path has other methods.
        method: METHOD_NOT_ALLOWED, "method_not_allowed";
        /// The body did not arrive in time.
        slow: REQUEST_TIMEOUT, "slow";
        /// The body or the number of images is over a limit.
        too_large: PAYLOAD_TOO_LARGE, "too_large";
        /// The body has a type or encoding that is not read.
        media_type: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type";
        /// The network failed or a thread panicked.
        internal: INTERNAL_SERVER_ERROR, "internal";
        /// The server has too much to do.
        busy: SERVICE_UNAVAILABLE, "busy";
        /// What is asked for is still being computed.
        not_ready: SERVICE_UNAVAILABLE, "not_ready";
        /// The disk is full.
        disk_full: INSUFFICIENT_STORAGE, "disk_full";
        /// The server did not finish in time.
        late: SERVICE_UNAVAILABLE, "timeout";
    }
}

impl From<PathRejection> for Problem {
    /// A part of the path is not UTF-8 once it is decoded.
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<serde_json::Error> for Problem {
    /// A text that is quoted is shortened: it may be a whole image in base64.
    fn from(error: serde_json::Error) -> Self {
        const SHOWN: usize = 120;
        let text: Vec<char> = error.to_string().chars().collect();
        let text: String = match text.len() {
            0..=300 => text.into_iter().collect(),
            n => text[..SHOWN]
                .iter()
                .chain(&['…'])
                .chain(&text[n - SHOWN..])
                .collect(),
        };
        Self::bad_request(format!("the JSON cannot be read: {text}"))
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            error: self.message,
            code: self.code,
        };
        let mut reply = (self.status, Json(body)).into_response();
        reply.extensions_mut().insert(Refused(self.code));
        let header = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => (header::RETRY_AFTER, "1"),
            StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Bearer"),
            _ => return reply,
        };
        reply
            .headers_mut()
            .insert(header.0, HeaderValue::from_static(header.1));
        reply
    }
}

/// Returns the reply to a request whose handler panicked.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal("an internal error occurred").into_response()
}
