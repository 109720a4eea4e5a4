//! What JPEGs at a reduced scale would save, tried on a few images of a run.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::images::jpeg_divisor;
use crate::images::{DecodeOptions, Format, JpegScale, Preprocessing, sniff};

/// Decides which JPEGs are decoded once more, at a reduced scale, and keeps how long that took.
///
/// One is tried whenever the time that all took has grown eightfold, first at [`Self::FIRST`]. So a picture
/// is tried the more likely the longer it takes, which makes the mean share an estimate of that of all time,
/// and costs less than a percent.
#[derive(Default)]
pub(super) struct Trial(Mutex<State>);

#[derive(Default)]
struct State {
    /// How long all pictures took that can be reduced.
    spent: Duration,
    due: u32,
    /// What those that were tried took of their time in full, added up.
    shares: f64,
    tried: u32,
}

/// What is known of the pictures that can be reduced.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Reducible {
    /// How long they took, those of several threads added up.
    pub(super) spent: Duration,
    /// What share of that they would take; `None` where none was tried.
    pub(super) share: Option<f64>,
}

impl Trial {
    const FIRST: Duration = Duration::from_secs(8);

    /// How to decode a picture of this size at a reduced scale, where that would be another one.
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

    /// Adds how long a picture took that can be reduced; whether it is to be tried.
    pub(super) fn is_due(&self, took: Duration) -> bool {
        let mut state = self.lock();
        state.spent += took;
        let due = state.spent >= Self::FIRST * 8_u32.pow(state.due.min(8));
        state.due += u32::from(due);
        due
    }

    /// Adds how long a picture took in full, and reduced.
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
        // What is no faster saves nothing, whatever the clock says.
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
