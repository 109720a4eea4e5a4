//! Images and requests that cannot be used, alone and together with good ones.

use std::fs;
use std::path::Path;
use std::time::Duration;

use image::RgbImage;
use serde_json::Value;

use crate::harness::{Place, Server, form, request, wait_for};

fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    fs::read(folder.join(name)).unwrap()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = RgbImage::new(width, height);
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn statuses(reply: &Value) -> Vec<(String, String)> {
    let results = reply["results"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    results
        .map(|r| (text(&r["status"]), text(&r["error"])))
        .collect()
}

#[test]
fn each_image_of_a_request_has_its_own_status() {
    let Some(place) = Place::fitted() else { return };
    let good = fs::read(place.path("images/blue/0.png")).unwrap();
    let mut bomb = png(16, 16);
    bomb[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    let server = Server::start(&place, "--max-pixels 50000000");
    let images: [(&str, &[u8]); 8] = [
        ("good", &good),
        ("empty", b""),
        ("truncated", &good[..good.len() / 2]),
        ("page", b"<html><script>alert(1)</script>"),
        ("40 megapixels", &png(8000, 5000)),
        ("heic", &golden("newer/bt709.heic")),
        ("header of 10 gigapixels", &bomb),
        ("good again", &good),
    ];
    let fields: Vec<_> = images
        .iter()
        .map(|(name, file)| ("image", Some(*name), *file))
        .collect();
    let (kind, body) = form(&fields);
    let reply = server.send("POST", "/v1/classify", &[("Content-Type", &kind)], &body);
    let reply = reply.with(200);
    let names: Vec<_> = images.iter().map(|(name, _)| Value::from(*name)).collect();
    let results = reply["results"].as_array().unwrap();
    assert!(results.iter().map(|r| &r["name"]).eq(&names));
    for (place, (status, error)) in statuses(&reply).into_iter().enumerate() {
        let wanted = match images[place].0 {
            "empty" => "is empty (0 bytes)",
            "truncated" => "is a truncated PNG",
            "page" => "is an HTML page, not an image",
            "header of 10 gigapixels" => "is ",
            _ => "",
        };
        let fits = if wanted.is_empty() {
            error.is_empty()
        } else {
            error.starts_with(wanted)
        };
        assert!(fits, "{:?}: {error}", images[place].0);
        assert_eq!(status == "ok", wanted.is_empty(), "{:?}", images[place].0);
    }
    let (kind, body) = form(&fields[1..4]);
    let reply = server.send("POST", "/v1/classify", &[("Content-Type", &kind)], &body);
    let reply = reply.with(422);
    assert!(statuses(&reply).iter().all(|(status, _)| status == "error"));
}

#[test]
fn base64_that_is_none_is_an_image_with_an_error() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let reply = server.post_json("/v1/classify", &serde_json::json!({ "images": ["%"] }));
    let error = statuses(&reply.with(422))[0].1.clone();
    assert!(error.starts_with("is not base64: "), "{error}");
}

/// Nobody reads the log, as when a collector hangs: requests are answered, and the server ends when it is
/// told.
#[test]
#[cfg(unix)]
fn a_log_that_nobody_reads_does_not_matter() {
    use std::io::{Read, Write};
    // More than a pipe and the queue of events hold.
    const REQUESTS: usize = 8000;
    let Some(place) = Place::fitted() else { return };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let line = format!("serve --bind {address} --log json --head pets={{dir}}/head");
    let mut command = place.command(&line);
    let mut server = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let connect = || std::net::TcpStream::connect(address).ok();
    let mut stream = wait_for(connect).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let one = request("GET", "/v2/health/live", &[], b"");
    let mut sender = stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || sender.write_all(&one.repeat(REQUESTS)));
    let (mut found, mut end, mut bytes) = (0, Vec::<u8>::new(), [0; 4096]);
    while found < REQUESTS {
        let n = stream.read(&mut bytes).unwrap();
        assert!(n > 0, "{found} replies");
        end.extend(&bytes[..n]);
        found += end.windows(8).filter(|part| *part == b"HTTP/1.1").count();
        end.drain(..end.len() - end.len().min(7));
    }
    sending.join().unwrap().unwrap();
    let id = server.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-s", "TERM", &id])
        .status();
    assert!(sent.unwrap().success());
    let status = wait_for(|| server.try_wait().unwrap());
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}

