//! The paths of the server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::app::App;
use super::guard::guard;
use super::openapi::openapi;
use super::page::page;
use super::{v1, v2};
use crate::http::{Problem, panicked};

/// Returns all routes. A client's address is added for each connection.
pub(super) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/gallery/{digest}", get(v1::thumbnail))
        .route("/v1/models", get(v1::models))
        .route("/v1/classify", post(v1::classify))
        .route("/", get(page))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .merge(v2::routes())
        .fallback(async || Problem::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(async || Problem::method("this path has no such method"))
        // The handlers limit bodies themselves, to the size that the options set.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// Returns the metrics as Prometheus text.
async fn metrics(State(app): State<Arc<App>>) -> Response {
    let text = app
        .metrics
        .text(&app.models.load(), app.ready.load(Ordering::Relaxed));
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
