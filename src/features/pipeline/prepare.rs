//! File after file to the pixels that the network will see: read ahead, then decoded, resized and cropped on a CPU.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use super::cpus::Cpus;
use super::trial::Trial;
use super::{Picture, Timings};
use crate::error::{Error, Result};
use crate::features::Digest;
use crate::features::recognition::Recognised;
use crate::images::{
    DecodeBudget, DecodeOptions, Found, Preprocessor, ReadFault, SkipReason, View, decode_for,
    dimensions, read_file,
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

/// What decoding threads work with.
pub(super) struct Preparer<'a> {
    pub(super) decoding: &'a DecodeOptions,
    pub(super) known: Option<&'a HashSet<Digest>>,
    pub(super) recognised: &'a Recognised,
    /// Memory for files and pictures.
    pub(super) budget: DecodeBudget,
    /// Memory for files that wait for a CPU.
    pub(super) ahead: DecodeBudget,
    pub(super) cpus: &'a Cpus,
    pub(super) preprocessors: Preprocessors,
    pub(super) views: &'a [View],
    pub(super) trial: Trial,
}

/// Preprocessors with their buffers: no more than are in use at once, as far fewer pictures are decoded than files are read.
pub(super) struct Preprocessors {
    fresh: Preprocessor,
    used: Mutex<Vec<Preprocessor>>,
}

impl Preprocessors {
    pub(super) fn new(fresh: Preprocessor) -> Self {
        let used = Mutex::default();
        Self { fresh, used }
    }

    /// Does something with one of them.
    fn with<T>(&self, work: impl FnOnce(&mut Preprocessor) -> T) -> T {
        let lock = || self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = lock().pop();
        let mut preprocessor = used.unwrap_or_else(|| self.fresh.clone());
        let done = work(&mut preprocessor);
        lock().push(preprocessor);
        done
    }
}

impl Preparer<'_> {
    /// Reads a file, waits for a CPU, and makes of it what the network will see.
    pub(super) fn prepare(&self, found: &Found) -> Prepared {
        let mut timings = Timings::default();
        let sample = match found {
            Found::Sample(sample) => sample,
            Found::Skipped { reason, .. } => return Prepared::Skipped(reason.clone(), timings),
        };
        if let Some(seen) = self.recognised.get(&sample.path) {
            return Prepared::Known(seen.picture(), timings);
        }
        match self.pixels(&sample.path, &mut timings) {
            Ok((picture, Some(pixels))) => Prepared::Pixels(picture, pixels, timings),
            Ok((picture, None)) => Prepared::Known(picture, timings),
            Err(ReadFault::OfFile(reason)) => Prepared::Skipped(reason, timings),
            Err(ReadFault::OfSystem(error)) => Prepared::Failed(error),
        }
    }

    /// The picture of a file, with its pixels if its features are not known.
    fn pixels(
        &self,
        path: &Path,
        timings: &mut Timings,
    ) -> Result<(Picture, Option<Vec<u8>>), ReadFault> {
        let reading = self.cpus.reading();
        let stamp = fs::metadata(path).map(|metadata| Stamp::of(&metadata)).ok();
        let ahead = self.ahead.reserve_file(stamp.map_or(0, |stamp| stamp.size));
        let stamp = stamp.filter(|stamp| stamp.is_settled(SystemTime::now()));
        let bytes = read_file(path, &self.decoding.limits, &self.budget)?;
        drop(reading);
        let _cpu = self.cpus.decode();
        drop(ahead);
        let start = Instant::now();
        let decoded = self.decode(&bytes, timings);
        timings.decode = start.elapsed().saturating_sub(timings.preprocess);
        let (digest, size, pixels) = decoded?;
        if pixels.is_some() && self.trial.is_due(start.elapsed()) {
            self.try_reduced(&bytes, start.elapsed());
        }
        let picture = Picture {
            digest,
            size,
            stamp,
        };
        Ok((picture, pixels))
    }

    fn decode(&self, bytes: &[u8], timings: &mut Timings) -> Result<Decoded, SkipReason> {
        let digest = Digest::of(bytes);
        if self.known.is_some_and(|known| known.contains(&digest)) {
            return Ok((digest, dimensions(bytes, self.decoding)?, None));
        }
        let (size, pixels) = self.fit(bytes, self.decoding, timings)?;
        Ok((digest, size, Some(pixels)))
    }

    /// The size of a picture, and its views one after the other.
    fn fit(
        &self,
        bytes: &[u8],
        decoding: &DecodeOptions,
        timings: &mut Timings,
    ) -> Result<((u32, u32), Vec<u8>), SkipReason> {
        self.preprocessors.with(|preprocessor| {
            let image = decode_for(preprocessor.settings(), bytes, decoding, &self.budget)?;
            let start = Instant::now();
            let fit = |&view: &View| preprocessor.fit_view(&*image, view);
            let pixels = self.views.iter().map(fit).collect::<Vec<_>>().concat();
            timings.preprocess = start.elapsed();
            Ok((image.full_size(), pixels))
        })
    }

    /// Finds out what a picture that took so long would have taken at a reduced scale.
    fn try_reduced(&self, bytes: &[u8], full: std::time::Duration) {
        let Some(decoding) = Trial::reduced(self.decoding, bytes) else {
            return self.trial.add(full, full);
        };
        let start = Instant::now();
        if self.fit(bytes, &decoding, &mut Timings::default()).is_ok() {
            self.trial.add(full, start.elapsed());
        }
    }
}

/// The digest of a picture and its size, with the pixels of its views if its features are not known.
type Decoded = (Digest, (u32, u32), Option<Vec<u8>>);
