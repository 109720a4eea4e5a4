//! What a line of a journal says.

use serde::{Deserialize, Serialize};

use crate::label::deed::Deed;

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::label) enum Entry {
    /// The first line.
    Journal { version: u64 },
    /// What was there before the first deed: classes, and images with their labels.
    Begin {
        classes: Vec<String>,
        labels: Vec<(String, String)>,
    },
    /// A process began to use the file.
    Opened {
        process: u32,
        address: Option<String>,
    },
    /// The label file contains the result of all deeds so far.
    Written,
    /// A head or report was written beside the label file.
    Output { file: String, digest: String },
    /// Something was done.
    Deed(Deed<String>),
}
