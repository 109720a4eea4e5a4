//! Computes features in this process: one thread reads batches, the pipeline computes, and one thread writes.
//!
//! A batch is read while the one before it is computed, so that the lanes of the pipeline never wait for the
//! end of a batch. At most four batches are in memory.

use std::io::{Read, Write};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};

use super::cells::Cells;
use super::layout::{Columns, Layout};
use super::results::Results;
use super::stream::Stream;
use crate::backbones::Frozen;
use crate::error::{Error, Result, ThreadsFor, WorkerError, system_error};
use crate::features::dtype::Dtype;
use crate::features::manifest::StoreManifest;
use crate::features::pipeline::{Images, Item, Known, Later, Outcome, Pipeline};
use crate::images::Limits;
use crate::outputs;
use crate::progress::{Progress, Silent};
use crate::threads::start;

/// How many batches wait between the threads.
const BATCHES: usize = 1;
/// How many results wait to be written.
const RESULTS: usize = 256;

/// A network that computes the features of the images in record batches.
#[derive(Debug)]
pub struct Worker {
    network: Frozen,
    pipeline: Pipeline,
    columns: Columns,
    dtype: Dtype,
}

/// How many rows were answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// All rows.
    pub rows: u64,
    /// The rows without features.
    pub without: u64,
}

impl Worker {
    /// Computes features with `network` as `pipeline` says, one view of each image.
    #[must_use]
    pub fn new(network: Frozen, pipeline: Pipeline, columns: Columns, dtype: Dtype) -> Self {
        Self {
            network,
            pipeline,
            columns,
            dtype,
        }
    }

    /// Returns the network.
    #[must_use]
    pub fn network(&self) -> &Frozen {
        &self.network
    }

    /// Returns why `auto` did not choose a GPU.
    #[must_use]
    pub fn why_not_gpu(&self) -> Option<&str> {
        self.network.backbone.why()
    }

    /// Answers a stream; see the module's format. An input without a single byte has no answer.
    ///
    /// # Errors
    /// [`WorkerError`] for an input that cannot be read or used, after all batches before it were answered;
    /// errors of the network; [`Error::Io`] if the output cannot be written.
    pub fn serve(
        &mut self,
        input: impl Read + Send + 'static,
        output: &mut (dyn Write + Send),
    ) -> Result<Served> {
        let Some(mut input) = Stream::open(input)? else {
            return Ok(Served::default());
        };
        input.limit(self.network.spec.backbone.num_features);
        let layout = &self.layout(&input.schema())?;
        let (send_batches, batches) = sync_channel(BATCHES);
        let stop = send_batches.clone();
        let (send_images, images) = channel();
        let (column, limits) = (layout.image, self.pipeline.decoding.limits);
        // Nothing joins this thread, since it may block on a pipe forever.
        let read = move || read(input, (column, limits), &send_batches, &send_images);
        let reading = thread::Builder::new().spawn(read);
        let purpose = ThreadsFor::Images;
        reading.map_err(|source| Error::NoThread { purpose, source })?;
        thread::scope(|scope| {
            let (results, outcomes) = sync_channel(RESULTS);
            let writer = start(scope, purpose, move || {
                write(layout, &batches, &outcomes, output)
            })?;
            let ran = self.run(Images::Arriving(images), results);
            // The reading thread may wait for a batch that will not be computed.
            let _ = stop.send(Incoming::Stop);
            let wrote = writer.join().unwrap_or_else(|panic| resume_unwind(panic));
            match (ran, wrote) {
                // The pipeline stops if the writer takes no results.
                (Ok(()) | Err(Error::Interrupted { .. }), wrote) => wrote,
                (Err(error), _) => Err(error),
            }
        })
    }

