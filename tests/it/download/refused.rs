//! Servers that have a different file or none, and the messages for it.

use std::fs;
use std::net::TcpListener;

use super::{LFS_POINTER, Place, SHA256, content, server};
use crate::scripted_server::{has_loopback, ok, reply, rest};

#[test]
fn a_wrong_hash_is_another_file() {
    if !has_loopback() {
        return;
    }
    let mut wrong = content();
    wrong[123_456] ^= 1;
    let (server, urls) = server([ok(&wrong)]);
    let place = Place::new();
    let said = place.fails(&urls);
    assert!(
        said.contains(&urls[0]) && said.contains("SHA-256") && said.contains(SHA256),
        "{said}"
    );
    assert_eq!(server.requests().len(), 1);
    assert!(!place.part().exists());
}

#[test]
fn after_a_wrong_file_the_next_mirror_is_asked_for_everything() {
    if !has_loopback() {
        return;
    }
    let mut wrong = content();
    wrong[0] ^= 1;
    let (_first, mut urls) = server([ok(&wrong)]);
    let (second, more) = server([ok(&content())]);
    urls.extend(more);
    Place::new().fetches(&urls);
    assert_eq!(second.ranges(), [None]);
}

#[test]
fn a_redirect_is_followed_with_the_range() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (last, to) = server([rest(&whole, 1000)]);
    let moved = reply(
        "302 Found",
        &[&format!("Location: {}", to[0]), "Content-Length: 0"],
        b"",
    );
    let (_first, urls) = server([moved]);
    Place::with_part(&whole[..1000]).fetches(&urls);
    assert_eq!(last.ranges(), [Some("bytes=1000-".to_owned())]);
}

#[test]
fn a_redirect_loop_ends() {
    if !has_loopback() {
        return;
    }
    let around = || {
        reply(
            "302 Found",
            &["Location: /net.onnx", "Content-Length: 0"],
            b"",
        )
    };
    let (server, urls) = server((0..50).map(|_| around()));
    let said = Place::new().fails(&urls);
    assert!(said.contains("redirects too many times"), "{said}");
    assert!(server.requests().len() < 20);
}

#[test]
fn the_next_mirror_follows_and_each_failure_is_told() {
    if !has_loopback() {
        return;
    }
    let (_first, mut urls) = server([
        reply("404 Not Found", &["Content-Length: 4"], b"gone"),
        reply("404 Not Found", &[], b""),
    ]);
    let (_second, more) = server([ok(LFS_POINTER), ok(&content())]);
    urls.extend(more);
    let place = Place::new();
    let said = place.fails(&urls);
    let wanted = [&urls[0], "404 Not Found", &urls[1], "a Git LFS pointer"];
    assert!(wanted.iter().all(|words| said.contains(*words)), "{said}");
    place.fetches(&urls);
}

#[test]
fn a_closed_port_is_told_at_once() {
    if !has_loopback() {
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let said = Place::new().fails(&[format!("http://127.0.0.1:{port}/net.onnx")]);
    assert!(said.contains("refused"), "{said}");
}

#[test]
fn what_comes_instead_is_named() {
    if !has_loopback() {
        return;
    }
    let page = b"<!DOCTYPE html><html><title>Sign in</title></html>";
    let cases: [(Vec<u8>, &str); 6] = [
        (ok(LFS_POINTER), "a Git LFS pointer"),
        (ok(page), "a web page"),
        (reply("200 OK", &[], page), "a web page"),
        (ok(b""), "it is empty"),
        (
            ok(&content()[..1000]),
            "it has 1000 bytes instead of 200000",
        ),
        (
            ok(&[content(), vec![1]].concat()),
            "it has 200001 bytes instead of 200000",
        ),
    ];
    for (answer, words) in cases {
        let (_server, urls) = server([answer]);
        let place = Place::with_part(&content()[..50]);
        let said = place.fails(&urls);
        assert!(said.contains(words), "{said}");
        assert_eq!(
            fs::read(place.part()).unwrap(),
            content()[..50],
            "the part has changed"
        );
    }
}

#[test]
fn a_longer_body_than_was_said_is_not_written() {
    if !has_loopback() {
        return;
    }
    let (_server, urls) = server([reply("200 OK", &[], &[content(), vec![1]].concat())]);
    let said = Place::new().fails(&urls);
    assert!(said.contains("more than 200000 bytes"), "{said}");
}
