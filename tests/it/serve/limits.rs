//! Limits: sizes, counts, times, connections and the queue.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::life::WAITING;
use crate::harness::{Place, Server, form, request, wait_for};

fn image(place: &Place) -> Vec<u8> {
    fs::read(place.path("images/blue/0.png")).unwrap()
}

#[test]
fn bodies_and_counts_are_limited() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "--max-body 10K --memory 1M --max-images 2");
    let reply = server.post("/v1/classify", &[0; 10_241]);
    let said = &reply.with(413)["error"];
    assert_eq!(said, "the body is over the limit of 10,240 bytes");
    // Without a length, the body is read up to the limit.
    let mut client = server.connect();
    client.send(
        b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n\
          Transfer-Encoding: chunked\r\n\r\n",
    );
    for _ in 0..11 {
        client.send(&[b"400\r\n", &[0; 1024][..], b"\r\n"].concat());
    }
    client.send(b"0\r\n\r\n");
    assert_eq!(client.reply().unwrap().status, 413);
    let image = image(&place);
    let fields = [("a", Some("a"), &image[..]); 3];
    let (kind, body) = form(&fields);
    let send = |body: &[u8]| server.send("POST", "/v1/classify", &[("Content-Type", &kind)], body);
    assert_eq!(send(&body).with(413)["code"], "too_large");
    assert_eq!(send(&form(&fields[1..]).1).status, 200);
}

/// axum limits forms to 2 MB unless told otherwise.
#[test]
fn a_form_may_be_as_large_as_any_body() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let padded = [&image(&place)[..], &vec![0; 3 << 20]].concat();
    let (kind, body) = form(&[("a", Some("a"), &padded[..]); 2]);
    let reply = server.send("POST", "/v1/classify", &[("Content-Type", &kind)], &body);
    assert_eq!(reply.with(200)["results"][1]["status"], "ok");
}

/// A short text takes much more memory as an element of a list.
#[test]
fn lists_of_millions_are_refused_while_they_are_read() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let texts = vec![r#""""#; 1_000_000].join(",");
    let v1 = format!(r#"{{"images": [{texts}]}}"#);
    let input = |data: &str| {
        format!(r#"{{"inputs": [{{"name": "image", "datatype": "BYTES", "shape": [1], {data}}}]}}"#)
    };
    let v2 = input(&format!(r#""data": [{texts}]"#));
    for (path, body) in [("/v1/classify", v1), ("/v2/models/pets/infer", v2)] {
        let kind = ("Content-Type", "application/json");
        let reply = server.send("POST", path, &[kind], body.as_bytes());
        let error = reply.with(400)["error"].to_string();
        assert!(
            error.contains("a list has more than 65536 elements"),
            "{error}"
        );
    }
    let json = input(r#""parameters": {"binary_data_size": 4000000}"#);
    let length = json.len().to_string();
    let body = [json.as_bytes(), &vec![0; 4_000_000]].concat();
    let header = ("Inference-Header-Content-Length", &*length);
    let reply = server.send("POST", "/v2/models/pets/infer", &[header], &body);
    let error = reply.with(400)["error"].to_string();
    assert!(error.contains("too many elements"), "{error}");
}

#[test]
fn an_output_is_returned_once() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let image = BASE64_STANDARD.encode(image(&place));
    let request = json!({
        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": [image]}],
        "outputs": [{"name": "label"}, {"name": "probabilities"}, {"name": "label"}],
    });
    let reply = server.post_json("/v2/models/pets/infer", &request);
    assert_eq!(
        reply.with(400)["error"],
        "output `label` is requested twice"
    );
}

/// A client that asks and does not read fills the buffers of the connection, and would keep it for ever.
#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "--header-timeout 1 --max-connections 1");
    let client = server.connect();
    let asks = request("GET", "/openapi.json", &[], b"").repeat(2_000);
    let stream = client.stream().try_clone().unwrap();
    let writer = thread::spawn(move || {
        // Fails when the server closes the connection.
        let _ = (&stream).write_all(&asks);
    });
    let again = || (server.get("/v2/health/live").status == 200).then_some(());
    assert!(wait_for(again).is_some());
    writer.join().unwrap();
    drop(client);
}

#[test]
fn slow_clients_are_cut_off() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "--header-timeout 1 --timeout 1");
    let start = Instant::now();
    let mut slow_header = server.connect();
    slow_header.send(b"GET /v1/models HTTP/1.1\r\nHost:");
    let mut slow_body = server.connect();
    slow_body.send(
        b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n\
          Content-Length: 100\r\n\r\n123",
    );
    assert_eq!(slow_body.reply().unwrap().with(408)["code"], "slow");
    // The connection is closed, with or without a reply.
    assert!(slow_header.reply().is_none_or(|reply| reply.status == 408));
    let mut idle = server.connect();
    assert!(idle.reply().is_none());
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    let mut client = server.connect();
    let post = request(
        "POST",
        "/v1/classify",
        &[("Content-Type", "image/png")],
        &image(&place),
    );
    let both = [
        post.clone(),
        request("GET", "/v2/health/live", &[], b""),
        post,
    ]
    .concat();
    client.send(&both);
    let replies = [client.reply(), client.reply(), client.reply()].map(Option::unwrap);
    assert_eq!(replies[0].with(200)["results"][0]["label"], "blue");
    assert_eq!(replies[1].with(200)["live"], true);
    assert_eq!(replies[2].with(200)["results"][0]["label"], "blue");
}

/// A client that closes its sending half after a request counts as gone: its work is cancelled.
#[test]
fn a_half_closed_connection_is_closed() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, &format!("{WAITING} 10000"));
    let mut client = server.connect();
    client.send(&request(
        "POST",
        "/v1/classify",
        &[("Content-Type", "image/png")],
        &image(&place),
    ));
    client.stream().shutdown(Shutdown::Write).unwrap();
    let start = Instant::now();
    assert!(client.reply().is_none());
    assert!(
        start.elapsed() < Duration::from_secs(9),
        "not after the batch"
    );
    assert_eq!(server.get("/v2/health/live").status, 200);
}

