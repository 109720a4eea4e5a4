//! Bytes that have arrived are not requested again unless they were wrong.

use std::fs;

use super::{Place, content, cut, server};
use crate::scripted_server::{has_loopback, ok, reply, rest};

#[test]
fn a_file_comes_whole() {
    if !has_loopback() {
        return;
    }
    let (server, urls) = server([ok(&content())]);
    let place = Place::new();
    place.fetches(&urls);
    let request = &server.requests()[0];
    assert_eq!(request.line, "GET /net.onnx HTTP/1.1");
    assert_eq!(request.header("range"), None);
    assert_eq!(request.header("accept-encoding"), Some("identity"));
}

#[test]
fn a_cut_connection_is_continued() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (server, urls) = server([cut(ok(&whole), 200_000, 70_000), rest(&whole, 70_000)]);
    Place::new().fetches(&urls);
    assert_eq!(server.ranges(), [None, Some("bytes=70000-".to_owned())]);
}

#[test]
fn a_cut_connection_without_a_length_is_continued() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (server, urls) = server([reply("200 OK", &[], &whole[..70_000]), rest(&whole, 70_000)]);
    Place::new().fetches(&urls);
    assert_eq!(server.ranges(), [None, Some("bytes=70000-".to_owned())]);
}

#[test]
fn the_next_run_goes_on_where_the_last_one_ended() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let place = Place::new();
    let (_first, urls) = server([cut(ok(&whole), 200_000, 50_000), Vec::new()]);
    let said = place.fails(&urls);
    assert!(said.contains("connection was lost"), "{said}");
    assert_eq!(fs::read(place.part()).unwrap(), whole[..50_000]);
    let (second, urls) = server([rest(&whole, 50_000)]);
    place.fetches(&urls);
    assert_eq!(second.ranges(), [Some("bytes=50000-".to_owned())]);
}

#[test]
fn another_mirror_goes_on_where_the_first_one_ended() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (first, mut urls) = server([
        cut(ok(&whole), 200_000, 50_000),
        reply("503 Service Unavailable", &[], b""),
    ]);
    let (second, more) = server([rest(&whole, 50_000)]);
    urls.extend(more);
    Place::new().fetches(&urls);
    assert_eq!(first.requests().len(), 2);
    assert_eq!(second.ranges(), [Some("bytes=50000-".to_owned())]);
}

#[test]
fn a_whole_part_is_checked_and_used() {
    if !has_loopback() {
        return;
    }
    let (server, urls) = server([]);
    Place::with_part(&content()).fetches(&urls);
    assert!(server.requests().is_empty());
}

#[test]
fn a_part_that_is_too_long_is_thrown_away() {
    if !has_loopback() {
        return;
    }
    let (server, urls) = server([ok(&content())]);
    Place::with_part(&vec![1; 200_001]).fetches(&urls);
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_part_of_another_file_costs_one_more_start() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (server, urls) = server([rest(&whole, 1000), ok(&whole)]);
    Place::with_part(&[7; 1000]).fetches(&urls);
    assert_eq!(server.ranges(), [Some("bytes=1000-".to_owned()), None]);
}

#[test]
fn a_part_is_tried_from_the_start_once_only() {
    if !has_loopback() {
        return;
    }
    let wrong = vec![7; 200_000];
    let (server, urls) = server([rest(&wrong, 1000), ok(&wrong), ok(&wrong)]);
    let place = Place::with_part(&[7; 1000]);
    let said = place.fails(&urls);
    // Identical bytes are detected before any checksum.
    assert!(said.contains("all its bytes are the same"), "{said}");
    assert_eq!(server.requests().len(), 2);
    assert!(!place.part().exists());
}

#[test]
fn a_server_that_knows_no_ranges_sends_everything_again() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (server, urls) = server([cut(ok(&whole), 200_000, 70_000), ok(&whole)]);
    Place::new().fetches(&urls);
    assert_eq!(server.ranges(), [None, Some("bytes=70000-".to_owned())]);
}

#[test]
fn a_server_without_ranges_that_breaks_off_costs_nothing_of_the_part() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (_first, urls) = server([cut(ok(&whole), 200_000, 20_000)]);
    let place = Place::with_part(&whole[..150_000]);
    place.fails(&urls);
    assert_eq!(fs::read(place.part()).unwrap(), whole[..150_000]);
    let (second, urls) = server([rest(&whole, 150_000)]);
    place.fetches(&urls);
    assert_eq!(second.ranges(), [Some("bytes=150000-".to_owned())]);
}

#[test]
fn another_range_than_was_asked_for_is_refused() {
    if !has_loopback() {
        return;
    }
    let whole = content();
    let (_server, urls) = server([rest(&whole, 500)]);
    let place = Place::with_part(&whole[..1000]);
    let said = place.fails(&urls);
    assert!(
        said.contains("byte 500") && said.contains("byte 1000"),
        "{said}"
    );
    assert_eq!(fs::read(place.part()).unwrap(), whole[..1000]);
}

#[test]
fn a_range_that_is_not_satisfiable_is_asked_for_as_a_whole() {
    if !has_loopback() {
        return;
    }
    let refusal = reply(
        "416 Range Not Satisfiable",
        &["Content-Range: bytes */200000", "Content-Length: 0"],
        b"",
    );
    let (server, urls) = server([refusal, ok(&content())]);
    Place::with_part(&[7; 1000]).fetches(&urls);
    assert_eq!(server.ranges(), [Some("bytes=1000-".to_owned()), None]);
}

#[test]
fn a_length_that_lies_ends_at_the_next_mirror() {
    if !has_loopback() {
        return;
    }
    // The server announces 200,000 bytes and sends 70,000, again and again.
    let short = |from: usize| cut(rest(&content(), from), 200_000 - from, 0);
    let (first, mut urls) = server([cut(ok(&content()), 200_000, 70_000), short(70_000)]);
    let (_second, more) = server([rest(&content(), 70_000)]);
    urls.extend(more);
    Place::new().fetches(&urls);
    assert_eq!(first.requests().len(), 2);
}
