//! Stopping and reloading.

use std::fs;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use frostline::head::HeadFile;

use crate::harness::{Place, Server, request, wait_for};

/// Lanes of two threads run batches, and wait for images to fill them.
pub(super) const WAITING: &str = "--threads 9 --batch-size 64 --max-delay";

fn classify(place: &Place) -> Vec<u8> {
    let image = fs::read(place.path("images/blue/0.png")).unwrap();
    request(
        "POST",
        "/v1/classify",
        &[("Content-Type", "image/png")],
        &image,
    )
}

#[test]
fn a_running_request_is_finished_before_the_end() {
    let Some(place) = Place::fitted() else { return };
    let mut server = Server::start(&place, &format!("{WAITING} 1500"));
    let (mut busy, mut kept) = (server.connect(), server.connect());
    kept.send(&request("GET", "/v2/health/ready", &[], b""));
    assert_eq!(kept.reply().unwrap().with(200)["ready"], true);
    busy.send(&classify(&place));
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    server.event("stopping");
    let refused = wait_for(|| TcpStream::connect(server.address()).is_err().then_some(()));
    assert!(refused.is_some(), "no connection is accepted");
    assert_eq!(
        busy.reply().unwrap().with(200)["results"][0]["label"],
        "blue"
    );
    assert_eq!(server.ended(), 0);
    assert_eq!(server.event("stopped")["cut"], 0);
}

#[test]
fn the_end_comes_after_the_grace() {
    let Some(place) = Place::fitted() else { return };
    let mut server = Server::start(&place, &format!("{WAITING} 10000 --grace 1"));
    let mut busy = server.connect();
    busy.send(&classify(&place));
    std::thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended(), 0);
    assert!(
        start.elapsed() < Duration::from_secs(9),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(server.event("stopped")["cut"], 1);
}

/// Exchanges the names of the head's classes.
fn exchange(place: &Place) {
    let mut head = HeadFile::read(place.path("head")).unwrap();
    let names: Vec<_> = head.classes.iter().rev().map(str::to_owned).collect();
    head.classes = frostline::ClassIndex::from_ordered(names).unwrap();
    head.write(place.path("new")).unwrap();
    fs::rename(place.path("new"), place.path("head")).unwrap();
}

#[test]
fn a_head_is_replaced_while_requests_run() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, &format!("{WAITING} 2000"));
    let mut busy = server.connect();
    busy.send(&classify(&place));
    std::thread::sleep(Duration::from_millis(300));
    exchange(&place);
    server.signal("HUP");
    let replaced = wait_for(|| {
        let loaded = |event: &&serde_json::Value| event["replaced"] == true;
        server.events().iter().find(loaded).map(|_| ())
    });
    assert!(replaced.is_some(), "{:?}", server.events());
    let mut after = server.connect();
    after.send(&classify(&place));
    let label = |reply: Option<crate::harness::Reply>| {
        reply.unwrap().with(200)["results"][0]["label"].clone()
    };
    assert_eq!(
        label(busy.reply()),
        "blue",
        "the head that the request began with"
    );
    assert_eq!(label(after.reply()), "red", "the new head");
}

#[test]
fn a_head_that_does_not_load_leaves_the_old_one() {
    let Some(place) = Place::fitted() else { return };
    let server = Server::start(&place, "");
    fs::write(place.path("head"), "no head").unwrap();
    server.signal("HUP");
    let failed = server.event("not_loaded");
    assert_eq!(
        (&failed["model"], &failed["kept"]),
        (&"pets".into(), &true.into())
    );
    let mut client = server.connect();
    client.send(&classify(&place));
    assert_eq!(
        client.reply().unwrap().with(200)["results"][0]["label"],
        "blue"
    );
    assert_eq!(server.get("/v2/health/ready").status, 200);
}

#[test]
fn a_head_that_does_not_load_is_an_error_at_the_start() {
    let Some(place) = Place::fitted() else { return };
    fs::write(place.path("bad"), "no head").unwrap();
    for (line, said) in [
        ("--head a={dir}/none", "the head `"),
        ("--head a={dir}/store", "a feature store, not a head"),
        ("--head a={dir}/bad", "/bad"),
        (
            "--head a={dir}/head --head a@1={dir}/head",
            "have the same model name `a`",
        ),
        ("--head a={dir}/head --queue 63", "`--queue` is 63"),
        (
            "--head a={dir}/head --max-body 1G",
            "`--memory` is 536870912",
        ),
    ] {
        let ran = place.frostline(&format!("serve --bind 127.0.0.1:0 {line}"));
        assert!(ran.code == 1 || ran.code == 2, "{line}: {}", ran.code);
        ran.says(&[said, "error: "]);
    }
    let server = Server::start(&place, "");
    let line = format!("serve --head a={{dir}}/head --bind {}", server.address());
    place
        .frostline(&line)
        .exits(1)
        .says(&["cannot listen on", "--bind"]);
}
