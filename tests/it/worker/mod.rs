//! `frostline worker`: answers the batches of an Arrow stream.

mod inputs;
mod isolation;
mod protocol;

use std::io::{Cursor, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;

use crate::harness::{Place, Ran};

/// The last bytes of a complete stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// What a worker has answered.
pub(crate) struct Answer {
    pub(crate) ran: Ran,
    batches: Vec<RecordBatch>,
    /// Whether the stream has its end-of-stream marker.
    pub(crate) is_complete: bool,
}

impl Answer {
    /// Returns the statuses of all rows.
    pub(crate) fn statuses(&self) -> Vec<String> {
        let batches = self.batches.iter();
        batches.flat_map(|batch| texts(batch, "status")).collect()
    }

    /// Returns the digest and the features of each row that has them.
    pub(crate) fn features(&self) -> Vec<Option<(Vec<u8>, Vec<f32>)>> {
        let row = |batch: &RecordBatch, row: usize| {
            let (digest, features) = (&batch["digest"], &batch["features"]);
            assert_eq!(digest.is_null(row), features.is_null(row));
            let list = features
                .is_valid(row)
                .then(|| features.as_list::<i32>().value(row))?;
            let values = list.as_primitive::<Float32Type>().values().to_vec();
            Some((digest.as_binary::<i32>().value(row).to_vec(), values))
        };
        let rows = |batch: &RecordBatch| -> Vec<_> {
            (0..batch.num_rows()).map(|i| row(batch, i)).collect()
        };
        self.batches.iter().flat_map(rows).collect()
    }
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let texts = batch[column].as_string::<i32>();
    texts.iter().map(|text| text.unwrap().to_owned()).collect()
}

/// Returns a batch of the numbers from `first` on and images.
fn batch(first: i64, images: &[Option<&[u8]>]) -> RecordBatch {
    let ids = Int64Array::from_iter_values((first..).take(images.len()));
    with_ids(
        Arc::new(ids),
        Arc::new(BinaryArray::from_opt_vec(images.to_vec())),
    )
}

fn with_ids(ids: ArrayRef, images: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([("id", ids), ("bytes", images)]).unwrap()
}

/// Returns the bytes of a complete stream.
pub(crate) fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

pub(crate) fn started(mut command: Command) -> Child {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    piped.spawn().unwrap()
}

/// Runs a worker with these bytes as its standard input.
fn answer(place: &Place, args: &str, input: Vec<u8>) -> Answer {
    answer_of(started(place.command(&format!("worker {args}"))), input)
}

pub(crate) fn answer_of(mut child: Child, input: Vec<u8>) -> Answer {
    let mut stdin = child.stdin.take().unwrap();
    // A worker that refuses the input does not read all of it.
    let writing = thread::spawn(move || drop(stdin.write_all(&input)));
    let mut output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    let batches = if output.stdout.is_empty() {
        Vec::new()
    } else {
        let reader = StreamReader::try_new(Cursor::new(&output.stdout), None).unwrap();
        reader.collect::<Result<_, _>>().unwrap()
    };
    let is_complete = output.stdout.ends_with(&END);
    // It is no text.
    output.stdout.clear();
    let ran = Ran::of(output);
    Answer {
        ran,
        batches,
        is_complete,
    }
}
