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

/// Returns whether a browser marks a request as coming from a page of another site. Browsers leave out
/// `Sec-Fetch-Site` where a page came without TLS from another machine; then the page's origin must be the
/// host that is asked, unless the request has a token, which no other page knows.
fn is_of_other_site(headers: &HeaderMap, has_token: bool) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "cross-site" || site == "same-site";
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN).filter(|_| !has_token) else {
        return false;
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    origin.map(|(_, host)| host) != text(header::HOST)
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
    fn browsers_mark_requests_of_other_sites() {
        let other = |lines: &[(&'static str, &str)], has_token| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "192.168.1.5:8080".parse().unwrap());
            for (name, value) in lines {
                headers.insert(*name, value.parse().unwrap());
            }
            is_of_other_site(&headers, has_token)
        };
        assert!(!other(&[], false), "a program");
        assert!(!other(&[("origin", "http://192.168.1.5:8080")], false));
        for origin in ["http://evil.example", "http://192.168.1.5", "null", ""] {
            assert!(other(&[("origin", origin)], false), "{origin}");
            assert!(!other(&[("origin", origin)], true), "{origin}");
            // A proxy may ask for another host than the browser did.
            let same = [("origin", origin), ("sec-fetch-site", "same-origin")];
            assert!(!other(&same, false), "{origin}");
        }
        assert!(other(&[("sec-fetch-site", "cross-site")], true));
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
