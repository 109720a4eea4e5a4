//! Ctrl-C and SIGTERM: computed features are kept, and no partial files remain.

#![cfg(unix)]

use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Place, Ran, two_classes};
use crate::steps_listed::Service;

pub(crate) fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &id]).status();
    assert!(sent.unwrap().success());
}

/// Runs a command, sends it a signal after a delay, and returns its output.
fn stopped(place: &Place, args: &str, signal: &str, after: Duration) -> Output {
    let mut command = place.command(args);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap();
    thread::sleep(after);
    send(signal, &child);
    child.wait_with_output().unwrap()
}

/// Returns the number in front of `text` on standard error.
fn number_before(ran: &Ran, text: &str) -> usize {
    let before = ran.err.split(text).next().unwrap();
    let word = before.split_whitespace().next_back().unwrap();
    word.parse().unwrap_or_else(|_| panic!("{}", ran.err))
}

#[test]
fn an_interrupted_run_keeps_what_is_computed() {
    /// More generated images would not all be different.
    const IMAGES: usize = 80;
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), IMAGES as u32 / 2, 0);
    let begin = Instant::now();
    let clean = "extract {dir}/images -o {dir}/clean --batch-size 1 --threads 1";
    place.frostline(clean).exits(0);
    let took = begin.elapsed();
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let (mut kept, mut after) = (0, took / 2);
        // Other work on the machine may make a run slower or faster than the first one.
        for round in 0..40 {
            let args = format!(
                "extract {{dir}}/images -o {{dir}}/{signal}{round} --batch-size 1 --threads 1"
            );
            let output = stopped(&place, &args, signal, after);
            if output.status.success() {
                after = after * 4 / 5;
                continue;
            }
            after = after * 6 / 5;
            assert_eq!(output.status.code(), Some(status), "{output:?}");
            // Before the handler is installed, a signal ends the process silently.
            if output.stderr.is_empty() {
                continue;
            }
            let ran = Ran::of(output).says(&["saved; run again to continue"]);
            assert!(!ran.err.contains("error"), "{}", ran.err);
            kept = number_before(&ran, " image");
            let ran = place.frostline(&args).exits(0);
            ran.says(&[&format!("{} computed, {kept} reused", IMAGES - kept)]);
            if kept > 0 {
                break;
            }
        }
        assert!(
            (1..IMAGES).contains(&kept),
            "{kept} images were kept after SIG{signal}"
        );
    }
}

#[test]
fn an_interrupted_classification_leaves_no_half_file() {
    let Some(place) = Place::fitted() else { return };
    two_classes(&place.folder().join("many"), 40, 0);
    let folder = place.folder().join("rows");
    let args =
        "classify {dir}/many --head {dir}/head -o {dir}/rows/rows.csv --batch-size 1 --threads 1";
    let begin = Instant::now();
    place.frostline(args).exits(0);
    let took = begin.elapsed();
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let mut after = took / 2;
        let interrupted = (0..40).any(|_| {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).unwrap();
            let output = stopped(&place, args, signal, after);
            after = if output.status.success() {
                after * 4 / 5
            } else {
                after * 6 / 5
            };
            output.status.code() == Some(status)
        });
        assert!(interrupted, "SIG{signal} came too early or too late");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}

#[test]
fn an_interrupted_stream_ends_with_a_whole_line() {
    let Some(place) = Place::fitted() else { return };
    let mut service = Service::start(&place, "classify - --head {dir}/head --format jsonl");
    service.give(&place.path("images/red/1.png"));
    let row = service.line();
    assert!(row.starts_with('{') && row.ends_with('}'), "{row}");
    send("INT", &service.child);
    // The process does not wait for the end of the list.
    let begin = Instant::now();
    while service.child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_mins(1), "it still runs");
        thread::sleep(Duration::from_millis(5));
    }
    let (rest, ran) = service.end();
    assert!(rest.is_empty(), "{rest:?}");
    ran.exits(130);
}

/// A fit has nothing to save for the next run, so the first signal stops it immediately; it still exits with
/// a status.
#[test]
fn a_fit_ends_at_once_with_an_exit_status() {
    let Some(place) = Place::fitted() else { return };
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let args = "fit-head {dir}/store -o {dir}/slow --epochs 100000 --batch-size 1 -q";
        let mut command = place.command(args);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        // Long after the signal handler is installed, and long before the fit finishes.
        thread::sleep(Duration::from_secs(2));
        assert!(child.try_wait().unwrap().is_none());
        send(signal, &child);
        let begin = Instant::now();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(status), "{ended}");
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert!(!place.folder().join("slow").exists());
    }
}

/// The first signal asks the run to stop after the images, but 100,000 resamples would follow.
#[test]
fn a_second_signal_ends_at_once() {
    let Some(place) = Place::fitted() else { return };
    for copy in 0..2000 {
        let path = format!("images/red/copy-{copy}.png");
        fs::copy(place.path("images/red/1.png"), place.path(&path)).unwrap();
    }
    let args = "evaluate {dir}/images --head {dir}/head --store {dir}/store --intervals 100000";
    let mut command = place.command(args);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_secs(2));
    send("TERM", &child);
    thread::sleep(Duration::from_millis(300));
    if child.try_wait().unwrap().is_none() {
        send("INT", &child);
    }
    let begin = Instant::now();
    let ended = child.wait().unwrap();
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    assert!(matches!(ended.code(), Some(130 | 143)), "{ended}");
}
