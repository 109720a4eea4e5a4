//! The test run of a network before it is installed.

use std::path::{Path, PathBuf};

use super::ImportNote;
use crate::backbones::onnx::{Cut, write_cut};
use crate::backbones::{
    Backbone, Device, DeviceRequest, FeatureLayer, Home, OnnxBackbone, Pool, RunOptions,
    RuntimeLibrary,
};
use crate::error::{BackboneError, Error, NetworkProblem, Result};
use crate::images::Preprocessing;

/// A network to test.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    pub(super) home: &'a Home,
    /// The file that the user passed, named in errors.
    pub(super) file: &'a Path,
    /// The cut network made from it.
    pub(super) network: &'a Path,
    pub(super) preprocessing: &'a Preprocessing,
}

/// A network that ran.
pub(super) struct Tried {
    /// Its external weights, if it has any.
    pub(super) data: Option<PathBuf>,
    /// D.
    pub(super) num_features: usize,
    /// The layer, with all that was inferred.
    pub(super) features: FeatureLayer,
}

/// The allowed difference of a value between batch sizes, relative to the largest value. Batch sizes change
/// the order of summation; the rows of different images differ by much more.
const TOLERANCE: f32 = 1e-2;

impl Trial<'_> {
    /// Writes the cut network, runs two images one by one and as a batch, and checks that the results agree.
    pub(super) fn run(&self, cut: &Cut, features: &FeatureLayer) -> Result<Tried> {
        let data = write_cut(cut, self.network)?;
        let mut backbone = self.load(features)?;
        let [one, two] = [1, 2].map(|seed| self.noise(seed));
        let mut apart = backbone.forward(&one, 1).map_err(|e| self.blame_file(e))?;
        apart.extend(backbone.forward(&two, 1).map_err(|e| self.blame_file(e))?);
        let finite = backbone.require_finite(&apart);
        finite.map_err(|error| self.blame_file(error))?;
        let together = backbone.forward_at_once(&[one, two].concat(), 2);
        let cause = match together {
            Ok(together) if rows_agree(&apart, &together) => {
                return Ok(Tried {
                    data,
                    num_features: backbone.num_features(),
                    features: backbone.feature_layer(),
                });
            }
            Ok(_) => NetworkProblem::OtherTogether,
            Err(Error::Backbone(BackboneError::Network { problem, .. })) => problem,
            Err(other) => return Err(other),
        };
        let fixed = NetworkProblem::FixedBatch {
            layer: backbone.layer().to_owned(),
            cause: Box::new(cause),
            suspects: cut.suspects(),
        };
        Err(fixed.at(self.file))
    }

    /// Returns a note on averaging over positions, if that would give fewer features.
    pub(super) fn word_about_pooling(
        &self,
        features: &FeatureLayer,
        flat: usize,
    ) -> Option<ImportNote> {
        let averaged = FeatureLayer {
            pool: Some(Pool::Mean),
            num_features: None,
            ..features.clone()
        };
        let mean = self.load(&averaged).ok()?.num_features();
        (features.pool.is_none() && mean < flat).then(|| ImportNote::Positions {
            positions: flat / mean,
            features: mean,
        })
    }

    fn load(&self, features: &FeatureLayer) -> Result<OnnxBackbone> {
        let library = RuntimeLibrary::find(self.home)?;
        let options = RunOptions {
            device: DeviceRequest::Exactly(Device::Cpu),
            ..RunOptions::new(self.home.clone())
        };
        OnnxBackbone::load(
            &library,
            (self.network, None),
            features,
            self.preprocessing,
            &options,
        )
        .map_err(|error| self.blame_file(error))
    }

    /// Returns an image of noise in the network's value range, the same on every machine.
    fn noise(&self, seed: u32) -> Vec<f32> {
        let p = self.preprocessing;
        let mut state = seed.wrapping_mul(0x9e37_79b9);
        let mut pixel = || {
            // A linear congruential generator; only its high bits are random (Knuth, TAOCP 2, 3.3.4).
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from((state >> 24) as u8)
        };
        let value = |pixel: f32| (pixel / p.scale - p.mean[0]) / p.std[0];
        (0..p.num_values()).map(|_| value(pixel())).collect()
    }

    /// Makes an error name the file that the user passed, not the temporary network.
    fn blame_file(&self, error: Error) -> Error {
        match error {
            Error::Backbone(BackboneError::Network { problem, .. }) => problem.at(self.file),
            other => other,
        }
    }
}

fn rows_agree(apart: &[f32], together: &[f32]) -> bool {
    let largest = apart
        .iter()
        .fold(0.0, |most: f32, value| most.max(value.abs()));
    apart.len() == together.len()
        && apart
            .iter()
            .zip(together)
            .all(|(a, b)| (a - b).abs() <= TOLERANCE * largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_agree_to_rounding_and_not_in_another_order() {
        assert!(rows_agree(&[1.0, 2.0, -4.0], &[1.0, 2.0, -4.001]));
        assert!(!rows_agree(&[1.0, 2.0, -4.0], &[2.0, 1.0, -4.0]));
        assert!(!rows_agree(&[1.0, 2.0], &[1.0]));
        assert!(rows_agree(&[0.0, 0.0], &[0.0, 0.0]));
    }
}
