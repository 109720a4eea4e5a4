//! Errors of workers, which compute features for the batches of a stream.

use crate::phrases::{all_in_quotes, in_quotes};

/// Why a worker cannot answer its input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The schema at the start of the stream cannot be read.
    #[error("cannot read the schema of the input, which must be an Arrow IPC stream: {problem}")]
    Schema {
        /// What is wrong.
        problem: String,
    },
    /// A batch of the stream cannot be read.
    #[error("cannot read batch {batch} of the input: {problem}")]
    Batch {
        /// Its number; the first is 1.
        batch: u64,
        /// What is wrong.
        problem: String,
    },
    /// The stream ends without the end-of-stream marker, so rows may be missing.
    #[error(
        "the input ends after batch {batches} without an end-of-stream marker; rows may be missing"
    )]
    NoEnd {
        /// The number of batches that were read.
        batches: u64,
    },
    /// No column has images.
    #[error("the input has no column `image`, `bytes` or `path`{}", only(columns))]
    NoImages {
        /// The columns that there are.
        columns: Vec<String>,
    },
    /// The column that was asked for is missing, or there several times.
    #[error(
        "the input has {count} columns `{column}`, not one; its columns are {}",
        in_quotes(columns.iter().map(String::as_str))
    )]
    NotOne {
        /// The column that was asked for.
        column: String,
        /// How many there are.
        count: usize,
        /// The columns that there are.
        columns: Vec<String>,
    },
    /// Several columns could be the images.
    #[error(
        "the input has several columns that could be the images: {}",
        all_in_quotes(columns)
    )]
    Ambiguous {
        /// These columns.
        columns: Vec<String>,
    },
    /// The column of the images has a type that cannot hold images.
    #[error(
        "the column `{column}` is {kind}, but images are binary, paths are text, and structs need the field \
         `bytes` or `path`"
    )]
    Kind {
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// The input already has columns of the output.
    #[error(
        "the input already has the columns {}, which the output adds",
        all_in_quotes(columns)
    )]
    Taken {
        /// These columns.
        columns: Vec<String>,
    },
    /// A batch has more rows than an Arrow list can hold the features of.
    #[error("batch {batch} of the input has {rows} rows; send at most {most} in a batch")]
    TooManyRows {
        /// The batch.
        batch: u64,
        /// Its rows.
        rows: usize,
        /// The limit.
        most: usize,
    },
    /// The process that computes ends again and again before it is ready.
    #[error("the worker process {how} at its start, {times} times in a row")]
    NotStarting {
        /// How it ended: `ended with signal 11`.
        how: String,
        /// How often.
        times: u32,
    },
    /// The process that computes ends at one image after the other.
    #[error("the worker process {how} at each of the last {images} images")]
    Crashing {
        /// How it ended the last time.
        how: String,
        /// The number of images.
        images: u32,
    },
    /// The process that computes has failed with an error of its own, which it has printed.
    #[error("the worker process failed (exit status {status}); its message is above")]
    Failed {
        /// Its exit status.
        status: i32,
    },
    /// The process that computes has returned something else than was expected.
    #[error("the worker process returned {found}")]
    Answer {
        /// What it returned.
        found: String,
    },
}

fn only(columns: &[String]) -> String {
    if columns.is_empty() {
        return ", and no other".to_owned();
    }
    format!(", only {}", in_quotes(columns.iter().map(String::as_str)))
}
