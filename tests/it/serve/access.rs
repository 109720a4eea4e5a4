//! Who may ask: tokens, addresses, and pages of other sites.

use std::fs;

use crate::harness::{Place, Server};

const TOKEN: &str = "0123456789abcdef-token";

#[test]
fn a_token_is_demanded_except_by_probes() {
    let Some(place) = Place::fitted() else { return };
    fs::write(place.path("token"), format!("{TOKEN}\n")).unwrap();
    let server = Server::start(&place, "--token-file {dir}/token");
    let ask = |path: &str, token: Option<&str>| {
        let value = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = value
            .iter()
            .map(|value| ("Authorization", &**value))
            .collect();
        server.send("GET", path, &headers, b"")
    };
    for token in [None, Some(""), Some("0123456789abcdef-tokem"), Some("x")] {
        let reply = ask("/v1/models", token);
        assert_eq!(reply.with(401)["code"], "unauthorized");
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
        assert_eq!(
            ask("/nothing", token).status,
            401,
            "paths are not told either"
        );
    }
    assert_eq!(ask("/v1/models", Some(TOKEN)).status, 200);
    assert_eq!(ask("/v2/health/live", None).status, 200);
    assert_eq!(ask("/v2/health/ready", None).status, 200);
    // With a token, the server may have any name.
    let bearer = format!("Bearer {TOKEN}");
    let named = [("Host", "pets.example"), ("Authorization", &*bearer)];
    assert_eq!(server.send("GET", "/v1/models", &named, b"").status, 200);
    let log = format!("{:?}", server.events());
    assert!(!log.contains(TOKEN), "{log}");
}

#[test]
fn other_machines_need_a_token_or_consent() {
    let Some(place) = Place::fitted() else { return };
    let refused = place
        .frostline("serve --head a={dir}/head --bind 0.0.0.0:0")
        .exits(1);
    refused.says(&[
        "error: --bind is 0.0.0.0:0, which other machines can reach, but no token is required of them",
        "hint: set a token with --token-file, or --insecure if a proxy in front checks who asks",
    ]);
    fs::write(place.path("short"), "secret").unwrap();
    let refused = place
        .frostline("serve --head a={dir}/head --token-file {dir}/short")
        .exits(1);
    refused.says(&["has 6 characters, but must have at least 16"]);
}

#[test]
fn pages_of_other_sites_are_not_answered() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let ask = |headers: &[(&str, &str)]| server.send("GET", "/v1/models", headers, b"").status;
    assert_eq!(ask(&[("Host", "rebound.example")]), 403);
    assert_eq!(ask(&[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(ask(&[("Sec-Fetch-Site", "same-origin")]), 200);
    assert_eq!(ask(&[("Origin", "https://a.example")]), 403);
    let own = [("Origin", "http://localhost")];
    let reply = server.send("OPTIONS", "/v1/models", &own, b"");
    assert_eq!(reply.status, 405);
    assert!(
        !reply
            .headers
            .keys()
            .any(|name| name.starts_with("access-control"))
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(reply.headers[name], value);
    }
}
