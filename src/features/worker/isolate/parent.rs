//! The parent process: holds the stream, and sends a batch again if a process has ended at it.

use std::collections::VecDeque;
use std::io::Write;
use std::mem;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender};

use arrow_array::{Array, RecordBatch};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;

use super::ended::Ended;
use super::event::Event;
use super::process::Process;
use crate::error::{Error, Result, WorkerError, system_error};
use crate::features::dtype::Dtype;
use crate::features::worker::layout::{Columns, Layout, unexpected};
use crate::features::worker::results::Results;
use crate::features::worker::serve::Served;
use crate::outputs;

/// How often in a row the child may crash before it is ready.
const STARTS: u32 = 3;
/// How many images in a row may crash the child.
const CRASHES: u32 = 32;

/// What was answered, and what it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Isolated {
    /// The rows.
    pub served: Served,
    /// The rows whose images crashed the child; they are part of `served.without`.
    pub failed: u64,
    /// How often the child was started again.
    pub restarts: u32,
}

/// The output, whose schema the process tells.
pub(super) enum Output<'a> {
    /// It has no schema yet.
    Waiting(&'a mut (dyn Write + Send)),
    Open(Box<StreamWriter<&'a mut (dyn Write + Send)>>),
    /// Opening it has failed.
    Failed,
}

/// What the parent process knows.
pub(super) struct Parent<'a> {
    pub(super) command: &'a dyn Fn() -> Command,
    pub(super) columns: &'a Columns,
    pub(super) events: Sender<Event>,
    pub(super) happened: Receiver<Event>,
    pub(super) permits: Sender<()>,
    pub(super) process: Process,
    /// The schema of the input, and the columns of the output.
    pub(super) input: Option<(SchemaRef, Layout)>,
    pub(super) output: Output<'a>,
    /// The batches that are not answered, oldest first.
    pub(super) pending: VecDeque<RecordBatch>,
    /// How many of them, the oldest, the process has been sent.
    pub(super) sent: usize,
    /// The end of the input, if it was reached.
    pub(super) end: Option<Result<()>>,
    pub(super) bad_starts: u32,
    pub(super) crashes: u32,
    pub(super) done: Isolated,
}

