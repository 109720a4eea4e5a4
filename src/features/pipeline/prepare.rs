//! Turns a file into the pixels for the network.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::item::Known;
use super::meter::Meter;
use super::speed::Timings;
use super::trial::Trial;
use crate::error::{Error, Result};
use crate::features::content::{Digest, Picture};
use crate::images::{
    DecodeBudget, DecodeOptions, FileBytes, Found, Image, Permit, Place, Preprocessor, ReadFault,
    RgbImage, SkipReason, View, decode_for, dimensions, read,
};
use crate::stamp::Stamp;

/// The largest total size of the files that wait to be decoded, in bytes per CPU.
pub(super) const AHEAD: u64 = 4 << 20;
/// The same for objects of stores, for all CPUs together: each is on its way for a while.
pub(super) const REMOTE_AHEAD: u64 = 128 << 20;

/// The result of reading and decoding a file.
pub(super) enum Prepared {
    /// The consecutive views, resized and cropped, as 8-bit RGB. They are normalised later, which keeps the
    /// queue at a quarter of the size.
    Pixels(Picture, Vec<u8>, Timings),
    Known(Picture, Timings),
    Skipped(SkipReason, Timings),
    /// An error that is not the file's fault: the system ran out of a resource.
    Failed(Error),
}

/// The shared state of the threads that read and decode files.
pub(super) struct Preparer<'a> {
    pub(super) decoding: &'a DecodeOptions,
    pub(super) known: &'a Known,
    /// The memory budget for files and images.
    pub(super) budget: DecodeBudget,
    /// The memory budget for files that wait to be decoded.
    pub(super) ahead: DecodeBudget,
    pub(super) views: &'a [View],
    pub(super) meter: &'a Meter,
    pub(super) trial: Trial,
}

/// A file that has been read, or an image that the caller passed.
pub(super) struct ReadFile<'a> {
    pub(super) content: Content<'a>,
    /// The stamp that the file had before it was read, unless a later write could have kept the stamp.
    pub(super) stamp: Option<Stamp>,
    /// The file's share of the memory budget for files that wait to be decoded.
    pub(super) waiting: Permit<'a>,
}

/// The content to decode.
pub(super) enum Content<'a> {
    File(FileBytes<'a>),
    Bytes(Arc<[u8]>),
    /// Pixels, which need no decoding.
    Rgb(Arc<RgbImage>),
}

impl Content<'_> {
    /// Returns the bytes whose digest identifies the image.
    fn bytes(&self) -> &[u8] {
        match self {
            Self::File(bytes) => bytes,
            Self::Bytes(bytes) => bytes,
            Self::Rgb(pixels) => pixels.pixels(),
        }
    }
}

/// The size of an image, and the pixels of its views in one vector.
type Fitted = ((u32, u32), Vec<u8>);

impl Preparer<'_> {
    /// Reads a file, or returns its result if it need not or cannot be read.
    pub(super) fn read(&self, found: &Found) -> Result<ReadFile<'_>, Box<Prepared>> {
        let untimed = Timings::default();
        let given;
        let place = match found {
            Found::Sample(sample) => &sample.place,
            Found::Skipped { reason, .. } => {
                return Err(Prepared::Skipped(reason.clone(), untimed).into());
            }
            Found::Given { image, .. } => match image {
                Image::File(path) => {
                    given = Place::from(path.clone());
                    &given
                }
                Image::Bytes(bytes) => return Ok(self.given(Content::Bytes(Arc::clone(bytes)))),
                Image::Rgb(pixels) => return Ok(self.given(Content::Rgb(Arc::clone(pixels)))),
                Image::Unusable(reason) => {
                    return Err(Prepared::Skipped(reason.clone(), untimed).into());
                }
            },
        };
        self.read_place(place).map_err(|fault| {
            Box::new(match fault {
                ReadFault::OfFile(reason) => Prepared::Skipped(reason, untimed),
                ReadFault::OfSystem(error) => Prepared::Failed(error),
            })
        })
    }

    /// Wraps an image that the caller passed, which takes no additional memory.
    fn given<'a>(&'a self, content: Content<'a>) -> ReadFile<'a> {
        ReadFile {
            content,
            stamp: None,
            waiting: self.ahead.reserve_file(0),
        }
    }

    fn read_place(&self, place: &Place) -> Result<ReadFile<'_>, ReadFault> {
        let _reading = self.meter.reading();
        let stamp = place.known_stamp();
        let waiting = self.ahead.reserve_file(place.length(stamp));
        let stamp = stamp.filter(|stamp| stamp.is_settled(SystemTime::now()));
        let bytes = read(place, &self.decoding.limits, &self.budget)?;
        let stamp = bytes.stamp().or(stamp);
        Ok(ReadFile {
            content: Content::File(bytes),
            stamp,
            waiting,
        })
    }

    /// Decodes, resizes and crops a file.
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
        if self.known.directory.contains(&digest) {
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

    /// Occasionally measures how long an image that took `full` takes at a reduced scale.
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
