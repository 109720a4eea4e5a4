//! Starts ONNX Runtime, once per process.

use std::sync::OnceLock;

use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::backbones::RuntimeLibrary;
use crate::error::{Result, RuntimeProblem};

/// Loads the library on the first call, and keeps ONNX Runtime's log off stderr.
pub(super) fn environment(library: &RuntimeLibrary) -> Result<&'static Environment> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    library.refuse_telemetry()?;
    let built = ENVIRONMENT.get_or_init(|| {
        let environment = ort::init_from(&library.path).map_err(|e| e.to_string())?;
        let environment = environment
            .with_name("frostline")
            .with_telemetry(false)
            .build()
            .map_err(|e| one_line(&e))?;
        environment.set_log_level(LogLevel::Fatal);
        Ok(environment)
    });
    built.as_ref().map_err(|message| {
        let (path, message) = (library.path.clone(), message.clone());
        RuntimeProblem::Start { path, message }.into()
    })
}

/// Returns ONNX Runtime's message on one line. A failure of CUDA is followed by the name of this computer and
/// a position in the source, which are left out.
pub(super) fn one_line(error: &ort::Error) -> String {
    line(error.message())
}

fn line(message: &str) -> String {
    let words: Vec<_> = message.split_whitespace().collect();
    let mut line = words.join(" ");
    if let Some(end) = line.find(" ; GPU=") {
        line.truncate(end);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_computer_is_left_out() {
        // As in cuda_call.cc of ONNX Runtime 1.31.1.
        let message = "CUDA failure 2: out of memory ; GPU=0 ; hostname=box ; file=/a.cc ; line=7";
        assert_eq!(line(message), "CUDA failure 2: out of memory");
        assert_eq!(line("one\n two"), "one two");
    }
}
