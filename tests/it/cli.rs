//! The binary as people use it: commands, exit codes, what goes to which stream.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::harness::{RED, command, frostline, installed_home, run, two_classes, write_picture};

/// A folder with pictures in `images` and paths below it as text.
struct Place(tempfile::TempDir);

impl Place {
    fn with_two_classes() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        two_classes(&place.0.path().join("images"), 6, 0);
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Extracts `images` and fits `head` on it.
    fn fitted(self) -> Self {
        frostline(["extract", &self.path("images"), "-o", &self.path("store")]).exits(0);
        frostline(["fit-head", &self.path("store"), "-o", &self.path("head")]).exits(0);
        self
    }
}

#[test]
fn the_main_job() {
    let Some(_) = installed_home() else { return };
    let place = Place::with_two_classes().fitted();
    let again = frostline(["extract", &place.path("images"), "-o", &place.path("store")]).exits(0);
    again.says(&["0 computed, 12 reused, 0 skipped"]);
    let text = frostline([
        "evaluate",
        "--head",
        &place.path("head"),
        &place.path("store"),
    ])
    .exits(0);
    assert!(
        text.out.contains("accuracy           100.0 %"),
        "{}",
        text.out
    );
    let csv = frostline([
        "classify",
        &place.path("images"),
        "--head",
        &place.path("head"),
    ])
    .exits(0);
    let rows: Vec<&str> = csv.out.lines().collect();
    assert_eq!(rows[0], "path,label,probability,status,p_blue,p_red");
    assert_eq!(rows.len(), 13);
    assert!(
        rows[1].contains("/images/blue/0.png,blue,0.")
            && rows[12].contains("/images/red/5.png,red,0.")
    );
}

#[test]
fn a_bad_image_is_a_row_and_exit_code_3() {
    let Some(_) = installed_home() else { return };
    let place = Place::with_two_classes().fitted();
    fs::write(place.path("images/blue/2b.jpg"), "<html></html>").unwrap();
    let head = place.path("head");
    frostline(["extract", &place.path("images"), "-o", &place.path("store")])
        .exits(3)
        .says(&["blue/2b.jpg", "HTML"]);
    frostline([
        "extract",
        &place.path("images"),
        "-o",
        &place.path("strict"),
        "--strict",
    ])
    .exits(1);
    let ran = frostline([
        "classify",
        &place.path("images"),
        "--head",
        &head,
        "--format",
        "jsonl",
    ])
    .exits(3);
    let row: serde_json::Value = serde_json::from_str(ran.out.lines().nth(3).unwrap()).unwrap();
    assert_eq!(row["label"], serde_json::Value::Null);
    assert!(
        row["status"].as_str().unwrap().starts_with("skipped: ")
            && row["path"].as_str().unwrap().ends_with("2b.jpg")
    );
}

#[test]
fn wrong_usage_is_2_and_failure_is_1() {
    frostline(["extract"]).exits(2);
    frostline(["extract", "x", "-o", "y", "--device", "abacus"])
        .exits(2)
        .says(&["auto, cpu, cuda"]);
    frostline(["extract", "/no/such/folder", "-o", "/tmp/never"])
        .exits(1)
        .says(&["/no/such/folder"]);
    frostline(["evaluate", "--head", "/no/such/head", "/no/such/store"])
        .exits(1)
        .says(&["/no/such/head"]);
}

#[test]
fn parameters_are_checked_before_work() {
    let place = Place::with_two_classes();
    fs::write(place.path("head"), "old").unwrap();
    for (option, value) in [
        ("--lr", "0"),
        ("--lr", "-1"),
        ("--lr", "nan"),
        ("--epochs", "0"),
        ("--batch-size", "0"),
    ] {
        let ran = frostline([
            "fit-head",
            "/no/such/store",
            "-o",
            &place.path("head"),
            option,
            value,
        ])
        .exits(1);
        ran.says(&[option, "must be"]);
    }
    assert_eq!(fs::read(place.path("head")).unwrap(), b"old");
}

#[test]
fn a_diverging_fit_keeps_the_old_head() {
    let Some(_) = installed_home() else { return };
    let place = Place::with_two_classes().fitted();
    let old = fs::read(place.path("head")).unwrap();
    let args = [
        "fit-head",
        &place.path("store"),
        "-o",
        &place.path("head"),
        "--lr",
        "1e38",
    ];
    frostline(args).exits(1).says(&["epoch", "--lr"]);
    assert_eq!(fs::read(place.path("head")).unwrap(), old);
}

#[test]
fn one_class_is_not_enough() {
    let Some(_) = installed_home() else { return };
    let place = Place(tempfile::tempdir().unwrap());
    write_picture(&Path::new(&place.path("images")).join("cat/1.png"), RED, 1);
    frostline(["extract", &place.path("images"), "-o", &place.path("store")]).exits(0);
    frostline(["fit-head", &place.path("store"), "-o", &place.path("head")])
        .exits(1)
        .says(&["two", "cat"]);
}

#[test]
fn a_list_on_standard_input() {
    let Some(_) = installed_home() else { return };
    let place = Place::with_two_classes().fitted();
    let mut child = command([
        "classify",
        "-",
        "--head",
        &place.path("head"),
        "--format",
        "csv",
    ])
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let list = format!(
        "{}\n{}\n",
        place.path("images/red/1.png"),
        place.path("images/blue/0.png")
    );
    child
        .stdin
        .take()
        .unwrap()
        .write_all(list.as_bytes())
        .unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let labels: Vec<&str> = out
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap())
        .collect();
    assert_eq!(labels, ["red", "blue"]);
}

#[test]
fn a_missing_library_is_named_at_once() {
    let place = Place::with_two_classes();
    fs::write(place.path("lib.so"), "text").unwrap();
    let start = std::time::Instant::now();
    let library = place.path("lib.so");
    let ran = run(command(["doctor"]).env("ORT_DYLIB_PATH", &library)).exits(1);
    assert!(
        ran.out.contains(&library) && ran.out.contains("not a shared library"),
        "{}",
        ran.out
    );
    assert!(start.elapsed().as_secs() < 2);
}

#[test]
fn cuda_without_cuda_is_an_error() {
    let Some(_) = installed_home() else { return };
    if Path::new("/proc/driver/nvidia").exists() {
        return;
    }
    let place = Place::with_two_classes();
    let ran = frostline([
        "extract",
        &place.path("images"),
        "-o",
        &place.path("s"),
        "--device",
        "cuda",
    ])
    .exits(1);
    ran.says(&["CUDA", "--device cpu"]);
}