impl Parent<'_> {
    /// Answers the whole input.
    pub(super) fn run(mut self) -> Result<Isolated> {
        while !self.is_complete() {
            match self.next()? {
                None => {}
                Some(Ok(answer)) => self.release(&answer)?,
                Some(Err(_)) => self.retry()?,
            }
            for batch in self.pending.iter().skip(self.sent) {
                self.process.send(batch);
            }
            self.sent = self.pending.len();
        }
        self.process.end();
        // A process that ends badly after its last answer does no harm, but it may have had no input at all.
        if let (Some(status @ 1..), None) = (self.process.wait()?.own_status(), &self.input) {
            return Err(WorkerError::Failed { status }.into());
        }
        self.end.take().unwrap_or(Ok(()))?;
        if let Output::Open(writer) = &mut self.output {
            writer.finish().map_err(failed)?;
        }
        Ok(self.done)
    }

    fn is_complete(&self) -> bool {
        let answered = self.input.is_none() || matches!(self.output, Output::Open(_));
        self.end.is_some() && self.pending.is_empty() && answered
    }

    /// Waits for an event. Returns an answer of the process, or how it has ended; another process has then
    /// been started.
    fn next(&mut self) -> Result<Option<Result<RecordBatch, Ended>>> {
        let event = self.happened.recv();
        match event.expect("a sender is stored next to the receiver") {
            Event::Schema(schema) => {
                let layout = Layout::of(&schema, self.columns, Dtype::default(), String::new())?;
                self.process.begin(&schema);
                self.input = Some((schema, layout));
            }
            Event::Batch(batch) => self.pending.push_back(batch),
            Event::End(end) => self.end = Some(end),
            Event::Ready(number, schema) if number == self.process.number => {
                (self.process.is_ready, self.bad_starts) = (true, 0);
                self.open(&schema)?;
            }
            Event::Answer(number, answer) if number == self.process.number => {
                return Ok(Some(Ok(answer)));
            }
            Event::Closed(number) if number == self.process.number => {
                return self.restart().map(|ended| Some(Err(ended)));
            }
            // Of a process that has ended.
            Event::Ready(..) | Event::Answer(..) | Event::Closed(_) => {}
        }
        Ok(None)
    }

    /// Starts another process in the place of one that has crashed, and returns how it has.
    fn restart(&mut self) -> Result<Ended> {
        let ended = self.process.wait()?;
        if let Some(status) = ended.own_status() {
            return Err(WorkerError::Failed { status }.into());
        }
        self.bad_starts += u32::from(!self.process.is_ready);
        if self.bad_starts == STARTS {
            let (how, times) = (ended.to_string(), STARTS);
            return Err(WorkerError::NotStarting { how, times }.into());
        }
        let number = self.process.number + 1;
        self.process = Process::start((self.command)(), number, &self.events)?;
        self.done.restarts = number;
        if let Some((schema, _)) = &self.input {
            self.process.begin(schema);
        }
        Ok(ended)
    }

    /// Answers the batches that the process had when it ended, one after the other.
    fn retry(&mut self) -> Result<()> {
        for _ in 0..self.sent {
            let batch = self.pending[0].clone();
            let answer = match self.ask(&batch)? {
                Ok(answer) => answer,
                Err(_) => self.one_by_one(&batch)?,
            };
            self.release(&answer)?;
        }
        Ok(())
    }

    fn one_by_one(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = 0..batch.num_rows();
        let answers = rows.map(|row| self.one(&batch.slice(row, 1)));
        let answers = answers.collect::<Result<Vec<_>>>()?;
        concat_batches(&self.layout().schema, &answers).map_err(|error| unexpected(&error))
    }

    fn one(&mut self, row: &RecordBatch) -> Result<RecordBatch> {
        let mut answer = self.ask(row)?;
        if matches!(answer, Err(ended) if ended.may_be_chance()) {
            answer = self.ask(row)?;
        }
        let how = match answer {
            Ok(answer) => {
                self.crashes = 0;
                return Ok(answer);
            }
            Err(ended) => ended.to_string(),
        };
        (self.crashes, self.done.failed) = (self.crashes + 1, self.done.failed + 1);
        if self.crashes == CRASHES {
            let images = CRASHES;
            return Err(WorkerError::Crashing { how, images }.into());
        }
        let layout = self.layout();
        let mut results = Results::new(layout.dtype);
        results.push_failed(&how);
        layout.answer(row, results.finish())
    }

    /// Sends rows alone, and returns the answer, or how the process has ended at them.
    fn ask(&mut self, rows: &RecordBatch) -> Result<Result<RecordBatch, Ended>> {
        loop {
            self.process.send(rows);
            let answer = loop {
                let was_ready = self.process.is_ready;
                if let Some(answer) = self.next()? {
                    break (was_ready || answer.is_ok()).then_some(answer);
                }
            };
            // Otherwise it ended before it had read the rows.
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    fn layout(&self) -> &Layout {
        let (_, layout) = self.input.as_ref().expect("a batch comes after its schema");
        layout
    }

    /// Writes the schema of the answers, unless an earlier process has told it.
    fn open(&mut self, schema: &SchemaRef) -> Result<()> {
        let Some((_, layout)) = &mut self.input else {
            return Err(unexpected(&"a schema before it was sent one"));
        };
        layout.adopt(schema)?;
        self.output = match mem::replace(&mut self.output, Output::Failed) {
            Output::Waiting(output) => {
                let mut writer = StreamWriter::try_new(output, schema).map_err(failed)?;
                writer.flush().map_err(failed)?;
                Output::Open(Box::new(writer))
            }
            other => other,
        };
        Ok(())
    }

    /// Writes the answer to the oldest batch.
    fn release(&mut self, answer: &RecordBatch) -> Result<()> {
        let sent = self.pending.pop_front().map(|batch| batch.num_rows());
        let (Some(sent), Output::Open(writer)) = (sent, &mut self.output) else {
            return Err(unexpected(&"a batch that it was not asked for"));
        };
        if answer.num_rows() != sent {
            let found = format!("{} rows for {sent}", answer.num_rows());
            return Err(unexpected(&found));
        }
        self.sent -= 1;
        // Fails if the whole input has been read.
        let _ = self.permits.send(());
        let features = answer.column_by_name("features").map(|column| &**column);
        self.done.served.rows += sent as u64;
        self.done.served.without += features.map_or(0, Array::null_count) as u64;
        writer.write(answer).map_err(failed)?;
        writer.flush().map_err(failed)
    }
}

fn failed(error: ArrowError) -> Error {
    Error::io("write", outputs::name(Path::new("-")))(system_error(error))
}
