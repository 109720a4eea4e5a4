//! Objects of stores and files of web servers.

use std::io::Write;
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, RecordBatch, StringArray};

use super::{images, paths, require_all};
use crate::harness::{Bucket, Odd, Place, Ran, run};
use crate::scripted_server::has_loopback;
#[cfg(unix)]
use crate::steps_interrupted::send;
use crate::worker;

const DENIED: &str = "<Error><Code>AccessDenied</Code><Message>no access</Message></Error>";
const EXPIRED: &str = "<Error><Code>ExpiredToken</Code><Message>has expired</Message></Error>";
const NO_BUCKET: &str = "<Error><Code>NoSuchBucket</Code><Message>no bucket</Message></Error>";

/// Returns the objects `photos/blue/0.png` and so on, and others.
fn objects(place: &Place) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = images(place)
        .into_iter()
        .map(|(path, bytes)| (format!("photos/{path}"), bytes))
        .collect();
    all.push(("photos/labels.csv".to_owned(), b"a,b".to_vec()));
    all.push(("other/a.png".to_owned(), b"none".to_vec()));
    all
}

fn extract(place: &Place, bucket: &Bucket, input: &str, store: &str) -> Ran {
    let mut command = place.command(&format!("extract {input} -o {{dir}}/{store}"));
    run(bucket.known_to(&mut command))
}

fn fitted() -> Option<Place> {
    has_loopback().then(Place::fitted).flatten()
}

/// A list may take minutes.
#[cfg(unix)]
#[test]
fn a_signal_ends_a_list_at_once() {
    let Some(place) = fitted() else { return };
    let is_list = |request: &str| request.contains("list-type");
    let late = Odd::Late(Duration::from_mins(1));
    let bucket = Bucket::start(objects(&place), move |request, _| {
        is_list(request).then(|| late.clone())
    });
    let mut command = place.command("extract s3://bucket/photos/ -o {dir}/new");
    let command = bucket.known_to(&mut command);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap();
    while !bucket.requests().iter().any(|request| is_list(request)) {
        thread::sleep(Duration::from_millis(10));
    }
    let begin = Instant::now();
    send("INT", &child);
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(130);
    assert_eq!(ran.err.trim_end(), "warning: interrupted");
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(!place.folder().join("new").exists());
}

#[test]
fn a_prefix_is_like_its_folder() {
    let Some(place) = fitted() else { return };
    let bucket = Bucket::start(objects(&place), |_, _| None);
    let ran = extract(&place, &bucket, "s3://bucket/photos", "new").exits(0);
    ran.says(&["12 computed", "1 .csv"]);
    require_all(&place, "new");
    let (known, _) = crate::harness::contents(&place.path("store"));
    let (found, _) = crate::harness::contents(&place.path("new"));
    assert_eq!(found, known);
    // One object is looked for, and the list has three pages.
    let lists = |requests: &[String]| requests.iter().filter(|r| r.contains("list-type")).count();
    let first = bucket.requests();
    assert_eq!((first.len(), lists(&first)), (1 + 3 + 12, 3));
    // The second run reads only the list.
    let ran = extract(&place, &bucket, "s3://bucket/photos/", "new").exits(0);
    ran.says(&["0 computed, 12 reused"]);
    let second = &bucket.requests()[first.len()..];
    assert_eq!((second.len(), lists(second)), (3, 3));
    let mut command = place.command("classify s3://bucket/photos/ --head {dir}/head --format csv");
    let ran = run(bucket.known_to(&mut command)).exits(0);
    let rows = ran.out.lines().nth(1).unwrap();
    assert!(
        rows.starts_with("s3://bucket/photos/blue/0.png,blue,"),
        "{rows}"
    );
    let mut command = place.command("evaluate s3://bucket/photos/ --head {dir}/head");
    run(bucket.known_to(&mut command)).exits(0);
}

