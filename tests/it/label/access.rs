//! Who is answered: only the page itself.

use crate::harness::{Labelling, Place};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[test]
fn the_token_is_part_of_every_path() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "");
    let token = service.path.trim_matches('/').to_owned();
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let wrong = "0".repeat(32);
    for path in [
        "/",
        "/api/state",
        "//api/state",
        &format!("/{wrong}/"),
        &format!("/{token}"),
    ] {
        let reply = service.send_to("GET", path, &[], b"");
        assert_eq!((reply.status, reply.body.len()), (404, 0), "{path}");
    }
    let page = service.send("GET", "", &[], b"");
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-security-policy"], POLICY);
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    let script = service.send("GET", "app/main.js", &[], b"");
    assert_eq!(
        script.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    service.send("GET", "app/missing.js", &[], b"").with(404);
    service.send("GET", "app/..%2fmod.rs", &[], b"").with(404);
}

/// A page of another site may know the port, and lead a name of its own to this machine.
#[test]
fn other_pages_are_refused() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "");
    let port = service.host.rsplit(':').next().unwrap();
    let (local, own) = (
        format!("localhost:{port}"),
        format!("http://{}", service.host),
    );
    let with = |name: &str, value: &str| service.send("GET", "api/state", &[(name, value)], b"");
    for (name, value) in [
        ("Host", &*local),
        ("Origin", &*own),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "none"),
    ] {
        let reply = with(name, value);
        assert_eq!(reply.status, 200, "{name}: {value}");
        let cors = reply
            .headers
            .keys()
            .find(|name| name.starts_with("access-control"));
        assert_eq!(cors, None);
    }
    for (name, value) in [
        ("Host", "evil.example"),
        ("Host", &format!("evil.example:{port}")),
        ("Host", "127.0.0.1:1"),
        ("Host", "127.0.0.1"),
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        with(name, value).with(403);
    }
    let twice = [("Host", &*service.host), ("Host", "evil.example")];
    service.send("GET", "api/state", &twice, b"").with(400);
}

/// A form can send text to another origin without asking, but not JSON.
#[test]
fn actions_are_json_of_a_limited_size() {
    let Some(place) = Place::fitted() else {
        return;
    };
    let service = Labelling::start(&place, "");
    let body = br#"{"kind":"label","ids":[0],"class":"cat"}"#;
    for kind in [&[][..], &[("Content-Type", "text/plain")]] {
        service.send("POST", "api/act", kind, body).with(415);
    }
    let json = [("Content-Type", "application/json; charset=utf-8")];
    for (body, status) in [
        (&b"{"[..], 400),
        (br#"{"kind":"label","ids":[0]}"#, 400),
        (br#"{"kind":"label","ids":[12],"class":"cat"}"#, 400),
        (br#"{"kind":"label","ids":[-1],"class":"cat"}"#, 400),
        (br#"{"kind":"label","ids":[0],"class":" "}"#, 400),
        (br#"{"kind":"erase","ids":[0]}"#, 400),
        (br#"{"kind":"undo"}"#, 400),
        (&vec![b' '; (16 << 20) + 1], 413),
    ] {
        service.send("POST", "api/act", &json, body).with(status);
    }
    service.send("GET", "api/act", &[], b"").with(405);
    service
        .send("GET", "api/check/everything", &[], b"")
        .with(400);
    assert_eq!(service.get("api/state")["n_labelled"], 0);
}
