//! The Open Inference Protocol over HTTP, with Triton's extensions for binary tensors and classification.
//!
//! A request has one of three inputs: `image`, files in any format; `pixels`, decoded images of one size; or
//! `values`, the network's input. A request is answered as a whole: if one of its images cannot be used, its
//! status is 400.

mod binary;
pub(super) mod infer;
mod json;
mod metadata;
mod numbers;
mod outputs;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::{Json, Router, routing};
use serde_json::{Value, json};

use self::json::InferRequest;
use self::metadata::{ModelMetadata, ServerMetadata};
use self::outputs::InferReply;
use super::app::App;
use super::classify::labelling;
use super::models::{Model, Models};
use crate::http::{Problem, ProblemBody};

/// The name of a model and, if given, its version.
type Named = Result<Path<Vec<String>>, PathRejection>;

/// Returns the routes of the protocol.
pub(super) fn routes() -> Router<Arc<App>> {
    let mut routes = Router::new()
        .route("/v2", routing::get(server))
        .route("/v2/health/live", routing::get(live))
        .route("/v2/health/ready", routing::get(ready));
    for model in ["/v2/models/{name}", "/v2/models/{name}/versions/{version}"] {
        routes = routes
            .route(model, routing::get(metadata))
            .route(&format!("{model}/ready"), routing::get(model_ready))
            .route(&format!("{model}/infer"), routing::post(infer));
    }
    routes
}

/// Describes the server.
#[utoipa::path(get, path = "/v2", tag = "v2",
    responses((status = 200, description = "The server.", body = ServerMetadata)))]
pub(super) async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata::new())
}

/// Tells that the process answers.
#[utoipa::path(get, path = "/v2/health/live", tag = "v2",
    responses((status = 200, description = "It does.")))]
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// Tells whether the server is ready for requests: not before its heads are loaded, and not once it stops.
#[utoipa::path(get, path = "/v2/health/ready", tag = "v2",
    responses((status = 200, description = "It is."), (status = 503, description = "It is not.")))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let ready = app.ready.load(Ordering::Relaxed);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": ready })))
}

/// Describes a model and its tensors.
#[utoipa::path(
    get, path = "/v2/models/{name}", tag = "v2",
    params(("name" = String, Path, description = "The model.")),
    responses(
        (status = 200, description = "The model.", body = ModelMetadata),
        (status = 404, description = "There is no such model.", body = ProblemBody),
    )
)]
pub(super) async fn metadata(
    State(app): State<Arc<App>>,
    named: Named,
) -> Result<Json<ModelMetadata>, Problem> {
    let models = app.models.load();
    let model = find(&models, named)?;
    let versions = models.versions(&model.source.name);
    Ok(Json(ModelMetadata::of(&model, &versions)))
}

/// Tells that a model is served.
#[utoipa::path(
    get, path = "/v2/models/{name}/ready", tag = "v2",
    params(("name" = String, Path, description = "The model.")),
    responses(
        (status = 200, description = "It is served."),
        (status = 404, description = "There is no such model.", body = ProblemBody),
    )
)]
pub(super) async fn model_ready(
    State(app): State<Arc<App>>,
    named: Named,
) -> Result<Json<Value>, Problem> {
    let model = find(&app.models.load(), named)?;
    Ok(Json(json!({ "name": model.source.name, "ready": true })))
}

/// Classifies the images of a tensor.
#[utoipa::path(
    post, path = "/v2/models/{name}/infer", tag = "v2",
    params(("name" = String, Path, description = "The model.")),
    request_body = InferRequest,
    responses(
        (status = 200, description = "The outputs.", body = InferReply),
        (status = "4XX", description = "The request was refused.", body = ProblemBody),
        (status = 503, description = "Try again after `Retry-After` seconds.", body = ProblemBody),
    )
)]
pub(super) async fn infer(
    State(app): State<Arc<App>>,
    named: Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let deadline = app.deadline();
    let model = find(&app.models.load(), named)?;
    check_type(&headers)?;
    let payload = app.read(&headers, body, deadline).await?;
    let (bytes, limits) = (payload.bytes.clone(), infer::Limits::of(&app));
    let header = binary::header_length(&headers)?;
    let asked = Arc::clone(&model);
    // Parsing numbers takes long enough to delay other connections.
    let parse = move || infer::parse(&bytes, header, asked.predictor.spec(), limits);
    let asked = tokio::task::spawn_blocking(parse).await;
    let asked = asked.map_err(|_| Problem::internal("an internal error occurred"))??;
    let labelling = labelling(asked.request.parameters.threshold, 1)?;
    let (judged, _) = app.predict(&model, asked.images, 0, deadline).await?;
    app.metrics.images(&model, &judged, &labelling);
    outputs::reply(&model, &asked.request, judged, &labelling)
}

/// Finds the model of a path.
fn find(models: &Models, named: Named) -> Result<Arc<Model>, Problem> {
    let Path(named) = named?;
    let [name, version] = [0, 1].map(|part| named.get(part).map(String::as_str));
    models.find(name, version)
}

/// Refuses a body that is declared as something else than JSON or binary data.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let kind = kind.to_str().unwrap_or("?").split(';').next();
    let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
    if ["application/json", "application/octet-stream", ""].contains(&&*kind) {
        return Ok(());
    }
    Err(Problem::media_type(
        "the Content-Type must be `application/json` or `application/octet-stream`",
    ))
}
