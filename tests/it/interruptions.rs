//! What people do to a running program: kill it, start it twice, close its pipe, fill its disk, give it one CPU.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use frostline::features::{Digest, FeatureStore};

use crate::harness::{command, frostline, installed_home, run, two_classes};

/// `images` with two classes in a new place.
fn place(n: u32) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    two_classes(&place.path().join("images"), n, 0);
    place
}

fn path(place: &tempfile::TempDir, name: &str) -> String {
    place.path().join(name).display().to_string()
}

/// All features in the order of the index, and the index itself.
fn content(store: &str) -> (Vec<f32>, frostline::features::Index) {
    let store = FeatureStore::open(Path::new(store)).unwrap();
    let (_, digests): (Vec<_>, Vec<Digest>) = store.index().used().unzip();
    let features = store.features(&digests).unwrap();
    (features.iter().copied().collect(), store.index().clone())
}

#[test]
fn a_killed_extract_goes_on_to_the_same_features() {
    let Some(_) = installed_home() else { return };
    let place = place(30);
    let (images, clean, killed) = (
        path(&place, "images"),
        path(&place, "clean"),
        path(&place, "killed"),
    );
    frostline(["extract", &images, "-o", &clean]).exits(0);
    for pause in [0, 60, 120, 250, 400, 600, 900] {
        let mut child = command(["extract", &images, "-o", &killed])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    frostline(["extract", &images, "-o", &killed]).exits(0);
    assert_eq!(content(&killed), content(&clean));
}

#[test]
fn two_extracts_at_once_do_no_harm() {
    let Some(_) = installed_home() else { return };
    let place = place(2);
    let (images, clean) = (path(&place, "images"), path(&place, "clean"));
    frostline(["extract", &images, "-o", &clean]).exits(0);
    let wanted = content(&clean);
    for round in 0..20 {
        let store = path(&place, &format!("store{round}"));
        let start = || {
            let mut command = command(["extract", &images, "-o", &store]);
            command.stderr(Stdio::piped()).spawn().unwrap()
        };
        let ends = [start(), start()].map(|child| child.wait_with_output().unwrap());
        assert!(ends.iter().any(|end| end.status.success()));
        for end in ends.iter().filter(|end| !end.status.success()) {
            let err = String::from_utf8_lossy(&end.stderr);
            assert!(
                err.contains("is being written by another frostline"),
                "{err}"
            );
        }
        assert_eq!(content(&store), wanted);
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let Some(_) = installed_home() else { return };
    let place = place(40);
    let (images, store, head) = (
        path(&place, "images"),
        path(&place, "store"),
        path(&place, "head"),
    );
    frostline(["extract", &images, "-o", &store]).exits(0);
    frostline(["fit-head", &store, "-o", &head]).exits(0);
    let mut child = command([
        "classify", &images, "--head", &head, "--store", &store, "-q",
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut [0; 5]).unwrap();
    drop(pipe);
    let end = child.wait_with_output().unwrap();
    assert_eq!(end.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&end.stderr), "");
}

#[test]
fn a_full_disk_is_named_and_nothing_half_written_stays() {
    let Some(_) = installed_home() else { return };
    if !Path::new("/dev/full").exists() {
        eprintln!("not tested: there is no /dev/full");
        return;
    }
    let place = place(2);
    let (images, store, head) = (
        path(&place, "images"),
        path(&place, "store"),
        path(&place, "head"),
    );
    frostline(["extract", &images, "-o", &store]).exits(0);
    frostline(["fit-head", &store, "-o", &head]).exits(0);
    frostline(["classify", &images, "--head", &head, "-o", "/dev/full"])
        .exits(1)
        .says(&["/dev/full", "No space left", "free some space"]);
    frostline(["evaluate", "--head", &head, &store, "-o", "/dev/full"])
        .exits(1)
        .says(&["No space left"]);
}

#[test]
fn threads_are_those_that_the_process_may_use() {
    let Some(_) = installed_home() else { return };
    let place = place(2);
    let (images, store) = (path(&place, "images"), path(&place, "store"));
    frostline(["extract", &images, "-o", &store, "--threads", "3"])
        .exits(0)
        .says(&["3 threads"]);
    if Command::new("taskset").arg("--version").output().is_err() {
        eprintln!("not tested: there is no taskset");
        return;
    }
    let binary = command(["extract"]).get_program().to_owned();
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(binary);
    pinned.args(["extract", &images, "-o", &store]);
    pinned.env("FROSTLINE_HOME", installed_home().unwrap());
    run(&mut pinned).exits(0).says(&["1 thread)"]);
}

#[test]
fn a_comma_locale_changes_no_number() {
    let Some(_) = installed_home() else { return };
    let place = place(2);
    let (images, store, head) = (
        path(&place, "images"),
        path(&place, "store"),
        path(&place, "head"),
    );
    frostline(["extract", &images, "-o", &store]).exits(0);
    frostline(["fit-head", &store, "-o", &head]).exits(0);
    let args = ["classify", &images, "--head", &head];
    let german = run(command(args).env("LC_ALL", "de_DE.UTF-8")).exits(0);
    assert_eq!(german.out, frostline(args).out);
    assert_eq!(german.out.lines().nth(1).unwrap().split(',').count(), 6);
}

#[test]
fn batches_and_threads_change_no_label() {
    let Some(_) = installed_home() else { return };
    let place = place(5);
    let (images, store, head) = (
        path(&place, "images"),
        path(&place, "store"),
        path(&place, "head"),
    );
    frostline(["extract", &images, "-o", &store]).exits(0);
    frostline(["fit-head", &store, "-o", &head]).exits(0);
    let labels = |batch: &str, threads: &str| {
        let mut args = vec!["classify", &images, "--head", &head];
        args.extend(["--batch-size", batch, "--threads", threads]);
        let rows = frostline(args).exits(0).out;
        let cells = rows
            .lines()
            .map(|row| row.split(',').take(2).collect::<Vec<_>>().join(","));
        cells.collect::<Vec<_>>()
    };
    let wanted = labels("1", "1");
    assert_eq!(wanted.len(), 11);
    for (batch, threads) in [("3", "1"), ("4", "8"), ("10", "2"), ("64", "8")] {
        assert_eq!(
            labels(batch, threads),
            wanted,
            "batch {batch}, {threads} threads"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_go_all_the_way() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let Some(_) = installed_home() else { return };
    let place = place(3);
    let class = place
        .path()
        .join("images")
        .join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&class).unwrap();
    let from = place.path().join("images/red/0.png");
    fs::copy(&from, class.join(OsStr::from_bytes(b"na\xefve.png"))).unwrap();
    let (images, store, head) = (
        path(&place, "images"),
        path(&place, "store"),
        path(&place, "head"),
    );
    frostline(["extract", &images, "-o", &store]).exits(0);
    frostline(["fit-head", &store, "-o", &head]).exits(0);
    let rows = frostline(["classify", &images, "--head", &head])
        .exits(0)
        .out;
    assert!(rows.contains(r"caf\xe9/na\xefve.png,"), "{rows}");
    assert!(
        rows.lines().next().unwrap().contains(r"p_caf\xe9"),
        "{rows}"
    );
}
