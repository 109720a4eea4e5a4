//! The description of the interface as `OpenAPI`, made from the types of requests and replies.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

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
    modifiers(&Token)
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

/// Returns the description.
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Interface::openapi())
}
