//! Who may ask: only the page itself, whose address contains a random token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result, ServeError};
use crate::http::{Problem, host_of, is_of_other_site, protect, repeated};

/// What the page may do: use what comes from this service, and pictures that the user chooses.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The address of the page.
pub(super) struct Guard {
    address: SocketAddr,
    token: String,
}

impl Guard {
    /// Draws a token.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub(super) fn new(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            address,
            token: token()?,
        })
    }

    /// Returns the address of the page.
    pub(super) fn page(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }

    /// Returns the path below the token, if the token is right.
    fn path<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (token, rest) = path.strip_prefix('/')?.split_once('/')?;
        bool::from(token.as_bytes().ct_eq(self.token.as_bytes())).then_some(rest)
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        if let Some(name) = repeated(headers) {
            let said = format!("the header `{name}` is repeated");
            return Err(Problem::bad_request(said));
        }
        let host = host_of(request.uri(), headers);
        let own = [
            format!("127.0.0.1:{}", self.address.port()),
            format!("localhost:{}", self.address.port()),
        ];
        let host = host.filter(|host| own.iter().any(|own| own.eq_ignore_ascii_case(host)));
        let Some(host) = host else {
            return Err(Problem::forbidden(
                "only this service's own address is answered",
            ));
        };
        if is_of_other_site(headers, false) || has_other_origin(headers, host) {
            return Err(Problem::forbidden("pages of other sites are not answered"));
        }
        Ok(())
    }
}

/// Returns 32 random hex digits.
fn token() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let source = std::io::Error::other(error.to_string());
        Error::from(ServeError::NoRandomness(source))
    })?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// Returns whether a request comes from a page of another address.
fn has_other_origin(headers: &HeaderMap, host: &str) -> bool {
    let own = format!("http://{host}");
    let origin = headers.get(header::ORIGIN);
    origin.is_some_and(|origin| !origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()))
}

/// Checks a request, and passes it on without the token.
pub(super) async fn guard(
    State(guard): State<Arc<Guard>>,
    mut request: Request,
    next: Next,
) -> Response {
    let checked = guard.check(&request);
    let path = guard.path(request.uri().path());
    let mut reply = match (checked, path) {
        (Err(problem), _) => problem.into_response(),
        (Ok(()), None) => StatusCode::NOT_FOUND.into_response(),
        (Ok(()), Some(path)) => {
            let query = request.uri().query();
            let query = query.map_or_else(String::new, |query| format!("?{query}"));
            match format!("/{path}{query}").parse() {
                Ok(uri) => {
                    *request.uri_mut() = uri;
                    next.run(request).await
                }
                Err(_) => StatusCode::NOT_FOUND.into_response(),
            }
        }
    };
    let headers = reply.headers_mut();
    let policy = HeaderValue::from_static(POLICY);
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(policy);
    protect(headers);
    reply
}
