//! A token that shows a server who asks.

use std::fmt;

use ureq::http::Uri;

/// A user's token, which is sent to one server only, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    header: String,
    server: String,
}

impl Token {
    /// Creates a token for the server of a URL.
    #[must_use]
    pub fn new(token: &str, url: &str) -> Self {
        Self {
            header: format!("Bearer {token}"),
            server: server(url).unwrap_or_default(),
        }
    }

    /// Returns the header for a request; `None` if the URL is one of another server, to which a redirect may
    /// lead.
    pub(super) fn sent_to(&self, url: &str) -> Option<&str> {
        (server(url)? == self.server).then_some(&self.header)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(for {})", self.server)
    }
}

/// Returns scheme, host and port of a URL.
fn server(url: &str) -> Option<String> {
    let uri = url.parse::<Uri>().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    let usual = if scheme.eq_ignore_ascii_case("https") {
        443
    } else {
        80
    };
    let port = uri.port_u16().unwrap_or(usual);
    Some(format!("{scheme}://{host}:{port}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_server() {
        let token = Token::new("secret", "https://hub.example");
        assert_eq!(
            token.sent_to("https://HUB.example:443/a"),
            Some("Bearer secret")
        );
        for other in [
            "http://hub.example/a",
            "https://hub.example:444/a",
            "https://cdn.hub.example/a",
            "https://hub.example@evil.example/a",
            "/a",
        ] {
            assert_eq!(token.sent_to(other), None, "{other}");
        }
    }
}