#[test]
fn malformed_requests_are_refused() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let send = |headers: &[(&str, &str)], body: &[u8]| {
        let reply = server.send("POST", "/v1/classify", headers, body);
        reply.json()["error"]
            .as_str()
            .expect("an explanation")
            .to_owned()
            + &reply.status.to_string()
    };
    let kind = |kind| ("Content-Type", kind);
    for (headers, body, status) in [
        (&[kind("text/html")][..], &b"x"[..], "415"),
        (&[], b"x", "415"),
        (
            &[kind("image/png"), ("Content-Encoding", "gzip")],
            b"\x1f\x8b",
            "415",
        ),
        (&[kind("application/json")], b"{", "400"),
        (&[kind("application/json")], b"{\"images\": []}", "400"),
        (&[kind("application/json")], b"\xff", "400"),
        (
            &[kind("application/json")],
            b"{\"images\": [\"\"], \"url\": \"http://a\"}",
            "400",
        ),
        (&[kind("multipart/form-data")], b"x", "400"),
        (&[kind("multipart/form-data; boundary=a")], b"x", "400"),
        (
            &[kind("multipart/form-data; boundary=a")],
            b"--a--\r\n",
            "400",
        ),
    ] {
        let said = send(headers, body);
        assert!(said.ends_with(status), "{headers:?}: {said}");
    }
    let json = |body: &str| send(&[kind("application/json")], body.as_bytes());
    assert!(
        json("[]").contains("an object with `images`"),
        "{}",
        json("[]")
    );
    let image = json(r#"{"images": [{"data": ""}]}"#);
    assert!(image.contains("the strings `name` and `data`"), "{image}");
    let long = json(&format!("{{\"images\": \"{}\"}}", "A".repeat(100_000)));
    assert!(
        long.len() < 400 && long.contains("expected a list"),
        "{long}"
    );
    let reply = server.post("/v1/classify?version=7", b"x");
    assert_eq!(reply.with(404)["error"], "model `pets` has no version `7`");
    assert_eq!(server.get("/v1/classify").status, 405);
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    assert!(send(&[kind("application/json")], &deep).ends_with("400"));
}

/// Of two headers, a proxy in front of the server may have read the other one.
#[test]
fn repeated_headers_are_refused() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let image = fs::read(place.path("images/blue/0.png")).unwrap();
    for headers in [
        [("Host", "localhost"), ("Host", "localhost")],
        [
            ("Content-Encoding", "identity"),
            ("Content-Encoding", "gzip"),
        ],
        [
            ("Content-Type", "image/png"),
            ("Content-Type", "application/json"),
        ],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
    ] {
        let reply = server.send("POST", "/v1/classify", &headers, &image);
        let error = reply.with(400)["error"].as_str().unwrap().to_owned();
        let wanted = format!("the header `{}` is repeated", headers[0].0.to_lowercase());
        assert_eq!(error, wanted);
    }
    // Also for what needs no token.
    let hosts = [("Host", "localhost"), ("Host", "evil.example")];
    assert_eq!(server.send("GET", "/", &hosts, b"").status, 400);
}

#[test]
fn paths_that_are_not_utf8_are_refused_in_json() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    for path in ["/v2/models/%FF", "/v2/models/%FF/ready", "/v1/gallery/%FF"] {
        assert_eq!(server.get(path).with(400)["code"], "bad_request", "{path}");
    }
    let reply = server.send("POST", "/v2/models/%FF/infer", &[], b"{}");
    assert_eq!(reply.with(400)["code"], "bad_request");
}

#[test]
fn a_server_without_models_says_so() {
    let Some(place) = Place::fitted() else { return };
    fs::create_dir(place.path("heads")).unwrap();
    let line = format!(
        "serve --bind 127.0.0.1:0 --log json --watch {}",
        place.path("heads")
    );
    let server = Server::of(&mut place.command(&line));
    let image = fs::read(place.path("images/blue/0.png")).unwrap();
    let said = server.post("/v1/classify", &image).with(404);
    assert_eq!(said["error"], "no model is served");
}

/// Nobody may be there to read the log, and its disk may be full.
#[test]
#[cfg(target_os = "linux")]
fn a_log_that_cannot_be_written_does_not_matter() {
    let Some(place) = Place::fitted() else { return };
    let image = fs::read(place.path("images/blue/0.png")).unwrap();
    for log in ["text", "json"] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let line = format!("serve --bind {address} --log {log} --head pets={{dir}}/head");
        let mut server = place.command(&line).stderr(full).spawn().unwrap();
        let connect = || std::net::TcpStream::connect(address).ok();
        assert!(wait_for(connect).is_some(), "{log}");
        for _ in 0..3 {
            let mut stream = connect().unwrap();
            let headers = [("Content-Type", "image/png"), ("Connection", "close")];
            let request = request("POST", "/v1/classify", &headers, &image);
            std::io::Write::write_all(&mut stream, &request).unwrap();
            let reply = std::io::read_to_string(stream).unwrap();
            assert!(reply.starts_with("HTTP/1.1 200 "), "{log}: {reply}");
        }
        assert!(server.try_wait().unwrap().is_none());
        server.kill().unwrap();
        server.wait().unwrap();
    }
}
