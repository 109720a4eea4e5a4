//! What every request passes: who may ask, the log, and the headers of every reply.
//!
//! Without a token, only this machine reaches the server, but so do the pages that its browser shows. A page
//! of another site is recognised by the name of the host it asked for, even if that name now leads here (DNS
//! rebinding), and by the header that browsers add to requests between sites.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::events::Event;
use crate::http::{Client, Problem, Refused, host_of, is_of_other_site, protect, repeated};

/// The paths that need no token: probes, and the page, which contains no data.
const OPEN: &[&str] = &["/", "/v2/health/live", "/v2/health/ready"];

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
        if let Some(name) = repeated(headers) {
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
        if is_of_other_site(headers, self.options.token.is_some()) {
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

/// Refuses host names other than `localhost`; addresses are accepted.
fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let host = host_of(uri, headers).map(|host| {
        let end = host.rfind(':').filter(|&end| !host[end..].contains(']'));
        &host[..end.unwrap_or(host.len())]
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
