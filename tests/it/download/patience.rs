//! Slow servers, silent servers, and what is told meanwhile.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use frostline::backbones::Fetched;
use frostline::progress::{Progress, Silent};

use super::{Place, content, cut, server};
use crate::scripted_server::{Reply, Server, has_loopback, ok, rest};

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
    assert!(said.contains("nothing came for 0.3 s"), "{said}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Writes down what it is told.
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
