//! Runs a program until it ends or the task is stopped.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::outputs;
use crate::progress::Progress;

/// How often the program and the wish to stop are looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Which of the program's streams is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Output,
    Errors,
}

/// Runs the program without input, and writes one of its streams to the file `log`. The other one is
/// discarded.
///
/// # Errors
/// [`Error::Io`] if it cannot be started or takes longer than `limit`; [`Error::Interrupted`] if the task is
/// stopped. Both also end the program.
pub(super) fn run(
    command: &mut Command,
    kept: Kept,
    log: &Path,
    limit: Duration,
    progress: &dyn Progress,
) -> Result<ExitStatus> {
    let mut status = None;
    outputs::write(log, |out| {
        let stream = out.get_ref().try_clone();
        let stream = Stdio::from(stream.map_err(Error::io("write", log))?);
        let (output, errors) = match kept {
            Kept::Output => (stream, Stdio::null()),
            Kept::Errors => (Stdio::null(), stream),
        };
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let program = Path::new(command.get_program()).to_owned();
        let child = command.spawn().map_err(Error::io("run", &program))?;
        status = Some(Running(child).end(&program, limit, progress)?);
        Ok(())
    })?;
    Ok(status.expect("set when the program has ended"))
}

/// A program that is killed when this value is dropped.
struct Running(Child);

impl Running {
    fn end(
        mut self,
        program: &Path,
        limit: Duration,
        progress: &dyn Progress,
    ) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            let ended = self.0.try_wait().map_err(Error::io("run", program))?;
            // Ctrl-C may have ended the program before this process looks.
            if progress.is_stopped() && !ended.is_some_and(|status| status.success()) {
                return Err(Error::Interrupted { kept: None });
            }
            if let Some(status) = ended {
                return Ok(status);
            }
            if start.elapsed() > limit {
                return Err(Error::io("run", program)(ErrorKind::TimedOut.into()));
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Running {
    /// Fails only if the program has ended by itself.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
