//! Hints for errors of workers.

use frostline::error::WorkerError;

/// Returns what the user can do about the error.
pub(super) fn hint(error: &WorkerError) -> Option<String> {
    let hint = match error {
        WorkerError::Schema { .. } | WorkerError::Batch { .. } => {
            "write it with an Arrow library, such as `pyarrow.ipc.new_stream`"
        }
        WorkerError::NoEnd { .. } => {
            "close the stream's writer, not only the pipe; if the program was killed, send its rows again"
        }
        WorkerError::NoImages { .. } | WorkerError::NotOne { .. } => {
            "name the column with the images with --column"
        }
        WorkerError::Ambiguous { .. } => "choose one of them with --column",
        WorkerError::Kind { .. } => "choose another column with --column, or cast it",
        WorkerError::Taken { .. } => "rename or drop them",
        WorkerError::NotStarting { .. } => {
            "see what happens with --no-isolation, or try another --device; `frostline doctor` checks the \
             installation"
        }
        WorkerError::Crashing { .. } => {
            "it is unlikely that all these images are at fault: try another --device, or fewer processes if \
             memory is short"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
