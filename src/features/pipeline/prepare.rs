//! From a file to the pixels that the network will see.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::item::Known;
use super::meter::Meter;
use super::speed::Timings;
use super::trial::Trial;
use crate::error::{Error, Result};
use crate::features::content::{Digest, Picture};
use crate::images::{
    DecodeBudget, DecodeOptions, FileBytes, Found, Image, Permit, Preprocessor, ReadFault,
    RgbImage, SkipReason, View, decode_for, dimensions, read_file,
};
use crate::stamp::Stamp;

/// Bytes of files that wait to be decoded, for each CPU.
pub(super) const AHEAD: u64 = 4 << 20;

/// What becomes of a file before there is a batch.
pub(super) enum Prepared {
    /// The views one after the other, resized and cropped, 8-bit RGB; not yet normalised, which keeps the
    /// queue a quarter as large.
    Pixels(Picture, Vec<u8>, Timings),
    Known(Picture, Timings),
    Skipped(SkipReason, Timings),
    /// It says nothing about the file: the system has run out of something.
    Failed(Error),
}

/// What the threads that read and decode files work with.
pub(super) struct Preparer<'a> {
    pub(super) decoding: &'a DecodeOptions,
    pub(super) known: &'a Known,
    /// Memory for files and pictures.
    pub(super) budget: DecodeBudget,
    /// Memory for files that wait to be decoded.
    pub(super) ahead: DecodeBudget,
    pub(super) views: &'a [View],
    pub(super) meter: &'a Meter,
    pub(super) trial: Trial,
}

/// A file that has been read, or what stands in its place.
pub(super) struct ReadFile<'a> {
    pub(super) content: Content<'a>,
    /// The stamp that it had before, if no later write can have left it.
    pub(super) stamp: Option<Stamp>,
    /// Its share of the memory for files that wait to be decoded.
    pub(super) waiting: Permit<'a>,
}

/// What is to be decoded.
pub(super) enum Content<'a> {
    File(FileBytes<'a>),
    Bytes(Arc<[u8]>),
    /// Nothing: these are the pixels.
    Rgb(Arc<RgbImage>),
}

impl Content<'_> {
    /// What tells it from others.
    fn bytes(&self) -> &[u8] {
        match self {
            Self::File(bytes) => bytes,
            Self::Bytes(bytes) => bytes,
            Self::Rgb(pixels) => pixels.pixels(),
        }
    }
}

/// The size of a picture, and its views one after the other.
type Fitted = ((u32, u32), Vec<u8>);

impl Preparer<'_> {
    /// Reads a file; or says at once what becomes of it.
    pub(super) fn read(&self, found: &Found) -> Result<ReadFile<'_>, Box<Prepared>> {
        let untimed = Timings::default();
        let path = match found {
            Found::Sample(sample) => &sample.path,
            Found::Skipped { reason, .. } => {
                return Err(Prepared::Skipped(reason.clone(), untimed).into());
            }
            Found::Given { image, .. } => match image {
                Image::File(path) => path,
                Image::Bytes(bytes) => return Ok(self.given(Content::Bytes(Arc::clone(bytes)))),
                Image::Rgb(pixels) => return Ok(self.given(Content::Rgb(Arc::clone(pixels)))),
            },
        };
        if let Some(picture) = self.known.recognised.picture(path) {
            return Err(Prepared::Known(picture, untimed).into());
        }
        self.read_path(path).map_err(|fault| {
            Box::new(match fault {
                ReadFault::OfFile(reason) => Prepared::Skipped(reason, untimed),
                ReadFault::OfSystem(error) => Prepared::Failed(error),
            })
        })
    }

    /// What takes no memory besides the caller's.
    fn given<'a>(&'a self, content: Content<'a>) -> ReadFile<'a> {
        ReadFile {
            content,
            stamp: None,
            waiting: self.ahead.reserve_file(0),
        }
    }

    fn read_path(&self, path: &Path) -> Result<ReadFile<'_>, ReadFault> {
        let _reading = self.meter.reading();
        let stamp = fs::metadata(path).map(|metadata| Stamp::of(&metadata)).ok();
        let waiting = self.ahead.reserve_file(stamp.map_or(0, |stamp| stamp.size));
        let stamp = stamp.filter(|stamp| stamp.is_settled(SystemTime::now()));
        let bytes = read_file(path, &self.decoding.limits, &self.budget)?;
        Ok(ReadFile {
            content: Content::File(bytes),
            stamp,
            waiting,
        })
    }

    /// Makes of a file what the network will see.
    pub(super) fn prepare(&self, file: ReadFile<'_>, preprocessor: &mut Preprocessor) -> Prepared {
        let _busy = self.meter.busy(1);
        drop(file.waiting);
        let start = Instant::now();
        let mut timings = Timings::default();
        let bytes = file.content.bytes();
        let digest = Digest::of(bytes);
        let picture = |size| Picture {
            digest,
            size,
            stamp: file.stamp,
        };
        if self.known.digests.contains(&digest) {
            let size = dimensions(bytes, self.decoding);
            timings.decode = start.elapsed();
            return match size {
                Ok(size) => Prepared::Known(picture(size), timings),
                Err(reason) => Prepared::Skipped(reason, timings),
            };
        }
        let fitted = match &file.content {
            Content::Rgb(pixels) => Ok(self.fit_picture(&**pixels, preprocessor, &mut timings)),
            _ => self.fit(bytes, self.decoding, preprocessor, &mut timings),
        };
        let took = start.elapsed();
        timings.decode = took.saturating_sub(timings.preprocess);
        match fitted {
            Ok((size, pixels)) => {
                if !matches!(file.content, Content::Rgb(_)) {
                    self.try_reduced(bytes, size, took, preprocessor);
                }
                Prepared::Pixels(picture(size), pixels, timings)
            }
            Err(reason) => Prepared::Skipped(reason, timings),
        }
    }

    fn fit(
        &self,
        bytes: &[u8],
        decoding: &DecodeOptions,
        preprocessor: &mut Preprocessor,
        timings: &mut Timings,
    ) -> Result<Fitted, SkipReason> {
        let image = decode_for(
            preprocessor.settings(),
            self.views,
            bytes,
            decoding,
            &self.budget,
        )?;
        let (_, pixels) = self.fit_picture(&*image, preprocessor, timings);
        Ok((image.full_size(), pixels))
    }

    fn fit_picture(
        &self,
        picture: &impl crate::images::Picture,
        preprocessor: &mut Preprocessor,
        timings: &mut Timings,
    ) -> Fitted {
        let start = Instant::now();
        let views = self.views.iter();
        let fitted = views.map(|&view| preprocessor.fit_view(picture, view));
        let pixels = fitted.reduce(|all, view| [all, view].concat());
        timings.preprocess = start.elapsed();
        (picture.size(), pixels.unwrap_or_default())
    }

    /// Finds out now and then how long a picture, which took `full`, takes at a reduced scale.
    fn try_reduced(
        &self,
        bytes: &[u8],
        size: (u32, u32),
        full: Duration,
        preprocessor: &mut Preprocessor,
    ) {
        let settings = preprocessor.settings();
        let Some(decoding) = Trial::reduced(self.decoding, settings, bytes, size) else {
            return;
        };
        if !self.trial.is_due(full) {
            return;
        }
        let start = Instant::now();
        let fitted = self.fit(bytes, &decoding, preprocessor, &mut Timings::default());
        if fitted.is_ok() {
            self.trial.add(full, start.elapsed());
        }
    }
}
