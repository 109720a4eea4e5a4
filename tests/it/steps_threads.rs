//! A system that gives no more threads is an error, not a panic, and nothing waits for threads that are not
//! there.

#![cfg(target_os = "linux")]

use std::process::Command;

use crate::harness::{Place, Ran, run};
use crate::steps_read_only::{bound_by_modes, with_closed_store};

/// Runs a command with a limit: `limiting` are the program that sets it, and its arguments.
fn limited(command: &Command, limiting: &[&str]) -> Command {
    let mut limited = Command::new(limiting[0]);
    limited.args(&limiting[1..]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    limited
}

#[track_caller]
fn lacks_threads(ran: Ran, hint: &str) {
    let ran = ran.exits(1);
    ran.says(&["error: cannot start a thread: ", hint, "`ulimit -u`"]);
}

/// The limit of 20 threads, and a folder that may be read with it; nothing where it cannot be set.
fn limited_place() -> Option<(Place, [&'static str; 2])> {
    let place = with_closed_store()?;
    let limit = ["prlimit", "--nproc=20:20"];
    let can_run = Command::new(limit[0]).arg("--version").output();
    if can_run.is_ok_and(|output| output.status.success())
        && bound_by_modes(place.command("--version")).is_some()
    {
        return Some((place, limit));
    }
    eprintln!("not tested: the number of threads cannot be limited");
    None
}

#[test]
fn a_fit_without_threads_says_so() {
    let Some((place, limit)) = limited_place() else {
        return;
    };
    for args in [
        "fit-head {dir}/store -o -",
        "evaluate {dir}/store --head {dir}/head",
        "inspect {dir}/store",
    ] {
        let mut command = limited(&place.command(args), &limit);
        command.env("RAYON_NUM_THREADS", "4000");
        let ran = run(&mut bound_by_modes(command).unwrap());
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        lacks_threads(ran, "RAYON_NUM_THREADS");
    }
}

/// Eight sessions of one thread leave too few threads for the pipeline; sessions of 16 threads cannot be
/// opened.
#[test]
fn a_run_without_threads_says_so() {
    let Some((place, limit)) = limited_place() else {
        return;
    };
    for threads in [8, 128] {
        let args =
            format!("classify {{dir}}/images --head {{dir}}/head --device cpu --threads {threads}");
        let command = limited(&place.command(&args), &limit);
        let ran = run(&mut bound_by_modes(command).unwrap());
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        assert!(!ran.out.contains(".png"), "{}", ran.out);
        lacks_threads(ran, "--threads");
    }
}
