//! What reduced JPEGs would save, tried on a few images of a run.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::images::{DecodeOptions, Format, JpegScale, sniff};

/// Decides which images are decoded once more, at a reduced scale, and keeps what that took.
///
/// An image is tried whenever the time that all took has grown eightfold, first at [`Self::FIRST`]. So an
/// image is tried the more likely the longer it takes, which makes the mean share an estimate of that of all
/// time, and costs a percent.
#[derive(Default)]
pub(super) struct Trial(Mutex<State>);

#[derive(Default)]
struct State {
    spent: Duration,
    tried: u32,
    /// What the images that were tried took of their time in full, added up.
    shares: f64,
    added: u32,
}

impl Trial {
    const FIRST: Duration = Duration::from_secs(2);

    /// Adds what an image took; whether it is to be tried.
    pub(super) fn is_due(&self, took: Duration) -> bool {
        let mut state = self.lock();
        state.spent += took;
        let due = state.spent >= Self::FIRST * 8_u32.pow(state.tried.min(8));
        state.tried += u32::from(due);
        due
    }

    /// How to decode an image at a reduced scale; `None` where that changes nothing.
    pub(super) fn reduced(decoding: &DecodeOptions, bytes: &[u8]) -> Option<DecodeOptions> {
        let full = decoding.jpeg_scale == JpegScale::Full;
        (full && sniff(bytes) == Ok(Format::Jpeg)).then_some(DecodeOptions {
            jpeg_scale: JpegScale::Reduced,
            ..*decoding
        })
    }

    /// Adds how long an image took in full, and reduced.
    pub(super) fn add(&self, full: Duration, reduced: Duration) {
        let mut state = self.lock();
        state.shares += (reduced.as_secs_f64() / full.as_secs_f64().max(1e-9)).min(1.0);
        state.added += 1;
    }

    /// About what share of their time images would take if JPEGs were reduced; `None` where none was tried.
    pub(super) fn share(&self) -> Option<f64> {
        let state = self.lock();
        (state.added > 0).then(|| state.shares / f64::from(state.added))
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
    fn images_are_tried_ever_more_seldom() {
        let trial = Trial::default();
        let due = (1..=1400).filter(|_| trial.is_due(ms(100)));
        assert_eq!(due.count(), 3, "at 2 s, 16 s and 128 s of 140 s");
        let trial = Trial::default();
        assert!((1..20).all(|_| !trial.is_due(ms(100))));
        assert!(trial.is_due(ms(100)));
    }

    #[test]
    fn the_share_is_the_mean_of_what_was_tried() {
        let trial = Trial::default();
        assert_eq!(trial.share(), None);
        trial.add(ms(100), ms(25));
        trial.add(ms(40), ms(30));
        assert_eq!(trial.share(), Some(0.5));
        // What is no faster saves nothing, whatever the clock says.
        trial.add(ms(40), ms(60));
        assert!((trial.share().unwrap() - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn only_jpegs_in_full_can_be_reduced() {
        let full = DecodeOptions::default();
        let reduced = Trial::reduced(&full, b"\xff\xd8\xff\xe0").unwrap();
        assert_eq!(reduced.jpeg_scale, JpegScale::Reduced);
        assert!(Trial::reduced(&reduced, b"\xff\xd8\xff\xe0").is_none());
        assert!(Trial::reduced(&full, b"P6 1 1 255 abc").is_none());
    }
}