#[test]
fn failed_and_cut_replies_are_asked_for_again() {
    let Some(place) = fitted() else { return };
    let bucket = Bucket::start(objects(&place), |request, earlier| match request {
        "GET /bucket/photos/blue/0.png" if earlier < 2 => {
            Some(Odd::Status("503 Service Unavailable", "slow down"))
        }
        "GET /bucket/photos/blue/1.png" if earlier < 1 => Some(Odd::Status("429 Too Many", "")),
        "GET /bucket/photos/blue/2.png" if earlier < 2 => Some(Odd::Cut),
        "GET /bucket/photos/red/3.png" => Some(Odd::Late(Duration::from_millis(700))),
        _ => None,
    });
    let ran = extract(&place, &bucket, "s3://bucket/photos/", "new").exits(0);
    ran.says(&["12 computed"]);
    require_all(&place, "new");
}

/// The pauses between nine requests would otherwise take two or three seconds in all.
#[test]
fn a_busy_server_gets_the_pause_that_it_asks_for() {
    let Some(place) = fitted() else { return };
    let first = OnceLock::new();
    let one = "GET /bucket/photos/blue/0.png";
    let bucket = Bucket::start(objects(&place), move |request, _| {
        let is_busy =
            request == one && first.get_or_init(Instant::now).elapsed().as_secs_f32() < 4.5;
        is_busy.then_some(Odd::Status("503 Slow Down", ""))
    });
    extract(&place, &bucket, "s3://bucket/photos/", "new").exits(0);
    let requests = bucket.requests();
    let asked = requests.iter().filter(|request| *request == one).count();
    // One each second, and the one that was answered.
    assert!((3..=6).contains(&asked), "{asked}");
}

#[test]
fn an_object_that_is_not_what_was_listed_is_skipped() {
    let Some(place) = fitted() else { return };
    let bucket = Bucket::start(objects(&place), |request, _| match request {
        "GET /bucket/photos/blue/0.png" => Some(Odd::Status("404 Not Found", "")),
        "GET /bucket/photos/blue/1.png" => Some(Odd::Tag),
        _ => None,
    });
    let ran = extract(&place, &bucket, "s3://bucket/photos/", "new").exits(3);
    ran.says(&["10 computed"]);
    let rows = paths(&place, "new");
    let reason = |row: usize| rows[row].1.clone().unwrap_or_default();
    assert_eq!(reason(0), "cannot be read: it is not in the store (404)");
    assert_eq!(reason(1), "cannot be read: it changed after it was listed");
}

#[test]
fn errors_of_the_store_end_the_run() {
    let Some(place) = fitted() else { return };
    for (status, body, says) in [
        (
            "403 Forbidden",
            DENIED,
            "hint: set or renew the credentials",
        ),
        (
            "400 Bad Request",
            EXPIRED,
            "hint: set or renew the credentials",
        ),
        (
            "404 Not Found",
            NO_BUCKET,
            "hint: check the name of the bucket",
        ),
    ] {
        for what in ["GET /bucket?", "GET /bucket/photos/red/2.png"] {
            let bucket = Bucket::start(objects(&place), move |request, _| {
                let is_one = request.starts_with(what);
                is_one.then_some(Odd::Status(status, body))
            });
            let ran = extract(&place, &bucket, "s3://bucket/photos/", "new").exits(1);
            ran.says(&["cannot read `s3://bucket/photos/", says]);
        }
    }
    let bucket = Bucket::start([], |_, _| None);
    extract(&place, &bucket, "s3://bucket/photos/", "new")
        .exits(1)
        .says(&["`s3://bucket/photos/` contains no image files"]);
}

#[test]
fn credentials_that_expire_during_a_run_keep_what_is_computed() {
    let Some(place) = fitted() else { return };
    let expired = |request: &str, _| {
        let is_last = request == "GET /bucket/photos/red/5.png";
        is_last.then(|| {
            thread::sleep(Duration::from_secs(2));
            Odd::Status("400 Bad Request", EXPIRED)
        })
    };
    let bucket = Bucket::start(objects(&place), expired);
    extract(&place, &bucket, "s3://bucket/photos/", "new")
        .exits(1)
        .says(&[
            "cannot read `s3://bucket/photos/red/5.png`",
            "ExpiredToken: has expired",
            "hint: set or renew the credentials",
        ]);
    let bucket = Bucket::start(objects(&place), |_, _| None);
    let ran = extract(&place, &bucket, "s3://bucket/photos/", "new").exits(0);
    // How many batches were computed before depends on the load.
    assert!(!ran.err.contains("12 computed"), "{}", ran.err);
}

