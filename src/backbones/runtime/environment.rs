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

/// Returns ONNX Runtime's message on one line.
pub(super) fn one_line(error: &ort::Error) -> String {
    error
        .message()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
