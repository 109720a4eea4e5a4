//! Converts the backbone to another precision before it is exported.

use std::path::PathBuf;

use super::options::{ExportInput, ExportOptions, ExportPrecision};
use super::pictures;
use crate::backbones::onnx::export::Ranges;
use crate::backbones::onnx::{Cut, Network, Spliced, read_network, write_to};
use crate::backbones::{PlainNetwork, RuntimeLibrary, Values};
use crate::error::{Error, ExportProblem, Result};
use crate::images::{DecodeOptions, Preprocessor};
use crate::outputs::TemporaryFolder;
use crate::progress::Progress;

/// The smallest number of images that ranges are taken from.
const LEAST: usize = 100;
/// The largest number of these images.
const MOST: usize = 500;

/// What a conversion needs.
pub(super) struct Conversion<'a> {
    pub(super) options: &'a ExportOptions,
    pub(super) library: &'a RuntimeLibrary,
    /// The folder for the steps of the conversion.
    pub(super) folder: &'a TemporaryFolder,
    pub(super) decoding: &'a DecodeOptions,
    pub(super) preprocessor: &'a mut Preprocessor,
}

impl Conversion<'_> {
    /// Converts a cut network to a file in the folder; `None` if it stays in `float32`.
    ///
    /// # Errors
    /// A network that cannot be converted; [`ExportProblem::FewCalibration`].
    pub(super) fn run(
        &mut self,
        cut: &Cut<'_>,
        progress: &dyn Progress,
    ) -> Result<Option<Network>> {
        let precision = self.options.precision;
        if precision == ExportPrecision::Fp32 {
            return Ok(None);
        }
        let raised =
            precision == ExportPrecision::Int8 || self.options.input == ExportInput::Pixels;
        let data = "backbone.onnx.data";
        let files = if raised {
            cut.raised(data)
        } else {
            cut.files(data)
        }?;
        if files.data.is_some() {
            return Err(ExportProblem::TooLarge.into());
        }
        let path = self.write(&files.model, "backbone.onnx")?;
        let network = read_network(&path)?;
        if precision == ExportPrecision::Fp16 {
            let bytes = network.in_float16()?;
            let path = self.folder.path().join("half.onnx");
            let failed = |error| Error::io("write", &path)(error);
            let mut file = self.folder.create("half.onnx").map_err(failed)?;
            std::io::Write::write_all(&mut file, &bytes).map_err(failed)?;
            return Ok(Some(read_network(&path)?));
        }
        let ranges = self.ranges(&network, cut, progress)?;
        let path = self.write(&network.quantised(&ranges)?, "int8.onnx")?;
        Ok(Some(read_network(&path)?))
    }

    fn write(&self, model: &Spliced, name: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        let mut file = self
            .folder
            .create(name)
            .map_err(Error::io("write", &path))?;
        write_to(model, &mut file, &path)?;
        Ok(path)
    }

    /// Returns the ranges of a network's tensors over the calibration images.
    fn ranges(
        &mut self,
        network: &Network,
        cut: &Cut<'_>,
        progress: &dyn Progress,
    ) -> Result<Ranges> {
        let few = |found| ExportProblem::FewCalibration {
            found,
            needed: LEAST,
        };
        let folder = self.options.calibration.as_deref().ok_or(few(0))?;
        let subjects = pictures::of_folder(folder, MOST)?;
        if subjects.len() < LEAST {
            return Err(few(subjects.len()).into());
        }
        let (model, observed) = network.observed()?;
        let path = self.write(&model, "observed.onnx")?;
        let mut network = PlainNetwork::open(self.library, &path, self.options.run.threads)?;
        let batch = cut.image_input().batch.unwrap_or(1) as usize;
        let [a, b, c] = self.preprocessor.settings().input_shape();
        let (mut ranges, mut used) = (Ranges::new(), 0);
        progress.begin("calibration images", subjects.len() as u64);
        for subject in &subjects {
            progress.advance(1);
            let Ok(crop) = subject.crop(self.decoding, self.preprocessor) else {
                continue;
            };
            used += 1;
            let mut tensor = vec![0.0; a * b * c];
            self.preprocessor.normalise(&crop, &mut tensor);
            let outputs = network.run(&[batch, a, b, c], Values::Floats(&tensor.repeat(batch)))?;
            for (name, ends) in &observed {
                let [low, high] = [0, 1].map(|end| outputs[&ends[end]][0]);
                let range = ranges.entry(name.clone()).or_insert((low, high));
                *range = (range.0.min(low), range.1.max(high));
            }
        }
        progress.end();
        if used < LEAST {
            return Err(few(used).into());
        }
        Ok(ranges)
    }
}
