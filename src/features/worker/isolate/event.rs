//! What happens to the parent process.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::error::Result;

/// What happens to the parent. The numbers are those of processes.
pub(super) enum Event {
    /// The input has this schema.
    Schema(SchemaRef),
    /// The input has another batch.
    Batch(RecordBatch),
    /// The input has ended, or cannot be read further.
    End(Result<()>),
    /// The process has opened its network, and answers with this schema.
    Ready(u32, SchemaRef),
    /// The process has answered its oldest batch.
    Answer(u32, RecordBatch),
    /// The process has closed its output.
    Closed(u32),
}
