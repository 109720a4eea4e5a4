//! Lanes: threads that each run batches through their own copy of the network.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use super::forward::{NetworkInput, forward};
use super::meter::Meter;
use crate::backbones::{Backbone, Forwarded};
use crate::error::{Result, ThreadsFor};
use crate::images::Preprocessor;
use crate::threads::start;

/// The features of a batch, and the time they took.
pub(super) type Features = Result<Forwarded>;

/// Images that are run together, each with all its views, and the channel for their features.
struct Batch {
    pictures: Vec<Vec<u8>>,
    reply: SyncSender<Features>,
}

/// The lanes of a run. They exit when this is dropped.
pub(super) struct Lanes {
    waiting: Sender<Batch>,
    /// The queue from which any free lane takes the next batch.
    taking: Arc<Mutex<Receiver<Batch>>>,
    count: usize,
    /// The number of lanes that compute at the same time.
    parallel: usize,
    num_features: usize,
}

impl Lanes {
    /// Creates an empty set of lanes for `num_features` = V · D values per image; `parallel` of them compute
    /// at the same time.
    pub(super) fn new(num_features: usize, parallel: usize) -> Self {
        let (waiting, taking) = channel();
        let taking = Arc::new(Mutex::new(taking));
        Self {
            waiting,
            taking,
            count: 0,
            parallel,
            num_features,
        }
    }

    /// Starts a lane.
    ///
    /// # Errors
    /// [`Error::NoThread`](crate::Error::NoThread).
    pub(super) fn open<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        backbone: &'scope mut dyn Backbone,
        preprocessor: Preprocessor,
        meter: &'scope Meter,
    ) -> Result<()> {
        let batches = Arc::clone(&self.taking);
        let lane = move || serve(&batches, backbone, &preprocessor, meter);
        start(scope, ThreadsFor::Images, lane)?;
        self.count += 1;
        Ok(())
    }

    /// Returns the number of lanes.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the number of lanes that compute at the same time.
    pub(super) fn parallel(&self) -> usize {
        self.parallel
    }

    /// Returns the number of features per image: V · D.
    pub(super) fn num_features(&self) -> usize {
        self.num_features
    }

    /// Hands a batch to the next free lane. Its features arrive at the receiver, which is closed without them
    /// if the lane panics.
    pub(super) fn run(&self, pictures: Vec<Vec<u8>>) -> Receiver<Features> {
        let (reply, features) = sync_channel(1);
        self.waiting
            .send(Batch { pictures, reply })
            .expect("the receiver is stored next to the sender");
        features
    }
}

/// Runs batches until the queue is closed.
fn serve(
    batches: &Mutex<Receiver<Batch>>,
    backbone: &mut dyn Backbone,
    preprocessor: &Preprocessor,
    meter: &Meter,
) {
    let size = preprocessor.settings().num_values();
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
        let views = pictures.iter().flat_map(|views| views.chunks_exact(size));
        let views: Vec<_> = views.map(NetworkInput::Pixels).collect();
        let features = forward(&views, &mut tensor, backbone, preprocessor);
        drop(busy);
        // Sending fails if the run has stopped with an error; the features are then not needed.
        let _ = reply.send(features);
    }
}
