//! Images that crash the process, and processes that are killed.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rten_onnx::onnx::DataType;

use super::{END, answer, answer_of, batch, started, stream};
use crate::fuzz_seeds::onnx_messages::{bytes, info, model, node, numbers, weight, with_int};
use crate::harness::Place;

/// Writes a network whose features are the mean colour of an image, and which a black image crashes: it
/// divides the lowest integer by -1, for which the processor raises an exception; ONNX Runtime checks only
/// for division by zero.
fn crashed_by_black(place: &Place) {
    const INT64: i64 = 7;
    let nodes = vec![
        node("GlobalAveragePool", &["input"], &["pooled"]),
        node("Flatten", &["pooled"], &["means"]),
        node("Add", &["means", "one"], &["above"]),
        node("Ceil", &["above"], &["steps"]),
        node("Mul", &["steps", "three"], &["times"]),
        node("Sub", &["times", "one"], &["divisor"]),
        with_int(node("Cast", &["divisor"], &["whole"]), "to", INT64),
        node("Div", &["lowest", "whole"], &["quotient"]),
        with_int(node("Cast", &["quotient"], &["number"]), "to", 1),
        node("Mul", &["number", "zero"], &["nothing"]),
        node("Add", &["means", "nothing"], &["features"]),
    ];
    let weights = vec![
        weight("one", &[1], 1.0),
        weight("three", &[1], 3.0),
        weight("zero", &[1], 0.0),
        numbers("lowest", &[i64::MIN]),
    ];
    let input = info("input", DataType::FLOAT, &[-1, 3, 8, 8]);
    let output = info("features", DataType::FLOAT, &[-1, 3]);
    let network = model(8, 13, nodes, weights, vec![input], vec![output]);
    fs::write(place.path("black.onnx"), bytes(&network)).unwrap();
    let manifest = "name = \"black\"\n[features]\nlayer = \"features\"\n[preprocessing]\n\
                    resize = [8, 8]\ncrop = \"none\"\nmean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n";
    fs::write(place.path("black.toml"), manifest).unwrap();
}

const ARGS: &str = "--backbone {dir}/black.onnx --batch-size 2";

/// Returns a picture of one colour as PPM, and others by the number.
fn picture(number: u8) -> Vec<u8> {
    [&b"P6 2 2 255\n"[..], &[number; 12]].concat()
}

#[test]
fn an_image_that_crashes_the_process_is_a_row() {
    let Some(place) = Place::installed() else {
        return;
    };
    crashed_by_black(&place);
    let images: Vec<_> = (0..40)
        .map(|n| picture(if n == 17 || n == 18 { 0 } else { 100 + n }))
        .collect();
    let some: Vec<_> = images.iter().map(|image| Some(&**image)).collect();
    let batches = [
        batch(0, &some[..10]),
        batch(10, &some[10..20]),
        batch(20, &some[20..]),
    ];
    let isolated = answer(&place, ARGS, stream(&batches));
    let statuses = isolated.statuses();
    for (n, status) in statuses.iter().enumerate() {
        let expected = if n == 17 || n == 18 {
            "failed: the worker process ended with signal 8"
        } else {
            "ok"
        };
        assert_eq!(status, expected, "{n}: {}", isolated.ran.err);
    }
    for (n, row) in isolated.features().into_iter().enumerate() {
        let colour = |n: usize| (100 + n) as f32 / 127.5 - 1.0;
        let near = |row: &(_, Vec<f32>)| row.1.iter().all(|x| (x - colour(n)).abs() < 1e-5);
        assert_eq!(row.as_ref().is_some_and(near), n != 17 && n != 18);
    }
    assert!(isolated.is_complete);
    isolated.ran.exits(0).says(&["2 rows are `failed`"]);
    let mut alone = started(place.command(&format!("worker {ARGS} --no-isolation")));
    alone
        .stdin
        .take()
        .unwrap()
        .write_all(&stream(&batches))
        .unwrap();
    let alone = alone.wait_with_output().unwrap();
    assert_eq!(alone.status.signal(), Some(8));
    assert!(!alone.stdout.ends_with(&END));
}

#[test]
fn a_killed_process_costs_no_row() {
    let Some(place) = Place::installed() else {
        return;
    };
    crashed_by_black(&place);
    // Large enough that decoding takes a while.
    let image = [&b"P6 1000 1000 255\n"[..], &vec![200; 3_000_000]].concat();
    let images = vec![Some(&*image); 8];
    let batches: Vec<_> = (0..12).map(|n| batch(8 * n, &images)).collect();
    let child = started(place.command(&format!("worker {ARGS}")));
    let id = child.id();
    let killer = thread::spawn(move || {
        let mut killed = 0;
        for _ in 0..100 {
            thread::sleep(Duration::from_millis(150));
            let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
            let Ok(children) = children else { break };
            for child in children.split_whitespace() {
                if killed == 3 {
                    return;
                }
                let mut kill = Command::new("kill");
                let done = kill.args(["-9", child]).stderr(Stdio::null()).status();
                killed += usize::from(done.unwrap().success());
                // The next process becomes ready, so that it is not given up.
                thread::sleep(Duration::from_millis(600));
            }
        }
    });
    let answer = answer_of(child, stream(&batches));
    killer.join().unwrap();
    assert_eq!(answer.statuses(), vec!["ok"; 96], "{}", answer.ran.err);
    assert!(answer.is_complete);
    answer.ran.exits(0);
}
