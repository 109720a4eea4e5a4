//! A setup that is interrupted or killed while pip runs.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::fake::Fake;
use crate::harness::{Ran, run};

/// Starts a setup, and waits until pip runs.
fn started(fake: &Fake) -> Child {
    fs::write(fake.0.path("slow"), "").unwrap();
    let _ = fs::remove_file(fake.0.path("calls"));
    let mut command = fake.command("setup");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let start = Instant::now();
    while fake.calls() < 2 && start.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(10));
    }
    child
}

#[test]
fn a_signal_ends_pip_too() {
    let Some((fake, _)) = Fake::without_runtime() else {
        return;
    };
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let child = started(&fake);
        let start = Instant::now();
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
        // The output ends when nobody can write to it any more.
        let ran = Ran::of(child.wait_with_output().unwrap());
        ran.exits(status).says(&["interrupted"]);
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(fake.names("downloads").len(), 0);
        assert_eq!(fake.names("runtime").len(), 0);
    }
}

#[test]
fn a_killed_setup_is_run_again() {
    let Some((fake, library)) = Fake::without_runtime() else {
        return;
    };
    let mut child = started(&fake);
    let second = run(&mut fake.command("setup"));
    second.exits(1).says(&["is locked: another frostline"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fake.names("runtime").len(), 0);
    fs::remove_file(fake.0.path("slow")).unwrap();
    let mut setup = fake.command("setup");
    setup.env("VIRTUAL_ENV", fake.environment(&library));
    run(&mut setup).exits(0).says(&["installed ONNX Runtime"]);
}
