//! Finds out which nodes of a network a device leaves to the CPU. ONNX Runtime reports it only in its log.

use std::sync::{Arc, Mutex, PoisonError};

use ort::logging::LogLevel;
use ort::session::builder::SessionBuilder;

/// The heading of the nodes that run on the CPU.
const CPU: &str = "Node(s) placed on [CPUExecutionProvider]";
/// The start of the heading of any provider.
const HEADING: &str = "Node(s) placed on [";

/// Collects the log of a session while the session is opened.
#[derive(Default)]
pub(super) struct PlacementLog(Arc<Mutex<Vec<String>>>);

impl PlacementLog {
    /// Makes a session write its log here.
    pub(super) fn listen(&self, builder: SessionBuilder) -> ort::Result<SessionBuilder> {
        let lines = Arc::clone(&self.0);
        let keep = move |_: LogLevel, _: &str, _: &str, _: &str, message: &str| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(message.to_owned());
        };
        let builder = builder.with_logger(Arc::new(keep))?;
        Ok(builder.with_log_level(LogLevel::Verbose)?)
    }

    /// Returns the nodes that run on the CPU, as `TYPE (NAME)`.
    pub(super) fn nodes_on_cpu(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nodes_on_cpu(&lines)
    }
}

fn nodes_on_cpu(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().map(|line| line.trim());
    let after = lines.skip_while(|line| !line.starts_with(CPU)).skip(1);
    after
        .take_while(|line| !line.starts_with(HEADING) && line.ends_with(')'))
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nodes_below_the_cpus_heading_are_found() {
        // As written by ONNX Runtime 1.32 (VerifyEachNodeIsAssignedToAnEp in session_state.cc).
        let log = [
            "Node placements",
            " Node(s) placed on [CPUExecutionProvider]. Number of nodes: 2",
            "  Shape (Shape_12)",
            "  Gather (flatten/Gather)",
            " Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 1",
            "  Conv (conv1)",
            "SaveMLValueNameIndexMapping",
        ]
        .map(ToOwned::to_owned);
        assert_eq!(
            nodes_on_cpu(&log),
            ["Shape (Shape_12)", "Gather (flatten/Gather)"]
        );
        assert!(nodes_on_cpu(&log[4..]).is_empty());
    }
}