    /// Answers one batch.
    ///
    /// # Errors
    /// As [`Self::serve`], and [`Error::Interrupted`] if `progress` asks to stop.
    pub fn answer(&mut self, batch: &RecordBatch, progress: &dyn Progress) -> Result<RecordBatch> {
        let most = i32::MAX as usize / self.network.spec.backbone.num_features.max(1);
        if batch.num_rows() > most {
            let (batch, rows) = (1, batch.num_rows());
            return Err(WorkerError::TooManyRows { batch, rows, most }.into());
        }
        let layout = self.layout(&batch.schema())?;
        let cells = Cells::of(batch.column(layout.image));
        let limits = self.pipeline.decoding.limits;
        let images: Vec<_> = (0..batch.num_rows())
            .map(|row| cells.image(row, &limits))
            .collect();
        let mut results = Results::new(self.dtype);
        self.pipeline.run(
            Images::Given(images.into_iter()),
            &mut self.network.backbone,
            &known(self.dtype),
            progress,
            &mut |item| {
                results.push(&item.outcome);
                Ok(())
            },
        )?;
        layout.answer(batch, results.finish())
    }

    fn layout(&self, schema: &SchemaRef) -> Result<Layout> {
        let (spec, engine) = (self.network.spec.clone(), self.network.engine.clone());
        let manifest = StoreManifest::new(spec, self.dtype, engine).to_json();
        Layout::of(schema, &self.columns, self.dtype, manifest)
    }

    fn run(&mut self, images: Images<'_>, results: SyncSender<Outcome>) -> Result<()> {
        let each = &mut |item: Item| {
            let sent = results.send(item.outcome);
            sent.map_err(|_| Error::Interrupted { kept: None })
        };
        let backbone = &mut self.network.backbone;
        let known = known(self.dtype);
        let ran = self.pipeline.run(images, backbone, &known, &Silent, each);
        // The writing thread waits for the end of the results.
        drop(results);
        ran.map(drop)
    }
}

fn known(dtype: Dtype) -> Known {
    Known {
        dtype,
        ..Known::default()
    }
}

/// What the reading thread passes to the writing thread.
enum Incoming {
    Batch(RecordBatch),
    /// The end of the input, or why it cannot be read further.
    End(Result<(), WorkerError>),
    /// No more results will come.
    Stop,
}

/// Reads batches, and passes on each of them before its images. A closed channel means that the run has
/// ended.
fn read(
    mut input: Stream<impl Read>,
    (column, limits): (usize, Limits),
    batches: &SyncSender<Incoming>,
    images: &Sender<Later>,
) {
    loop {
        let batch = match input.next() {
            Ok(Some(batch)) => batch,
            Ok(None) => break drop(batches.send(Incoming::End(Ok(())))),
            Err(error) => break drop(batches.send(Incoming::End(Err(error)))),
        };
        let cells = Arc::new(Cells::of(batch.column(column)));
        let rows = batch.num_rows();
        if batches.send(Incoming::Batch(batch)).is_err() {
            return;
        }
        for row in 0..rows {
            let cells = Arc::clone(&cells);
            let later: Later = Box::new(move || cells.image(row, &limits));
            if images.send(later).is_err() {
                return;
            }
        }
    }
}

/// Writes an answer to each batch as soon as all its results have come.
fn write(
    layout: &Layout,
    batches: &Receiver<Incoming>,
    outcomes: &Receiver<Outcome>,
    output: &mut (dyn Write + Send),
) -> Result<Served> {
    let failed =
        |error: ArrowError| Error::io("write", outputs::name(Path::new("-")))(system_error(error));
    let mut writer = StreamWriter::try_new(output, &layout.schema).map_err(failed)?;
    writer.flush().map_err(failed)?;
    let mut served = Served::default();
    while let Ok(incoming) = batches.recv() {
        let batch = match incoming {
            Incoming::Batch(batch) => batch,
            Incoming::End(end) => {
                end?;
                writer.finish().map_err(failed)?;
                break;
            }
            Incoming::Stop => break,
        };
        let mut results = Results::new(layout.dtype);
        for _ in 0..batch.num_rows() {
            // Without more results the pipeline has failed; its own error says why.
            let Ok(outcome) = outcomes.recv() else {
                return Ok(served);
            };
            served.rows += 1;
            served.without += u64::from(!results.push(&outcome));
        }
        writer
            .write(&layout.answer(&batch, results.finish())?)
            .map_err(failed)?;
        writer.flush().map_err(failed)?;
    }
    Ok(served)
}
