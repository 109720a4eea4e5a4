//! Downloads a pinned wheel with pip, in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pins::{PinnedWheel, Requirement};
use super::process::{self, Kept};
use super::python::{self, Interpreter};
use crate::error::{Error, PipProblem, Result, TaskError};
use crate::inputs::{self, Links};
use crate::outputs;
use crate::progress::Progress;

/// The options of `pip download`, besides those of the wheel. The environment, such as `PIP_INDEX_URL`, is
/// the user's.
const OPTIONS: [&str; 9] = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--no-input",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
];

/// How much of pip's messages is read; a run without a network has a few thousand bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Downloads a wheel into the empty folder `scratch`, and returns its path. pip checks its hash.
///
/// # Errors
/// [`TaskError::Pip`] with pip's last lines; [`Error::Interrupted`], which ends pip; [`Error::Io`].
pub(super) fn download(
    interpreter: &Interpreter,
    requirement: &Requirement,
    wheel: &PinnedWheel,
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let [list, folder, log] =
        ["requirements.txt", "wheels", "pip.log"].map(|name| scratch.join(name));
    let line = format!("{requirement} --hash=sha256:{}\n", wheel.sha256);
    outputs::write_bytes(&list, line.as_bytes())?;
    let mut command = python::command(&interpreter.program, scratch);
    command.args(OPTIONS).args(wheel.pip_options());
    command.arg("-r").arg(&list).arg("-d").arg(&folder);
    let status = process::run(&mut command, Kept::Errors, &log, Duration::MAX, progress)?;
    if !status.success() {
        let said = inputs::read(&log, Links::Refuse, MOST_BYTES).unwrap_or_default();
        let reason = reason(&String::from_utf8_lossy(&said));
        let reason = reason.unwrap_or_else(|| format!("nothing, and ended with {status}"));
        let problem = PipProblem::Failed(reason);
        return Err(failed(requirement, wheel, problem));
    }
    let files = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files = files.map(|entry| entry.path());
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|e| e == "whl");
    let found = files.find(is_wheel);
    found.ok_or_else(|| failed(requirement, wheel, PipProblem::NoFile))
}

/// Returns the error of a package that cannot be downloaded.
pub(super) fn failed(requirement: &Requirement, wheel: &PinnedWheel, problem: PipProblem) -> Error {
    let failed = TaskError::Pip {
        package: requirement.to_string(),
        problem,
        needed: vec![requirement.needs(wheel)],
    };
    failed.into()
}

/// Returns why pip failed: what broke its last connection, and its last errors, without what it says of
/// itself.
fn reason(said: &str) -> Option<String> {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let broken = lines().rfind(|line| line.contains("connection broken by"));
    let broken = broken.and_then(|line| {
        let (_, cause) = line.rsplit_once(">: ")?;
        Some(
            cause
                .split('\'')
                .next()?
                .trim_end_matches([')', ' '])
                .to_owned(),
        )
    });
    let errors = lines().filter_map(|line| line.strip_prefix("ERROR: "));
    let errors: Vec<&str> = errors.collect();
    let last = match errors.last() {
        Some(&last) => Some(last),
        None => lines().next_back(),
    };
    let all = broken.into_iter().chain(last.map(str::to_owned));
    let all = all.collect::<Vec<_>>().join("; ");
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What pip 23.2 says, without the first four retries.
    const OFFLINE: &str = "\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection \
broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f1dc0bae150>: \
Failed to establish a new connection: [Errno -2] Name or service not known')': /simple/onnxruntime/
ERROR: Could not find a version that satisfies the requirement onnxruntime==1.32.0 (from versions: none)
ERROR: No matching distribution found for onnxruntime==1.32.0
";

    #[test]
    fn the_reason_names_the_connection() {
        assert_eq!(
            reason(OFFLINE).unwrap(),
            "Failed to establish a new connection: [Errno -2] Name or service not known; No matching \
             distribution found for onnxruntime==1.32.0"
        );
        let other = "Traceback\n  File\nOSError: [Errno 28] No space left on device\n\n";
        assert_eq!(
            reason(other).unwrap(),
            "OSError: [Errno 28] No space left on device"
        );
        assert_eq!(reason(" \n"), None);
    }
}
