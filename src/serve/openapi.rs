//! The description of the interface as `OpenAPI`, made from the types of requests and replies.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// The path of a model.
const MODEL: &str = "/v2/models/{name}";

/// The interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "frostline serve",
        description = "Classifies images with trained heads.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        super::v1::classify,
        super::v1::models,
        super::v1::thumbnail,
        super::v2::server,
        super::v2::live,
        super::v2::ready,
        super::v2::metadata,
        super::v2::model_ready,
        super::v2::infer,
    ),
    modifiers(&Token, &Versions),
    security((), ("token" = []))
)]
struct Interface;

/// Adds the token, which is needed if the server was started with one.
struct Token;

impl utoipa::Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// Adds the paths of a version of a model, which are those of the model with a version.
struct Versions;

impl utoipa::Modify for Versions {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut version = Parameter::new("version");
        version.description = Some("The version.".to_owned());
        version.schema = Some(Object::with_type(Type::String).into());
        let all = std::mem::take(&mut openapi.paths.paths);
        for (path, mut item) in all {
            openapi.paths.paths.insert(path.clone(), item.clone());
            let Some(rest) = path.strip_prefix(MODEL) else {
                continue;
            };
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                let id = operation.operation_id.get_or_insert_default();
                id.push_str("_version");
                operation
                    .parameters
                    .get_or_insert_default()
                    .push(RefOr::T(version.clone()));
            }
            let path = format!("{MODEL}/versions/{{version}}{rest}");
            openapi.paths.paths.insert(path, item);
        }
    }
}

/// A file, for the description.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct File(#[allow(dead_code, reason = "only its schema is used")] String);

/// Returns the description.
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Interface::openapi())
}