#[test]
fn an_archive_and_a_table_in_a_store_are_read_by_ranges() {
    let Some(place) = fitted() else { return };
    let images = images(&place);
    let shard = |part: &[(String, Vec<u8>)]| super::archives::archive(part);
    let table = super::tables::parquet_of(&place);
    let bucket = Bucket::start(
        [
            ("x/000.tar".to_owned(), shard(&images[..5])),
            ("x/001.tar".to_owned(), shard(&images[5..])),
            ("x/a.parquet".to_owned(), table),
        ],
        |_, _| None,
    );
    for (n, input) in [
        "s3://bucket/x/{000..001}.tar",
        "s3://bucket/x/*.tar",
        "s3://bucket/x/a.parquet",
    ]
    .iter()
    .enumerate()
    {
        let store = format!("new{n}");
        extract(&place, &bucket, input, &store)
            .exits(0)
            .says(&["12 computed"]);
        require_all(&place, &store);
        let again = extract(&place, &bucket, input, &store).exits(0);
        again.says(&["0 computed, 12 reused"]);
    }
    assert_eq!(
        paths(&place, "new0")[5].0,
        "s3://bucket/x/001.tar/blue/5.png"
    );
}

#[test]
fn an_empty_member_of_an_archive_in_a_store_is_skipped() {
    let Some(place) = fitted() else { return };
    let mut images = images(&place);
    images.truncate(2);
    images[0].1.clear();
    let shard = super::archives::archive(&images);
    let bucket = Bucket::start([("a.tar".to_owned(), shard)], |_, _| None);
    extract(&place, &bucket, "s3://bucket/a.tar", "new").exits(3);
    let rows = paths(&place, "new");
    let reasons = rows.into_iter().map(|(_, reason)| reason);
    let empty = Some("is empty (0 bytes)".to_owned());
    assert_eq!(reasons.collect::<Vec<_>>(), [empty, None]);
}

