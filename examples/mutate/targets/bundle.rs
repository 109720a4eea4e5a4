//! The target for bundles.

use frostline::backbones::fuzz;
use frostline::classifier::{Predictor, Tta};

use super::Outcome;
use super::scratch::with_file;

/// Reads all entries of a bundle, and its head as `classify` does.
pub(super) fn read(bytes: &[u8]) -> Outcome {
    with_file("a.frostline", bytes, |path| {
        if !fuzz::bundle(path)? {
            return Err("it is no bundle".into());
        }
        Predictor::open(path, Tta::Trained)?;
        Ok(())
    })
}
