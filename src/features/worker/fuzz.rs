//! A fuzzing entry point: reads a stream as a worker does, and answers it without a network.

use arrow_ipc::writer::StreamWriter;

use super::cells::Cells;
use super::layout::{Columns, Layout};
use super::results::Results;
use super::stream::Stream;
use crate::error::Result;
use crate::features::dtype::Dtype;
use crate::images::Limits;

/// The width of the features, with which batches may have 2,047 rows.
const WIDTH: usize = 1 << 20;

/// Answers each row of a stream with a failure.
///
/// # Errors
/// The reason why the stream cannot be read.
///
/// # Panics
/// If the reader has a fault.
pub fn worker_stream(bytes: &[u8]) -> Result<()> {
    let Some(mut input) = Stream::open(bytes)? else {
        return Ok(());
    };
    input.limit(WIDTH);
    let layout = Layout::of(
        &input.schema(),
        &Columns::default(),
        Dtype::F32,
        String::new(),
    )?;
    let mut writer =
        StreamWriter::try_new(Vec::new(), &layout.schema).expect("a schema is written");
    while let Some(batch) = input.next()? {
        let cells = Cells::of(batch.column(layout.image));
        let mut results = Results::new(Dtype::F32);
        for row in 0..batch.num_rows() {
            let _ = cells.image(row, &Limits::default());
            results.push_failed("ended with signal 11");
        }
        let answer = layout.answer(&batch, results.finish())?;
        // An error is fine: the reader knows types that the writer does not.
        let _ = writer.write(&answer);
    }
    Ok(())
}
