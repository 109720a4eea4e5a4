//! Lanes: threads that each run batches through a network of their own.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::Instant;

use super::meter::Meter;
use super::speed::Timings;
use crate::backbones::Backbone;
use crate::error::Result;
use crate::images::Preprocessor;

/// The features of a batch, row by row, and how long they took.
pub(super) type Features = Result<(Vec<f32>, Timings)>;

/// Pictures that are run at once, each with all its views, and where their features go.
struct Batch {
    pictures: Vec<Vec<u8>>,
    reply: SyncSender<Features>,
}

/// The lanes of a run; they end when this is dropped.
pub(super) struct Lanes {
    waiting: Sender<Batch>,
    /// Whichever lane is free takes the next batch.
    taking: Arc<Mutex<Receiver<Batch>>>,
    count: usize,
    num_features: usize,
}

impl Lanes {
    /// No lanes yet, for so many numbers a picture: V · D.
    pub(super) fn new(num_features: usize) -> Self {
        let (waiting, taking) = channel();
        let taking = Arc::new(Mutex::new(taking));
        Self {
            waiting,
            taking,
            count: 0,
            num_features,
        }
    }

    /// Opens a lane.
    pub(super) fn open<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        backbone: &'scope mut dyn Backbone,
        preprocessor: Preprocessor,
        meter: &'scope Meter,
    ) {
        let batches = Arc::clone(&self.taking);
        scope.spawn(move || serve(&batches, backbone, &preprocessor, meter));
        self.count += 1;
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Numbers of a picture: V · D.
    pub(super) fn num_features(&self) -> usize {
        self.num_features
    }

    /// Hands a batch to the next free lane; its features come out of the receiver, or nothing if the lane
    /// panics.
    pub(super) fn run(&self, pictures: Vec<Vec<u8>>) -> Receiver<Features> {
        let (reply, features) = sync_channel(1);
        self.waiting
            .send(Batch { pictures, reply })
            .expect("the receiver is kept beside the sender");
        features
    }
}

/// Runs batches until no more can come.
fn serve(
    batches: &Mutex<Receiver<Batch>>,
    backbone: &mut dyn Backbone,
    preprocessor: &Preprocessor,
    meter: &Meter,
) {
    let mut tensor = Vec::new();
    loop {
        let next = batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(Batch { pictures, reply }) = next else {
            return;
        };
        let busy = meter.busy(backbone.cpus());
        let features = forward(&pictures, &mut tensor, backbone, preprocessor);
        drop(busy);
        // Nobody waits for it where the run has stopped with an error.
        let _ = reply.send(features);
    }
}

fn forward(
    pictures: &[Vec<u8>],
    tensor: &mut Vec<f32>,
    backbone: &mut dyn Backbone,
    preprocessor: &Preprocessor,
) -> Features {
    let start = Instant::now();
    let size = preprocessor.settings().num_values();
    let views = pictures.iter().flat_map(|views| views.chunks_exact(size));
    let count = views.clone().count();
    tensor.resize(count * size, 0.0);
    for (pixels, slot) in views.zip(tensor.chunks_exact_mut(size)) {
        preprocessor.normalise(pixels, slot);
    }
    let preprocess = start.elapsed();
    let features = backbone.forward(tensor, count)?;
    let forward = start.elapsed().saturating_sub(preprocess);
    let timings = Timings {
        preprocess,
        forward,
        ..Timings::default()
    };
    Ok((features, timings))
}
