//! The NVIDIA GPUs of this machine.

use std::env;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::backbones::Device;
use crate::error::{DeviceProblem, Error, Result, RuntimeProblem};

/// How long `nvidia-smi` may take. It waits for a GPU that does not answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How often the program is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// Far more than a line for each GPU of any machine.
const MOST_BYTES: u64 = 64 << 10;

/// What `nvidia-smi` prints if it works and sees no GPU.
const NO_GPUS: &str = "No devices were found";

/// Returns the names of the GPUs and the version of their driver, as `nvidia-smi` in an absolute folder of
/// `PATH` reports them; `None` if it is not there or sees no GPU.
///
/// # Errors
/// [`RuntimeProblem::Device`] if it fails or does not answer.
pub(super) fn gpus() -> Option<Result<String>> {
    let name = format!("nvidia-smi{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH")?;
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    let program = folders
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file())?;
    let mut child = Command::new(program)
        .args(["--query-gpu=name,driver_version", "--format=csv,noheader"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let deadline = Instant::now() + ANSWER;
    let output = child.stdout.take()?.take(MOST_BYTES);
    let (answer, answered) = mpsc::channel();
    let read = move || answer.send(io::read_to_string(output));
    thread::Builder::new().spawn(read).ok()?;
    let lines = answered.recv_timeout(ANSWER);
    let Some(status) = ended(child, deadline) else {
        let seconds = ANSWER.as_secs();
        let silence = format!("`nvidia-smi` does not answer within {seconds} s");
        return Some(Err(fault(DeviceProblem::Other(silence))));
    };
    let lines = lines.ok()?.ok()?;
    if status.success() || lines.contains(NO_GPUS) {
        return described(&lines).map(Ok);
    }
    Some(Err(fault(match lines.lines().next() {
        Some(said) => DeviceProblem::Driver(said.trim().to_owned()),
        None => DeviceProblem::Other(format!("`nvidia-smi` fails ({status})")),
    })))
}

/// Returns how a program ends; `None` if it is killed at the deadline.
fn ended(mut child: Child, deadline: Instant) -> Option<ExitStatus> {
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => thread::sleep(PAUSE),
            ended => return ended.ok().flatten(),
        }
    }
    let _ = child.kill();
    // A program that waits for a GPU ends only when the driver answers.
    let _ = thread::Builder::new().spawn(move || child.wait());
    None
}

fn fault(problem: DeviceProblem) -> Error {
    let device = Device::Cuda(0).to_string();
    RuntimeProblem::Device { device, problem }.into()
}

/// Describes the GPUs in lines such as `NVIDIA H200, 570.86.15`.
fn described(lines: &str) -> Option<String> {
    let rows: Vec<_> = lines
        .lines()
        .filter_map(|line| line.rsplit_once(", "))
        .collect();
    let (_, driver) = rows.first()?;
    let names = rows.chunk_by(|(a, _), (b, _)| a == b);
    let names = names.map(|same| match same {
        [(name, _)] => (*name).to_owned(),
        _ => format!("{} × {}", same.len(), same[0].0),
    });
    let names: Vec<_> = names.collect();
    Some(format!("{}; driver {driver}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_gpus_are_counted() {
        let lines = "Tesla T4, 570.86.15\nNVIDIA H200, 570.86.15\nNVIDIA H200, 570.86.15\n";
        assert_eq!(
            described(lines).unwrap(),
            "Tesla T4, 2 × NVIDIA H200; driver 570.86.15"
        );
        assert_eq!(
            described("Tesla T4, 470.1").unwrap(),
            "Tesla T4; driver 470.1"
        );
        // What it prints if all GPUs are hidden from it.
        assert_eq!(described(NO_GPUS), None);
    }
}
