//! The threads: some decode images, others run batches. A panic costs only the images that were at work.

use std::sync::Arc;
use std::time::Instant;

use super::job::{Input, Job, Observer, Unanswered};
use super::queue::Queue;
use super::ready::{Decoded, Ready, Values};
use crate::backbones::Backbone;
use crate::caught::caught;
use crate::error::Result;
use crate::features::dtype::Dtype;
use crate::features::pipeline::forward::{NetworkInput, forward};
use crate::features::pipeline::prepare::{Prepared, Preparer};
use crate::images::{Found, Preprocessor, Sample};

/// What the threads share.
pub(super) struct Shared<'a> {
    pub(super) queue: &'a Queue,
    pub(super) ready: Ready,
    pub(super) preparer: &'a Preparer<'a>,
    pub(super) preprocessor: &'a Preprocessor,
    /// V, the number of views of each image.
    pub(super) views: usize,
    pub(super) observer: &'a dyn Observer,
}

/// Decodes images until the queue is closed and empty.
pub(super) fn decode_all(shared: &Shared<'_>) {
    let mut preprocessor = shared.preprocessor.clone();
    while let Some(job) = shared.queue.next() {
        let Job {
            input,
            wanted,
            reply,
        } = job;
        if !wanted.holds() {
            reply(Err(Unanswered::Expired));
            continue;
        }
        let start = Instant::now();
        let work = || Ok::<_, ()>(decode(shared.preparer, input, &mut preprocessor));
        // Without a result, dropping the reply tells that a thread panicked.
        let Ok(decoded) = caught(work, |_| ()) else {
            preprocessor = shared.preprocessor.clone();
            continue;
        };
        shared.observer.decoded(start.elapsed());
        match decoded {
            Ok(values) => shared.ready.add(Decoded {
                values,
                wanted,
                reply,
            }),
            Err(reason) => reply(Err(reason)),
        }
    }
    shared.ready.leave();
}

fn decode(
    preparer: &Preparer<'_>,
    input: Input,
    preprocessor: &mut Preprocessor,
) -> Result<Values, Unanswered> {
    let image = match input {
        Input::Values(values) => return Ok(Values::Normalised(values)),
        Input::Image(image) => image,
    };
    let found = Found::Given {
        sample: Sample::default(),
        image,
    };
    let result = match preparer.read(&found) {
        Ok(file) => preparer.prepare(file, preprocessor),
        Err(done) => *done,
    };
    match result {
        Prepared::Pixels(_, pixels, _) => Ok(Values::Pixels(pixels)),
        Prepared::Skipped(reason, _) => Err(Unanswered::Skipped(reason)),
        Prepared::Failed(error) => Err(Unanswered::Failed(Arc::new(error))),
        Prepared::Known(..) => unreachable!("no features are known"),
    }
}

/// Runs batches until no more images come.
pub(super) fn run_batches(shared: &Shared<'_>, backbone: &mut dyn Backbone) {
    let mut tensor = Vec::new();
    // A lane that gains nothing from a batch takes one image, so that no image waits for the others' results.
    while let Some(batch) = shared
        .ready
        .next_batch(|n| (backbone.best_batch(n * shared.views) / shared.views).max(1))
    {
        let (batch, expired): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|image| image.wanted.holds());
        for image in expired {
            (image.reply)(Err(Unanswered::Expired));
        }
        if batch.is_empty() {
            continue;
        }
        let start = Instant::now();
        let work = || Ok(features(shared, &batch, &mut tensor, backbone));
        let Ok(features) = caught(work, |_| ()) else {
            continue;
        };
        shared.observer.batch(batch.len(), start.elapsed());
        answer(batch, features, shared.views * backbone.num_features());
    }
}

/// Returns the features of a batch.
fn features(
    shared: &Shared<'_>,
    batch: &[Decoded],
    tensor: &mut Vec<f32>,
    backbone: &mut dyn Backbone,
) -> Result<Vec<f32>> {
    let _busy = shared.preparer.meter.busy(backbone.cpus());
    let size = shared.preprocessor.settings().num_values();
    let mut views = Vec::with_capacity(batch.len() * shared.views);
    for image in batch {
        match &image.values {
            Values::Normalised(values) => {
                views.extend(values.chunks_exact(size).map(NetworkInput::Normalised));
            }
            Values::Pixels(pixels) => {
                views.extend(pixels.chunks_exact(size).map(NetworkInput::Pixels));
            }
        }
    }
    Ok(forward(&views, tensor, backbone, shared.preprocessor)?.features)
}

/// Passes each image's features to whoever waits for them.
fn answer(batch: Vec<Decoded>, features: Result<Vec<f32>>, each: usize) {
    let features = match features {
        Ok(features) => features,
        Err(error) => {
            let error = Arc::new(error);
            for image in batch {
                (image.reply)(Err(Unanswered::Failed(Arc::clone(&error))));
            }
            return;
        }
    };
    for (image, row) in batch.into_iter().zip(features.chunks_exact(each.max(1))) {
        let usable = Dtype::F32.holds(row).map_err(Unanswered::Skipped);
        (image.reply)(usable.map(|()| row.to_vec()));
    }
}
