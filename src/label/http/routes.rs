//! The paths of the service, below the token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use super::guard::{Guard, guard};
use super::{body, events, files};
use crate::http::{Problem, panicked};
use crate::label::action::Action;
use crate::label::check::Doubt;
use crate::label::item::{Which, Window};
use crate::label::labeller::Labeller;
use crate::label::refusal::Refusal;

/// How many pictures are made at a time, beside everything else.
const PICTURES: usize = 2;

type Shared = State<Arc<App>>;
type Reply = Result<Response, Problem>;
type Named<T> = Result<Path<T>, PathRejection>;
type Params<T> = Result<Query<T>, QueryRejection>;

/// What all requests share.
struct App {
    labeller: Arc<Labeller>,
    pictures: Semaphore,
}

/// Returns all routes.
pub(super) fn routes(labeller: Arc<Labeller>, own: Arc<Guard>) -> Router {
    let app = Arc::new(App {
        labeller,
        pictures: Semaphore::new(PICTURES),
    });
    let inner = Router::new()
        .route("/", get(files::index))
        .route("/app/{name}", get(files::file))
        .route("/api/state", get(state))
        .route("/api/events", get(changes))
        .route("/api/groups", get(groups))
        .route("/api/groups/{key}", get(group))
        .route("/api/items", get(items))
        .route("/api/act", post(act))
        .route("/api/check/{kind}", get(check))
        .route("/api/progress", get(progress))
        .route("/api/similar/{id}", get(similar))
        .route("/api/try", post(try_picture))
        .route("/api/finish", post(finish))
        .route("/thumb/{id}", get(thumb))
        .route("/image/{id}", get(image))
        .fallback(async || Problem::not_found("there is nothing at this path"))
        .method_not_allowed_fallback(async || Problem::method("this path has no such method"))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app);
    // The token is taken off before a route is chosen.
    Router::new()
        .fallback_service(inner)
        .layer(from_fn_with_state(own, guard))
}

/// Runs work that takes a while, or waits for a disk, on a thread of its own.
async fn apart<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&Labeller) -> T + Send + 'static,
) -> Result<T, Problem> {
    let labeller = Arc::clone(&app.labeller);
    let done = tokio::task::spawn_blocking(move || work(&labeller)).await;
    done.map_err(|_| Problem::internal("an internal error occurred"))
}

fn json(reply: &impl Serialize) -> Response {
    Json(reply).into_response()
}

async fn state(State(app): Shared) -> Reply {
    Ok(json(&apart(&app, Labeller::state).await?))
}

async fn changes(State(app): Shared) -> Response {
    events::events(Arc::clone(&app.labeller))
}

async fn groups(State(app): Shared) -> Reply {
    Ok(json(&apart(&app, Labeller::groups).await?))
}

async fn group(State(app): Shared, key: Named<String>, window: Params<Window>) -> Reply {
    let Path(key) = key?;
    let Query(window) = window?;
    let found = apart(&app, move |labeller| labeller.group(&key, window)).await?;
    Ok(json(&found))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    state: Which,
    class: Option<String>,
    offset: Option<usize>,
    limit: Option<usize>,
}

async fn items(State(app): Shared, asked: Params<Asked>) -> Reply {
    let Query(asked) = asked?;
    let default = Window::default();
    let window = Window {
        offset: asked.offset.unwrap_or(default.offset),
        limit: asked.limit.unwrap_or(default.limit),
    };
    let list =
        move |labeller: &Labeller| labeller.items(asked.state, asked.class.as_deref(), window);
    Ok(json(&apart(&app, list).await?))
}

async fn act(State(app): Shared, headers: HeaderMap, body: Body) -> Reply {
    let action: Action = body::json(&headers, body).await?;
    let acted = apart(&app, move |labeller| labeller.act(action)).await?;
    match acted {
        Ok(acted) => Ok(json(&acted)),
        Err(Refusal::Stale(error)) => {
            let state = apart(&app, Labeller::state).await?;
            let body = serde_json::json!({ "error": error, "code": "stale", "state": state });
            Ok((StatusCode::CONFLICT, Json(body)).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn check(State(app): Shared, doubt: Named<Doubt>, window: Params<Shown>) -> Reply {
    let Path(doubt) = doubt?;
    let Query(window) = window?;
    let window = Window {
        offset: window.offset.unwrap_or(0),
        limit: window.limit.unwrap_or(30),
    };
    Ok(json(
        &apart(&app, move |labeller| labeller.check(doubt, window)).await?,
    ))
}

async fn progress(State(app): Shared) -> Reply {
    Ok(json(&apart(&app, Labeller::progress).await?))
}

async fn similar(State(app): Shared, id: Named<u32>, top: Params<Top>) -> Reply {
    let Path(id) = id?;
    let Query(top) = top?;
    let top = top.top.unwrap_or(40);
    Ok(json(
        &apart(&app, move |labeller| labeller.similar(id, top)).await??,
    ))
}

async fn try_picture(State(app): Shared, body: Body) -> Reply {
    let most = app.labeller.largest_picture();
    let bytes = body::bytes(body, most).await?;
    Ok(json(
        &apart(&app, move |labeller| labeller.try_picture(&bytes)).await??,
    ))
}

async fn finish(State(app): Shared) -> Reply {
    Ok(json(&apart(&app, Labeller::finish).await??))
}

#[derive(Deserialize)]
struct Shown {
    offset: Option<usize>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Top {
    top: Option<usize>,
}

#[derive(Deserialize)]
struct Size {
    edge: Option<u32>,
}

async fn thumb(State(app): Shared, id: Named<u32>, size: Params<Size>) -> Reply {
    let Path(id) = id?;
    let Query(size) = size?;
    let edge = size.edge.unwrap_or(160);
    let _permit = app.pictures.acquire().await;
    let jpeg = apart(&app, move |labeller| labeller.thumbnail(id, edge)).await?;
    Ok(picture(jpeg?.to_vec()))
}

async fn image(State(app): Shared, id: Named<u32>, _request: Request) -> Reply {
    let Path(id) = id?;
    let _permit = app.pictures.acquire().await;
    let jpeg = apart(&app, move |labeller| labeller.large(id)).await?;
    Ok(picture(jpeg?))
}

/// The address of a picture contains its version, so that it need not be asked for again.
fn picture(jpeg: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable",
        ),
    ];
    (headers, jpeg).into_response()
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Bad(said) => Self::bad_request(said),
            Refusal::Missing(said) => Self::not_found(said),
            Refusal::Stale(said) => Self::conflict(said),
            Refusal::NotReady(said) => Self::not_ready(said),
            Refusal::DiskFull(said) => Self::disk_full(said),
            Refusal::Failed(said) => Self::internal(said),
        }
    }
}
