//! Estimates the time that decoding JPEGs at a reduced scale would save, from a few images of a run.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::images::jpeg_divisor;
use crate::images::{DecodeOptions, Format, JpegScale, Preprocessing, sniff};

/// Decides which JPEGs are decoded a second time, at a reduced scale, and records how long that takes.
///
/// An image is tried whenever the total time has grown eightfold, first at [`Self::FIRST`]. The longer an
/// image takes, the more likely it is to be tried, so the mean share estimates the share of the total time.
/// This costs less than one percent.
#[derive(Default)]
pub(super) struct Trial(Mutex<State>);

#[derive(Default)]
struct State {
    /// The total time of all images that can be reduced.
    spent: Duration,
    due: u32,
    /// The sum of the shares of their full time that the tried images took at a reduced scale.
    shares: f64,
    tried: u32,
}

/// What is known about the images that can be decoded at a reduced scale.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Reducible {
    /// Their total time at full resolution, summed over all threads.
    pub(super) spent: Duration,
    /// The share of that time that they would take at a reduced scale; `None` if none was tried.
    pub(super) share: Option<f64>,
}

impl Trial {
    const FIRST: Duration = Duration::from_secs(8);

    /// Returns the options to decode an image at a reduced scale, or `None` if that makes no difference.
    pub(super) fn reduced(
        decoding: &DecodeOptions,
        preprocessing: &Preprocessing,
        bytes: &[u8],
        size: (u32, u32),
    ) -> Option<DecodeOptions> {
        let edge = preprocessing.shorter_edge()?;
        let can = decoding.jpeg_scale == JpegScale::Full
            && jpeg_divisor(size, edge).is_some()
            && sniff(bytes) == Ok(Format::Jpeg);
        can.then_some(DecodeOptions {
            jpeg_scale: JpegScale::Reduced,
            ..*decoding
        })
    }

    /// Adds the time of an image that can be reduced, and returns whether to try it.
    pub(super) fn is_due(&self, took: Duration) -> bool {
        let mut state = self.lock();
        state.spent += took;
        let due = state.spent >= Self::FIRST * 8_u32.pow(state.due.min(8));
        state.due += u32::from(due);
        due
    }

    /// Adds the times of an image at full resolution and at a reduced scale.
    pub(super) fn add(&self, full: Duration, reduced: Duration) {
        let mut state = self.lock();
        state.shares += (reduced.as_secs_f64() / full.as_secs_f64().max(1e-9)).min(1.0);
        state.tried += 1;
    }

    pub(super) fn reducible(&self) -> Reducible {
        let state = self.lock();
        Reducible {
            spent: state.spent,
            share: (state.tried > 0).then(|| state.shares / f64::from(state.tried)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn pictures_are_tried_ever_more_seldom() {
        let trial = Trial::default();
        let due = (1..=5200).filter(|_| trial.is_due(ms(100)));
        assert_eq!(due.count(), 3, "at 8 s, 64 s and 512 s of 520 s");
        let trial = Trial::default();
        assert!((1..80).all(|_| !trial.is_due(ms(100))));
        assert!(trial.is_due(ms(100)));
    }

    #[test]
    fn the_share_is_the_mean_of_what_was_tried() {
        let trial = Trial::default();
        assert_eq!(trial.reducible(), Reducible::default());
        trial.is_due(ms(140));
        trial.add(ms(100), ms(25));
        trial.add(ms(40), ms(30));
        let reducible = trial.reducible();
        assert_eq!((reducible.spent, reducible.share), (ms(140), Some(0.5)));
        // An image that is slower at a reduced scale counts as saving nothing.
        trial.add(ms(40), ms(60));
        assert!((trial.reducible().share.unwrap() - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn only_large_jpegs_in_full_can_be_reduced() {
        const JPEG: &[u8] = b"\xff\xd8\xff\xe0";
        let (full, preprocessing) = (DecodeOptions::default(), Preprocessing::default());
        let edge = preprocessing.shorter_edge().unwrap();
        let reduced = |decoding, bytes, size| {
            Trial::reduced(&decoding, &preprocessing, bytes, size).map(|found| found.jpeg_scale)
        };
        let large = (9 * edge, 4 * edge);
        assert_eq!(reduced(full, JPEG, large), Some(JpegScale::Reduced));
        assert_eq!(reduced(full, JPEG, (9 * edge, 4 * edge - 1)), None);
        assert_eq!(reduced(full, b"P6 1 1 255 abc", large), None);
        let jpeg_scale = JpegScale::Reduced;
        assert_eq!(
            reduced(DecodeOptions { jpeg_scale, ..full }, JPEG, large),
            None
        );
    }
}
