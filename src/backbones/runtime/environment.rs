//! Starting ONNX Runtime, once for the whole process.

use std::sync::OnceLock;

use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::backbones::RuntimeLibrary;
use crate::error::{Result, RuntimeProblem};

/// Loads the library, and keeps ONNX Runtime's own log off stderr.
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

/// ONNX Runtime's messages, without its source positions and line breaks.
pub(super) fn one_line(error: &ort::Error) -> String {
    error
        .message()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
