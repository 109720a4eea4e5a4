//! The interface for people: `/v1/classify` and `/v1/models`.

pub(super) mod asked;
pub(super) mod form;
pub(super) mod json;
mod params;
mod reply;
mod request;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use self::asked::Asked;
use self::params::Params;
use self::reply::{Classified, ImageResult, ModelInfo, ModelList};
use super::app::App;
use super::openapi::File;
use crate::http::{Problem, ProblemBody};

/// Lists the models that are served.
#[utoipa::path(get, path = "/v1/models", tag = "v1",
    responses((status = 200, description = "The models.", body = ModelList)))]
pub(super) async fn models(State(app): State<Arc<App>>) -> Json<ModelList> {
    let models = app.models.load();
    let models = models.all().map(|model| ModelInfo::of(model)).collect();
    Json(ModelList { models })
}

/// Returns the thumbnail of a training image.
#[utoipa::path(
    get,
    path = "/v1/gallery/{digest}",
    tag = "v1",
    params(("digest" = String, Path, description = "The digest of the image.")),
    responses(
        (status = 200, description = "The thumbnail.", content_type = "image/jpeg", body = File),
        (status = 404, description = "The gallery has no such image.", body = ProblemBody),
    )
)]
pub(super) async fn thumbnail(
    State(app): State<Arc<App>>,
    digest: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(digest) = digest?;
    let none = || Problem::not_found("the gallery has no such image");
    let gallery = app.gallery.get().cloned().ok_or_else(none)?;
    let thumbnail = tokio::task::spawn_blocking(move || gallery.thumbnail(&digest)).await;
    let jpeg = thumbnail.ok().flatten().ok_or_else(none)?;
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::CACHE_CONTROL, "private, max-age=3600"),
    ];
    Ok((headers, jpeg).into_response())
}

/// Classifies the images of a request: one as the body, or several in a form or a JSON object.
#[utoipa::path(
    post,
    path = "/v1/classify",
    tag = "v1",
    params(Params),
    request_body(content(
        (File = "application/octet-stream"),
        (json::JsonRequest = "application/json"),
        (form::FormRequest = "multipart/form-data"),
    )),
    responses(
        (status = 200, description = "At least one image was classified.", body = Classified),
        (status = 422, description = "No image could be classified.", body = Classified),
        (status = "4XX", description = "The request was refused.", body = ProblemBody),
        (status = 503, description = "Try again after `Retry-After` seconds.", body = ProblemBody),
    )
)]
pub(super) async fn classify(
    State(app): State<Arc<App>>,
    params: Result<Query<Params>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Classified>), Problem> {
    let deadline = app.deadline();
    let Query(params) = params?;
    let kind = request::kind_of(&headers)?;
    let payload = app.read(&headers, body, deadline).await?;
    let most = app.options.limits.images;
    let Asked { params, images } =
        request::parse(kind, payload.bytes.clone(), params, most).await?;
    let labelling = params.labelling()?;
    let model = app.models.load();
    let model = model.find(params.model.as_deref(), params.version.as_deref())?;
    let (names, images): (Vec<_>, Vec<_>) = images.into_iter().unzip();
    let neighbours = params.neighbours()?;
    let predicted = app.predict(&model, images, neighbours, deadline);
    let (judged, near) = predicted.await?;
    app.metrics.images(&model, &judged, &labelling);
    let classes = model.predictor.classes();
    let results: Vec<_> = names
        .into_iter()
        .zip(judged.into_iter().zip(near))
        .map(|(name, (judged, near))| {
            ImageResult::of(name, judged, classes, &labelling).with_nearest(near)
        })
        .collect();
    let status = if results.iter().any(ImageResult::is_ok) {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let (model, version) = (model.source.name.clone(), model.source.version.clone());
    let reply = Classified {
        model,
        version,
        results,
    };
    Ok((status, Json(reply)))
}
