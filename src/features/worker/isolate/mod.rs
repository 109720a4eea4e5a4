//! Computes features in a child process, which may crash without an end of the stream.
//!
//! The parent holds the stream; the child is a worker of its own, with the same protocol. If it crashes,
//! another one is started, and each unanswered batch is sent again, alone. If that one crashes too, the rows
//! of the batch are sent one by one, and a row that crashes it by itself is answered with `failed`. A process
//! that was killed with SIGKILL may be the victim of another program or of a lack of memory, so its row gets
//! a second chance.

mod ended;
mod event;
mod parent;
mod process;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use self::event::Event;
pub use self::parent::Isolated;
use self::parent::{Output, Parent};
use self::process::Process;
use super::layout::Columns;
use super::stream::Stream;
use crate::error::{Error, Result, ThreadsFor};

/// How many batches are read and not answered.
const PENDING: usize = 3;

/// Answers a stream, as [`Worker::serve`](super::Worker::serve) does, with the process that `command` starts,
/// which must answer its standard input on its standard output in the same way.
///
/// # Errors
/// [`WorkerError`](crate::error::WorkerError) for an input that cannot be read or used, after all batches
/// before it were answered, and for a child that fails with an exit status or does not start; [`Error::Io`]
/// if the output cannot be written or no process can be started.
pub fn isolate(
    command: &dyn Fn() -> Command,
    columns: &Columns,
    input: impl Read + Send + 'static,
    output: &mut (dyn Write + Send),
) -> Result<Isolated> {
    let (events, happened) = channel();
    let (permits, permitted) = channel();
    let send = events.clone();
    // Nothing joins this thread, since it may block on a pipe forever.
    let reading = Builder::new().spawn(move || read(input, &permitted, &send));
    let purpose = ThreadsFor::Images;
    reading.map_err(|source| Error::NoThread { purpose, source })?;
    for _ in 0..PENDING {
        // Fails if the input has ended.
        let _ = permits.send(());
    }
    let process = Process::start(command(), 0, &events)?;
    let parent = Parent {
        command,
        columns,
        events,
        happened,
        permits,
        process,
        input: None,
        output: Output::Waiting(output),
        pending: VecDeque::new(),
        sent: 0,
        end: None,
        bad_starts: 0,
        crashes: 0,
        done: Isolated::default(),
    };
    parent.run()
}

/// Reads the schema, and a batch for each permit.
fn read(input: impl Read, permitted: &Receiver<()>, events: &Sender<Event>) {
    let end = match Stream::open(input) {
        Ok(None) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(Some(mut stream)) => {
            let mut going = events.send(Event::Schema(stream.schema())).is_ok();
            loop {
                if !going || permitted.recv().is_err() {
                    return;
                }
                match stream.next() {
                    Ok(Some(batch)) => going = events.send(Event::Batch(batch)).is_ok(),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error.into()),
                }
            }
        }
    };
    let _ = events.send(Event::End(end));
}
