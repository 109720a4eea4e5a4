//! A child process that answers batches, and the threads that write its input and read its output.

use std::io::Read;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};

use super::ended::Ended;
use super::event::Event;
use crate::error::{Error, Result, ThreadsFor};
use crate::features::worker::stream::Stream;

/// A child process. It is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    /// Closed to end the process.
    input: Option<Sender<Given>>,
    /// Tells its events from those of earlier processes.
    pub(super) number: u32,
    /// Whether it has opened its network.
    pub(super) is_ready: bool,
}

/// What the process is given: a schema, and then batches of this schema.
enum Given {
    Schema(SchemaRef),
    Batch(RecordBatch),
}

impl Process {
    pub(super) fn start(mut command: Command, number: u32, events: &Sender<Event>) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.spawn();
        let mut child = started.map_err(Error::io("start", command.get_program()))?;
        let piped = "the process was started with a pipe";
        let stdin = child.stdin.take().expect(piped);
        let stdout = child.stdout.take().expect(piped);
        let (input, given) = channel();
        let process = Self {
            child,
            input: Some(input),
            number,
            is_ready: false,
        };
        // The threads end with the process. A process that does not read is noticed by the end of its output.
        thread(move || drop(write(stdin, &given)))?;
        let events = events.clone();
        thread(move || {
            let _ = pass_on(stdout, number, &events);
            let _ = events.send(Event::Closed(number));
        })?;
        Ok(process)
    }

    /// Sends the schema, before any batch.
    pub(super) fn begin(&self, schema: &SchemaRef) {
        self.give(Given::Schema(SchemaRef::clone(schema)));
    }

    pub(super) fn send(&self, batch: &RecordBatch) {
        self.give(Given::Batch(batch.clone()));
    }

    fn give(&self, given: Given) {
        if let Some(input) = &self.input {
            // Fails if the process has ended, which is an event.
            let _ = input.send(given);
        }
    }

    /// Ends the input of the process.
    pub(super) fn end(&mut self) {
        self.input = None;
    }

    /// Waits until the process has ended, and returns how.
    pub(super) fn wait(&mut self) -> Result<Ended> {
        let status = self.child.wait();
        status
            .map(Ended::of)
            .map_err(Error::io("wait for", "the worker process"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn thread(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let purpose = ThreadsFor::Images;
    let started = Builder::new().spawn(work);
    started
        .map(drop)
        .map_err(|source| Error::NoThread { purpose, source })
}

fn write(stdin: ChildStdin, given: &Receiver<Given>) -> Result<(), ArrowError> {
    let Ok(Given::Schema(schema)) = given.recv() else {
        return Ok(());
    };
    let mut writer = StreamWriter::try_new_buffered(stdin, &schema)?;
    writer.flush()?;
    while let Ok(Given::Batch(batch)) = given.recv() {
        writer.write(&batch)?;
        writer.flush()?;
    }
    writer.finish()
}

/// Passes on the answers. They need no reason for their end: the process has an exit status.
fn pass_on(stdout: impl Read, number: u32, events: &Sender<Event>) -> Result<()> {
    let Some(mut stream) = Stream::open(stdout)? else {
        return Ok(());
    };
    let _ = events.send(Event::Ready(number, stream.schema()));
    while let Some(batch) = stream.next()? {
        let _ = events.send(Event::Answer(number, batch));
    }
    Ok(())
}
