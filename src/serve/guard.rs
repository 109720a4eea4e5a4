//! What every request passes: who may ask, the log, and the headers of every reply.
//!
//! Without a token, only this machine reaches the server, but so do the pages that its browser shows. A page
//! of another site is recognised by the name of the host it asked for, even if that name now leads here (DNS
//! rebinding), and by the header that browsers add to requests between sites.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::events::Event;
use super::problem::{Problem, Refused};

/// The paths that need no token: probes, and the page, which contains no data.
const OPEN: &[&str] = &["/", "/v2/health/live", "/v2/health/ready"];

/// Headers that decide how a request is read. A proxy may read another one of two than this server.
const ONCE: [HeaderName; 5] = [
    header::HOST,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    HeaderName::from_static("inference-header-content-length"),
];

/// The address of a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(pub(super) SocketAddr);

/// Checks a request, passes it on, and reports the reply.
pub(super) async fn guard(
    State(app): State<Arc<App>>,
    Extension(Client(client)): Extension<Client>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut reply = match app.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    protect(reply.headers_mut());
    let (status, took) = (reply.status().as_u16(), start.elapsed());
    let refused = reply.extensions().get().map(|Refused(code)| *code);
    // Paths without a route would make the number of series unlimited.
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    app.metrics.request(route, status, refused, took);
    app.host.event(&Event::Request {
        method,
        path,
        status,
        took,
        client,
    });
    reply
}

impl App {
    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        if let Some(name) = ONCE.iter().find(|name| is_repeated(headers, name)) {
            let said = format!("the header `{name}` is repeated");
            return Err(Problem::bad_request(said));
        }
        if OPEN.contains(&uri.path()) {
            return Ok(());
        }
        if let Some(token) = &self.options.token {
            let sent = headers.get(header::AUTHORIZATION);
            if !sent.is_some_and(|sent| token.is_in(sent.as_bytes())) {
                return Err(Problem::unauthorized(
                    "the header `Authorization: Bearer TOKEN` is missing or wrong",
                ));
            }
        } else if !self.options.insecure {
            check_host(uri, headers)?;
        }
        if headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site" || site == "same-site")
        {
            return Err(Problem::forbidden("pages of other sites are not answered"));
        }
        if headers
            .get(header::CONTENT_ENCODING)
            .is_some_and(|coding| coding != "identity")
        {
            return Err(Problem::media_type("compressed bodies are not accepted"));
        }
        Ok(())
    }
}

fn is_repeated(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().nth(1).is_some()
}

/// Refuses host names other than `localhost`; addresses are accepted.
fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let host = uri.host().or_else(|| {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let end = host.rfind(':').filter(|&end| !host[end..].contains(']'));
        Some(&host[..end.unwrap_or(host.len())])
    });
    let host = host.unwrap_or("localhost");
    let address = host.trim_start_matches('[').trim_end_matches(']');
    if host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(Problem::forbidden(
        "without a token, the server only answers to `localhost` and addresses as its name",
    ))
}

/// Adds the headers that keep browsers from guessing types, framing and storing replies.
fn protect(headers: &mut HeaderMap) {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        check_host(&"/v1/models".parse().unwrap(), &headers).is_ok()
    }

    #[test]
    fn a_foreign_name_of_this_machine_is_refused() {
        for own in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "[::1]:80",
            "[::1]",
        ] {
            assert!(answers(own), "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "",
        ] {
            assert!(!answers(foreign), "{foreign}");
        }
    }
}