#[test]
fn connections_beyond_the_limit_are_told() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "--max-connections 2");
    let mut kept = [server.connect(), server.connect()];
    for client in &mut kept {
        client.send(&request("GET", "/v2/health/live", &[], b""));
        assert_eq!(client.reply().unwrap().status, 200);
    }
    let mut refused = server.connect();
    let reply = refused.reply().unwrap();
    assert_eq!(reply.with(503)["code"], "busy");
    assert_eq!(reply.headers["retry-after"], "1");
    let many: Vec<_> = (0..300).map(|_| server.connect()).collect();
    kept[0].send(&request("GET", "/v2/health/live", &[], b""));
    assert_eq!(
        kept[0].reply().unwrap().status,
        200,
        "those that are connected go on"
    );
    drop((kept, many, refused));
    let again = wait_for(|| {
        let mut client = server.connect();
        client.send(&request("GET", "/v2/health/live", &[], b""));
        client.reply().filter(|reply| reply.status == 200)
    });
    assert!(again.is_some());
}

#[test]
fn a_full_queue_is_told() {
    let Some(place) = Place::fitted() else { return };
    let line = "--queue 1 --max-images 1 --threads 1";
    let server = Server::start(&place, line);
    let mut large = std::io::Cursor::new(Vec::new());
    let pixels = image::RgbImage::new(3000, 2000);
    pixels
        .write_to(&mut large, image::ImageFormat::Png)
        .unwrap();
    let large = large.into_inner();
    let post = || server.post("/v1/classify", &large);
    let replies: Vec<_> = thread::scope(|scope| {
        let asked: Vec<_> = (0..24).map(|_| scope.spawn(post)).collect();
        asked
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    let count = |status| {
        replies
            .iter()
            .filter(|reply| reply.status == status)
            .count()
    };
    assert_eq!(count(200) + count(503), 24);
    assert!(count(200) >= 1 && count(503) >= 1, "{} good", count(200));
    for reply in replies.iter().filter(|reply| reply.status == 503) {
        assert_eq!(reply.headers["retry-after"], "1");
        assert_eq!(reply.json()["code"], "busy");
    }
}

#[test]
fn a_deadline_passes() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, &format!("{WAITING} 10000 --timeout 1"));
    let start = Instant::now();
    let reply = server.post("/v1/classify", &image(&place));
    assert_eq!(reply.with(503)["code"], "timeout");
    assert!(
        start.elapsed() < Duration::from_secs(9),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn what_is_no_http_is_refused() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        b"hello\r\n\r\n",
        &vec![b'a'; 100_000],
    ] {
        let mut client = server.connect();
        client.send(bytes);
        let _ = client.stream().shutdown(Shutdown::Write);
        let mut rest = Vec::new();
        let _ = client.stream().read_to_end(&mut rest);
        assert!(
            rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"),
            "{rest:?}"
        );
    }
    let long = format!("/{}", "x".repeat(100_000));
    let status = server.get(&long).status;
    assert!(status == 431 || status == 414, "{status}");
    assert_eq!(server.get("/v2/health/live").status, 200);
}
