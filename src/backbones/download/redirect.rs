//! HTTP redirects.
//!
//! They are followed here, because the HTTP client would read the body of each redirect to its end, and a
//! server can send one without an end.

use ureq::http::{Response, StatusCode, Uri, header};

use super::fault::Fault;

/// Returns the URL that a response to a request for `from` redirects to; `None` if it is not a redirect.
pub(super) fn target<B>(from: &str, response: &Response<B>) -> Result<Option<String>, Fault> {
    use StatusCode as S;
    let is_redirect = matches!(
        response.status(),
        S::MOVED_PERMANENTLY
            | S::FOUND
            | S::SEE_OTHER
            | S::TEMPORARY_REDIRECT
            | S::PERMANENT_REDIRECT
    );
    let Some(location) = response.headers().get(header::LOCATION) else {
        return Ok(None);
    };
    if !is_redirect {
        return Ok(None);
    }
    let target = location.to_str().ok().and_then(|to| resolved(from, to));
    let nowhere = || Fault::Refused("it redirects to something that is not an HTTP URL".to_owned());
    target.map(Some).ok_or_else(nowhere)
}

/// Resolves a reference as a browser does, absolute or relative to the URL it came from (RFC 3986, 5.2),
/// except that `..` is left to the server.
fn resolved(from: &str, location: &str) -> Option<String> {
    let first = location.split(['/', '?', '#']).next();
    if let Some((scheme, _)) = first.and_then(|first| first.split_once(':')) {
        let is_http = ["http", "https"]
            .iter()
            .any(|http| scheme.eq_ignore_ascii_case(http));
        return is_http.then(|| location.to_owned());
    }
    let from = from.parse::<Uri>().ok()?;
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    Some(if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_absolute_or_relative_to_where_they_came_from() {
        let from = "https://a.example:8443/models/net.onnx?download=1";
        let known = [
            ("http://b.example/c?d=e", Some("http://b.example/c?d=e")),
            ("//b.example/c", Some("https://b.example/c")),
            ("/c", Some("https://a.example:8443/c")),
            (
                "/c?to=http://b.example/",
                Some("https://a.example:8443/c?to=http://b.example/"),
            ),
            ("c", Some("https://a.example:8443/models/c")),
            ("HTTP://b.example/c", Some("HTTP://b.example/c")),
            ("file:///etc/passwd", None),
            ("data:text/plain,c", None),
        ];
        for (location, wanted) in known {
            assert_eq!(resolved(from, location).as_deref(), wanted, "{location}");
        }
    }
}
