//! Reads an Arrow IPC stream that another program writes, and notices if it ends too early.
//!
//! The reader of `arrow-ipc` checks what it reads and allocates little more than has arrived, but some
//! damaged streams make it panic, and it does not tell a stream that was cut between batches from a complete
//! one.

use std::io::{self, Chain, Cursor, Read};

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, SchemaRef};

use crate::caught::caught;
use crate::error::{WorkerError, system_error};

/// The most rows of a batch: a column of nulls has any number of rows in no bytes.
const MOST_ROWS: usize = 1 << 24;

/// A stream of record batches.
pub(in crate::features) struct Stream<R> {
    reader: StreamReader<Watched<R>>,
    /// The number of batches read so far.
    batches: u64,
    /// The most rows of a batch.
    most_rows: usize,
}

/// A reader that notices its end. Its first byte was read before.
struct Watched<R> {
    inner: Chain<Cursor<[u8; 1]>, R>,
    ended: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.ended |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

impl<R: Read> Stream<R> {
    /// Reads the schema. Returns `None` if there is not a single byte, as from a program without rows.
    ///
    /// # Errors
    /// [`WorkerError::Schema`].
    pub(in crate::features) fn open(mut input: R) -> Result<Option<Self>, WorkerError> {
        let problem = |problem: String| WorkerError::Schema { problem };
        let mut first = [0];
        match input.read_exact(&mut first) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read.map_err(|error| problem(error.to_string()))?,
        }
        let watched = Watched {
            inner: Cursor::new(first).chain(input),
            ended: false,
        };
        let open = || StreamReader::try_new(watched, None).map_err(text);
        let reader = caught(open, ToOwned::to_owned).map_err(problem)?;
        Ok(Some(Self {
            reader,
            batches: 0,
            most_rows: MOST_ROWS,
        }))
    }

    /// Refuses batches of more rows than a column of lists of `width` values can have.
    pub(super) fn limit(&mut self, width: usize) {
        self.most_rows = MOST_ROWS.min(i32::MAX as usize / width.max(1));
    }

    pub(in crate::features) fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    /// Returns whether the input has ended, with or without the end-of-stream marker before.
    pub(in crate::features) fn has_ended(&self) -> bool {
        self.reader.get_ref().ended
    }

    /// Reads the next batch; `None` is the end-of-stream marker.
    ///
    /// # Errors
    /// [`WorkerError::Batch`]; [`WorkerError::NoEnd`] if the stream ends without the marker.
    pub(in crate::features) fn next(&mut self) -> Result<Option<RecordBatch>, WorkerError> {
        let next = || self.reader.next().transpose().map_err(text);
        let batch = caught(next, ToOwned::to_owned);
        let number = self.batches + 1;
        let problem = |problem: String| WorkerError::Batch {
            batch: number,
            problem,
        };
        match batch.map_err(problem)? {
            Some(batch) if batch.num_rows() > self.most_rows => Err(WorkerError::TooManyRows {
                batch: number,
                rows: batch.num_rows(),
                most: self.most_rows,
            }),
            Some(batch) => {
                self.batches = number;
                Ok(Some(batch))
            }
            None if self.has_ended() => Err(WorkerError::NoEnd {
                batches: self.batches,
            }),
            None => Ok(None),
        }
    }
}

fn text(error: ArrowError) -> String {
    match error {
        ArrowError::IoError(..) => system_error(error).to_string(),
        error => error.to_string(),
    }
}
