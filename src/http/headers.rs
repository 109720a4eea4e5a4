//! What the headers of a request say about where it comes from, and the headers of every reply.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// Headers that decide how a request is read. A proxy may read another one of two than this server.
const ONCE: [HeaderName; 5] = [
    header::HOST,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    HeaderName::from_static("inference-header-content-length"),
];

/// Returns a header that is repeated although it decides how the request is read.
pub(crate) fn repeated(headers: &HeaderMap) -> Option<&'static HeaderName> {
    static NAMES: [HeaderName; 5] = ONCE;
    NAMES
        .iter()
        .find(|name| headers.get_all(*name).iter().nth(1).is_some())
}

/// Returns the host that a request is for, with the port if it names one.
pub(crate) fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = uri.authority().map(axum::http::uri::Authority::as_str);
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Returns whether a browser marks a request as coming from a page of another site. Browsers leave out
/// `Sec-Fetch-Site` where a page came without TLS from another machine; then the page's origin must be the
/// host that is asked, unless the request has a token, which no other page knows.
pub(crate) fn is_of_other_site(headers: &HeaderMap, has_token: bool) -> bool {
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

/// Adds the headers that keep browsers from guessing types, framing and storing replies.
pub(crate) fn protect(headers: &mut HeaderMap) {
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
}
