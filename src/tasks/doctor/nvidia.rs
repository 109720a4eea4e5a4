//! The NVIDIA GPUs of this machine.

use std::env;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long `nvidia-smi` may take. It waits for a GPU that does not answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Returns the names of the GPUs and the version of their driver, as `nvidia-smi` in an absolute folder of
/// `PATH` reports them; `None` if it is not there, fails or takes too long.
pub(super) fn gpus() -> Option<String> {
    let name = format!("nvidia-smi{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH")?;
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    let program = folders
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file())?;
    let mut command = Command::new(program);
    command
        .args(["--query-gpu=name,driver_version", "--format=csv,noheader"])
        .stdin(Stdio::null());
    let (answer, answered) = mpsc::channel();
    thread::spawn(move || answer.send(command.output()));
    let output = answered.recv_timeout(ANSWER).ok()?.ok()?;
    let lines = output.status.success().then_some(output.stdout)?;
    described(&String::from_utf8_lossy(&lines))
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
        assert_eq!(described("No devices were found\n"), None);
    }
}
