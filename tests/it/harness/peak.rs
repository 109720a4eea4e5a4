//! Measures the memory of a run.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::binary::Ran;

/// Runs a command that prints little and returns its peak memory in bytes, as last reported by the kernel
/// before the process exited. Standard output is discarded.
pub(crate) fn measured(command: &mut Command) -> (usize, Ran) {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = line.and_then(|line| line.split_whitespace().next()) {
            peak = 1024 * kib.parse::<usize>().unwrap();
        }
        sleep(Duration::from_millis(1));
    }
    (peak, Ran::of(child.wait_with_output().unwrap()))
}
