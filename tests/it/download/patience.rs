//! Slow servers, silent servers, and progress.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use frostline::Error;
use frostline::backbones::Fetched;
use frostline::error::BackboneError;
use frostline::progress::{Progress, Silent};

use super::{Place, content, cut, server};
use crate::scripted_server::{Reply, Server, has_loopback, ok, reply, rest};

#[test]
fn a_slow_server_is_waited_for() {
    if !has_loopback() {
        return;
    }
    let whole = ok(&content());
    let pieces: Vec<_> = whole.chunks(whole.len() / 8).map(<[u8]>::to_vec).collect();
    let server = Server::new(vec![Reply::Slow(pieces, Duration::from_millis(150))]);
    let place = Place::new();
    let (start, silence) = (Instant::now(), Duration::from_secs(1));
    let fetched = place.fetch_within(&[server.url("/net.onnx")], silence, &Silent);
    assert_eq!(fetched.unwrap(), Fetched::Now);
    place.is_complete();
    assert!(start.elapsed() > silence && server.requests().len() == 1);
}

#[test]
fn a_silent_server_is_left_and_what_it_sent_is_kept() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let silent = |bytes: Vec<u8>| Reply::Stall(bytes, Duration::from_secs(30));
    let first = Server::new(vec![
        silent(cut(ok(&whole), 200_000, 40_000)),
        silent(Vec::new()),
        silent(Vec::new()),
    ]);
    let (second, more) = server([rest(&whole, 40_000)]);
    let place = Place::new();
    let (start, silence) = (Instant::now(), Duration::from_millis(300));
    let urls = [vec![first.url("/net.onnx")], more].concat();
    place.fetch_within(&urls, silence, &Silent).unwrap();
    place.is_complete();
    assert_eq!(second.ranges(), [Some("bytes=40000-".to_owned())]);
    let error = Place::new().fetch_within(&urls[..1], silence, &Silent);
    let said = error.unwrap_err().to_string();
    assert!(said.contains("no data arrived for 0.3 s"), "{said}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Sends the first bytes and then one every 20 ms, so it is never silent.
fn trickle(start: Vec<u8>, then: usize) -> Reply {
    let byte = Duration::from_millis(20);
    Reply::Slow([vec![start], vec![vec![7]; then]].concat(), byte)
}

#[test]
fn a_place_that_trickles_is_left_and_what_it_sent_is_kept() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    // The rest of the content is right too.
    let body = &whole[40_000..];
    let start = cut(ok(&whole), 200_000, 40_000);
    let pieces = body.chunks(1).take(3000).map(<[u8]>::to_vec);
    let pieces = [start].into_iter().chain(pieces).collect();
    let slow = Server::new(vec![Reply::Slow(pieces, Duration::from_millis(20))]);
    let more = Server::answering(move |request| {
        let from = request.header("range")?.strip_prefix("bytes=")?;
        let from = from.strip_suffix('-')?.parse().ok()?;
        Some(Reply::Bytes(rest(&content(), from)))
    });
    let place = Place::new();
    let begun = Instant::now();
    let urls = [slow.url("/net.onnx"), more.url("/net.onnx")];
    place.fetch_at_least(&urls).unwrap();
    place.is_complete();
    let said = more.ranges().remove(0).unwrap();
    let from: usize = said["bytes=".len()..said.len() - 1].parse().unwrap();
    assert!((40_001..40_100).contains(&from), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let slow = Server::new(vec![trickle(cut(ok(&whole), 200_000, 0), 3000)]);
    let error = Place::new().fetch_at_least(&[slow.url("/net.onnx")]);
    let said = error.unwrap_err().to_string();
    assert!(said.contains("it is too slow: "), "{said}");
}

/// If the length is wrong or missing, the start of the body is read first to identify it.
#[test]
fn the_start_of_an_answer_is_not_waited_for_without_end() {
    if !has_loopback() {
        return;
    }
    let slow = Server::new(vec![trickle(reply("200 OK", &[], b""), 3000)]);
    let begun = Instant::now();
    let error = Place::new().fetch_at_least(&[slow.url("/net.onnx")]);
    assert!(error.unwrap_err().to_string().contains("too slow"));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn headers_have_as_long_as_a_silence() {
    if !has_loopback() {
        return;
    }
    let head = reply("200 OK", &[&format!("X-Long: {}", "a".repeat(3000))], b"");
    let pieces = head.chunks(1).map(<[u8]>::to_vec).collect();
    let slow = Server::new(vec![Reply::Slow(pieces, Duration::from_millis(20))]);
    let begun = Instant::now();
    let error = Place::new().fetch_at_least(&[slow.url("/net.onnx")]);
    assert!(matches!(
        error,
        Err(Error::Backbone(BackboneError::Download { .. }))
    ));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_body_of_a_redirect_is_not_read() {
    if !has_loopback() {
        return;
    }
    let (_last, to) = server([ok(&content())]);
    let head = reply("302 Found", &[&format!("Location: {}", to[0])], b"");
    let first = Server::new(vec![trickle(head, 3000)]);
    let begun = Instant::now();
    let place = Place::new();
    place.fetches(&[first.url("/net.onnx")]);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

/// Each connection breaks off after one byte and a while.
#[test]
fn connections_that_bring_a_byte_each_are_few() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let bring = move |request: &crate::scripted_server::Request| {
        let from = request.header("range").map_or(0, |range| {
            let from = range.trim_start_matches("bytes=").trim_end_matches('-');
            from.parse().unwrap()
        });
        let answer = cut(rest(&whole, from), 200_000 - from, 1);
        Some(Reply::Stall(answer, Duration::from_secs(30)))
    };
    let server = Server::answering(bring);
    let place = Place::new();
    let error = place.fetch_at_least(&[server.url("/net.onnx")]);
    let said = error.unwrap_err().to_string();
    assert!(said.contains("no data arrived for 0.3 s"), "{said}");
    assert!(server.requests().len() <= 4);
}

/// Records the calls it gets.
#[derive(Default)]
struct Told(Mutex<Vec<(String, u64)>>);

impl Progress for Told {
    fn begin(&self, what: &str, total: u64) {
        self.0.lock().unwrap().push((what.to_owned(), total));
    }

    fn advance(&self, steps: u64) {
        let mut told = self.0.lock().unwrap();
        let last = told.last_mut().unwrap();
        last.1 -= steps;
    }

    fn end(&self) {
        self.0.lock().unwrap().push(("end".to_owned(), 0));
    }
}

#[test]
fn progress_counts_the_bytes_that_are_to_come() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (_server, urls) = server([cut(ok(&whole), 200_000, 70_000), rest(&whole, 70_000)]);
    let told = Told::default();
    let place = Place::new();
    place
        .fetch_within(&urls, Duration::from_secs(20), &told)
        .unwrap();
    let left: Vec<_> = told.0.into_inner().unwrap();
    let bytes = |left| ("bytes".to_owned(), left);
    let end = ("end".to_owned(), 0);
    assert_eq!(left, [bytes(130_000), end.clone(), bytes(0), end]);
}