#[test]
fn files_of_a_web_server_are_images_one_by_one() {
    let Some(place) = fitted() else { return };
    let bucket = Bucket::start(objects(&place), |_, _| None);
    let url = bucket.url("/bucket/photos/red/1.png");
    let mut command = place.command(&format!("classify {url} --head {{dir}}/head --format csv"));
    let ran = run(bucket.known_to(&mut command)).exits(0);
    assert!(
        ran.out
            .lines()
            .nth(1)
            .unwrap()
            .starts_with(&format!("{url},red,")),
        "{}",
        ran.out
    );
    let mut command = place.command("classify - --head {dir}/head --format csv");
    let command = bucket.known_to(&mut command).stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let none = bucket.url("/bucket/photos/none.png");
    let list = format!("{url}\n{none}\n{}\n", place.path("images/blue/0.png"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(list.as_bytes())
        .unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(3);
    let rows: Vec<_> = ran.out.lines().skip(1).collect();
    assert!(rows[0].starts_with(&format!("{url},red,")), "{}", rows[0]);
    assert!(
        rows[1].contains("it is not in the store (404)"),
        "{}",
        rows[1]
    );
    assert!(rows[2].contains("images/blue/0.png,blue,"), "{}", rows[2]);
    extract(&place, &bucket, &bucket.url("/bucket/photos/"), "new")
        .exits(1)
        .says(&["hint: pass the URLs of the images, or a list"]);
}

/// A worker treats URLs among its paths as a list does: a missing object is a row with the reason, and a
/// store that refuses access ends the run.
#[test]
fn a_worker_reads_the_objects_of_urls() {
    let Some(place) = fitted() else { return };
    let bucket = Bucket::start(objects(&place), |request, _| {
        let is_one = request == "GET /bucket/photos/red/2.png";
        is_one.then_some(Odd::Status("403 Forbidden", DENIED))
    });
    let web = bucket.url("/bucket/photos/red/1.png");
    let file = place.path("images/blue/0.png");
    let answered = |urls: &[&str]| {
        let paths: ArrayRef = Arc::new(StringArray::from(urls.to_vec()));
        let batch = RecordBatch::try_from_iter([("path", paths)]).unwrap();
        let mut command = place.command("worker");
        bucket.known_to(&mut command);
        worker::answer_of(worker::started(command), worker::stream(&[batch]))
    };
    let first = "s3://bucket/photos/blue/0.png";
    let answer = answered(&[first, "s3://bucket/photos/none.png", &web, &file]);
    let missing = "skipped: cannot be read: it is not in the store (404)";
    assert_eq!(answer.statuses(), ["ok", missing, "ok", "ok"]);
    let rows = answer.features();
    assert_eq!(rows[0], rows[3]);
    assert!(rows[2].is_some());
    answer.ran.exits(0);
    let refused = answered(&[first, "s3://bucket/photos/red/2.png"]);
    assert!(!refused.is_complete);
    refused.ran.exits(1).says(&[
        "cannot read `s3://bucket/photos/red/2.png`",
        "hint: set or renew the credentials",
    ]);
}

/// With a latency of 500 ms, 12 images one after the other would take 6 s.
#[test]
fn many_objects_are_on_their_way_at_once() {
    let Some(place) = fitted() else { return };
    let delay = Duration::from_millis(500);
    let bucket = Bucket::start(objects(&place), move |request, _| {
        let is_image = request.starts_with("GET /bucket/photos/");
        is_image.then_some(Odd::Late(delay))
    });
    let start = Instant::now();
    extract(&place, &bucket, "s3://bucket/photos/", "new").exits(0);
    assert!(start.elapsed() < 6 * delay, "{:?}", start.elapsed());
}

/// A worker and a list on standard input do not know their URLs in advance. One CPU alone has four readers.
#[test]
fn urls_that_arrive_are_on_their_way_at_once_too() {
    let Some(place) = fitted() else { return };
    let bytes = images(&place).remove(0).1;
    let waiting = || {
        let names = (0..60).map(|n| (format!("many/{n}.png"), bytes.clone()));
        let (all, arrived) = (Mutex::new(0), Condvar::new());
        let bucket = Bucket::start(names, move |_, _| {
            let mut n = all.lock().unwrap();
            *n += 1;
            arrived.notify_all();
            let patience = Duration::from_mins(1);
            let (_n, timeout) = arrived
                .wait_timeout_while(n, patience, |n| *n < 60)
                .unwrap();
            timeout
                .timed_out()
                .then_some(Odd::Status("404 Not Found", ""))
        });
        let urls = (0..60).map(|n| bucket.url(&format!("/bucket/many/{n}.png")));
        (urls.collect::<Vec<_>>(), bucket)
    };
    let (urls, bucket) = waiting();
    let paths: ArrayRef = Arc::new(StringArray::from(urls));
    let batch = RecordBatch::try_from_iter([("path", paths)]).unwrap();
    let mut command = place.command("worker --threads 1");
    bucket.known_to(&mut command);
    let answer = worker::answer_of(worker::started(command), worker::stream(&[batch]));
    assert_eq!(answer.statuses(), ["ok"; 60]);
    let (urls, bucket) = waiting();
    let mut command = place.command("classify - --head {dir}/head --threads 1 --format csv");
    let command = bucket.known_to(&mut command).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let list = urls.join("\n");
    let mut input = child.stdin.take().unwrap();
    input.write_all(list.as_bytes()).unwrap();
    drop(input);
    Ran::of(child.wait_with_output().unwrap()).exits(0);
}

/// An object that is gone when the page is written has no thumbnail.
#[test]
fn a_report_shows_the_objects_of_a_store() {
    let Some(place) = fitted() else { return };
    let bucket = Bucket::start(objects(&place), |request, earlier| {
        let is_gone = request == "GET /bucket/photos/red/3.png" && earlier > 0;
        is_gone.then_some(Odd::Status("404 Not Found", ""))
    });
    let line = "report s3://bucket/photos --head {dir}/head --include-training -o {dir}/r.html";
    let ran = run(bucket.known_to(&mut place.command(line))).exits(0);
    ran.says(&["1 image without a thumbnail"]);
    let page = std::fs::read_to_string(place.path("r.html")).unwrap();
    let (_, gallery) = page.split_once("<noscript>").unwrap();
    let (gallery, _) = gallery.split_once("</noscript>").unwrap();
    assert_eq!(gallery.matches("base64,/9j/").count(), 11);
    assert!(page.contains("\"path\":\"blue/0.png\""));
}
