//! A decoding thread: file after file to the pixels that the network will see.

use std::collections::HashSet;
use std::fs;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Instant, SystemTime};

use super::{Picture, Timings};
use crate::error::{Error, Result};
use crate::features::Digest;
use crate::features::recognition::Recognised;
use crate::images::{
    DecodeBudget, DecodeOptions, Found, Preprocessor, ReadFault, Sample, SkipReason, View,
    decode_for, dimensions, read_file,
};
use crate::stamp::Stamp;

/// A file as a decoding thread leaves it.
pub(super) enum Prepared {
    /// The views one after the other, resized and cropped, 8-bit RGB; not yet normalised, which keeps the queue a quarter as large.
    Pixels(Picture, Vec<u8>, Timings),
    Known(Picture, Timings),
    Skipped(SkipReason, Timings),
    /// It says nothing about the file: the system has run out of something.
    Failed(Error),
}

/// What a decoding thread works with.
pub(super) struct Preparer<'a> {
    pub(super) decoding: &'a DecodeOptions,
    pub(super) known: Option<&'a HashSet<Digest>>,
    pub(super) recognised: &'a Recognised,
    pub(super) budget: &'a DecodeBudget,
    pub(super) preprocessor: Preprocessor,
    pub(super) views: &'a [View],
}

impl Preparer<'_> {
    /// Prepares its files in turn, until there are no more or nobody wants them.
    pub(super) fn run(&mut self, files: &Receiver<Found>, queue: &Sender<(Found, Prepared)>) {
        for found in files {
            let prepared = self.prepare(&found);
            // The other end is gone where the run has stopped with an error.
            if queue.send((found, prepared)).is_err() {
                return;
            }
        }
    }

    fn prepare(&mut self, found: &Found) -> Prepared {
        let mut timings = Timings::default();
        let sample = match found {
            Found::Sample(sample) => sample,
            Found::Skipped { reason, .. } => return Prepared::Skipped(reason.clone(), timings),
        };
        let start = Instant::now();
        match self.pixels(sample, &mut timings) {
            Ok((picture, Some(pixels))) => Prepared::Pixels(picture, pixels, timings),
            Ok((picture, None)) => {
                timings.decode = start.elapsed();
                Prepared::Known(picture, timings)
            }
            Err(ReadFault::OfFile(reason)) => {
                timings.decode = start.elapsed();
                Prepared::Skipped(reason, timings)
            }
            Err(ReadFault::OfSystem(error)) => Prepared::Failed(error),
        }
    }

    /// The pixels of a picture whose features are not known.
    fn pixels(
        &mut self,
        sample: &Sample,
        timings: &mut Timings,
    ) -> Result<(Picture, Option<Vec<u8>>), ReadFault> {
        let start = Instant::now();
        if let Some(seen) = self.recognised.get(&sample.path) {
            return Ok((seen.picture(), None));
        }
        let stamp = fs::metadata(&sample.path).map(|metadata| Stamp::of(&metadata));
        let stamp = stamp
            .ok()
            .filter(|stamp| stamp.is_settled(SystemTime::now()));
        let bytes = read_file(&sample.path, &self.decoding.limits, self.budget)?;
        let digest = Digest::of(&bytes);
        if self.known.is_some_and(|known| known.contains(&digest)) {
            let size = dimensions(&bytes, self.decoding)?;
            return Ok((
                Picture {
                    digest,
                    size,
                    stamp,
                },
                None,
            ));
        }
        let settings = self.preprocessor.settings();
        let image = decode_for(settings, &bytes, self.decoding, self.budget)?;
        drop(bytes);
        timings.decode = start.elapsed();
        let fit = |&view: &View| self.preprocessor.fit_view(&*image, view);
        let pixels = self.views.iter().map(fit).collect::<Vec<_>>().concat();
        timings.preprocess = start.elapsed().saturating_sub(timings.decode);
        Ok((
            Picture {
                digest,
                size: image.full_size(),
                stamp,
            },
            Some(pixels),
        ))
    }
}
