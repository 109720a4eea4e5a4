//! The filters of a resize, and the weights of stored pixels, as in Pillow's `Resample.c`.

use std::f64::consts::PI;
use std::ops::Range;

use super::Interpolation;
use frostline_kernels::resample::{Weights, fixed};

/// A filter that weights all pixels within its reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Bilinear,
    Bicubic,
    Box,
    Hamming,
    Lanczos,
}

impl Filter {
    /// Returns the filter; `None` for the nearest pixel, which has no weights.
    pub(super) fn of(interpolation: Interpolation) -> Option<Self> {
        Some(match interpolation {
            Interpolation::Nearest => return None,
            Interpolation::Bilinear => Self::Bilinear,
            Interpolation::Bicubic => Self::Bicubic,
            Interpolation::Box => Self::Box,
            Interpolation::Hamming => Self::Hamming,
            Interpolation::Lanczos => Self::Lanczos,
        })
    }

    /// Returns how many pixels it reaches to each side when nothing is shrunk.
    fn reach(self) -> f64 {
        match self {
            Self::Box => 0.5,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    /// Returns the weight at a distance.
    fn at(self, x: f64) -> f64 {
        /// The parameter of the cubic.
        const A: f64 = -0.5;
        let sinc = |x: f64| {
            if x == 0.0 {
                1.0
            } else {
                (x * PI).sin() / (x * PI)
            }
        };
        let d = x.abs();
        match self {
            Self::Box => f64::from(x > -0.5 && x <= 0.5),
            Self::Bilinear => (1.0 - d).max(0.0),
            Self::Hamming if d >= 1.0 => 0.0,
            Self::Hamming => sinc(d) * (0.54 + 0.46 * (d * PI).cos()),
            Self::Bicubic if d < 1.0 => ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0,
            Self::Bicubic if d < 2.0 => (((d - 5.0) * d + 8.0) * d - 4.0) * A,
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Bicubic | Self::Lanczos => 0.0,
        }
    }
}

/// An axis of an image that is resized by a filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filtered {
    /// Pixels stored.
    pub(super) stored: u32,
    /// Pixels after the resize.
    pub(super) resized: u32,
    pub(super) filter: Filter,
}

impl Filtered {
    /// Returns the stored pixels that a resized one depends on.
    pub(super) fn stretch(self, at: u32) -> Range<usize> {
        let scale = self.scale();
        let reach = self.filter.reach() * scale.max(1.0);
        let center = self.center(at);
        let first = (center - reach + 0.5).max(0.0) as usize;
        let end = ((center + reach + 0.5) as usize).min(self.stored as usize);
        first..end
    }

    /// Returns the stored pixels that some resized ones depend on.
    pub(super) fn needed(self, resized: Range<u32>) -> Range<usize> {
        let last = resized.end.saturating_sub(1);
        self.stretch(resized.start).start..self.stretch(last).end
    }

    /// Returns the weights of some resized pixels, for lines that start at the first stored pixel that these
    /// depend on.
    pub(super) fn weights(self, resized: Range<u32>) -> Weights {
        let first = self.needed(resized.clone()).start;
        let mut weights = Weights::new(self.taps());
        let mut exact = Vec::new();
        for at in resized {
            let start = self.stretch(at).start - first;
            weights.push(start, self.weights_of(at, &mut exact));
        }
        weights
    }

    /// Returns the weights of the stored pixels that a resized one depends on; `exact` is a buffer.
    pub(super) fn weights_of(self, at: u32, exact: &mut Vec<f64>) -> impl Iterator<Item = i32> {
        exact.clear();
        exact.extend(self.stretch(at).map(|stored| self.weight(at, stored)));
        let sum: f64 = exact.iter().sum();
        exact.iter().map(move |weight| fixed(weight / sum))
    }

    /// Returns the most stored pixels that a resized one depends on.
    pub(super) fn taps(self) -> usize {
        (self.filter.reach() * self.scale().max(1.0)).ceil() as usize * 2 + 1
    }

    fn weight(self, at: u32, stored: usize) -> f64 {
        let distance = stored as f64 - self.center(at) + 0.5;
        self.filter.at(distance * (1.0 / self.scale().max(1.0)))
    }

    fn center(self, at: u32) -> f64 {
        (f64::from(at) + 0.5) * self.scale()
    }

    /// Returns the number of stored pixels per resized one.
    fn scale(self) -> f64 {
        f64::from(self.stored) / f64::from(self.resized)
    }
}
