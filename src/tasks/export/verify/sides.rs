//! Runs both sides of the comparison on images.

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::tally::Answer;
use super::{Comparison, Image};
use crate::backbones::onnx::export::output;
use crate::backbones::{Backbone, Outputs, Values};
use crate::classifier::{NoPrediction, Prediction};
use crate::error::Result;
use crate::head::softmax;
use crate::tasks::export::options::ExportInput;

impl Comparison<'_> {
    /// Returns frostline's answers.
    pub(super) fn own(&mut self, images: &[Image<'_>]) -> Result<Vec<Answer>> {
        let tensors = images.iter().map(|image| &*image.tensor);
        let tensors = tensors.collect::<Vec<_>>().concat();
        let features = self.frozen.backbone.forward(&tensors, images.len())?;
        self.predicted(&features, images.len())
    }

    /// Returns the head's answers for features.
    fn predicted(&self, features: &[f32], n: usize) -> Result<Vec<Answer>> {
        let width = features.len() / n;
        let features = ArrayView2::from_shape((n, width), features).expect("rows of D features");
        let rejection = self
            .predictor
            .rejection()
            .filter(|_| self.options.with_rejection);
        let likeness = rejection.map(|rejection| Ok((rejection, rejection.likeness(features)?)));
        let likeness: Option<Result<_>> = likeness;
        let likeness = likeness.transpose()?;
        let predictions = self.predictor.predict(features)?.into_iter().enumerate();
        let answer = |(i, prediction): (usize, Result<Prediction, NoPrediction>)| Answer {
            probabilities: prediction.map_or_else(
                |_| vec![f64::NAN; self.predictor.classes().len()],
                |prediction| prediction.probabilities().to_vec(),
            ),
            likeness: likeness
                .as_ref()
                .map(|(rejection, likeness)| (likeness[i].score, rejection.rejects(&likeness[i]))),
        };
        Ok(predictions.map(answer).collect())
    }

    /// Runs the exported network; a batch that is too small is filled with copies of its first image.
    pub(super) fn run_exported(&mut self, images: &[Image<'_>], batch: usize) -> Result<Outputs> {
        let filled = |i: usize| images.get(i).unwrap_or(&images[0]);
        let settings = self.preprocessor.settings();
        match self.options.input {
            ExportInput::Tensor => {
                let values: Vec<f32> = (0..batch)
                    .flat_map(|i| &filled(i).tensor)
                    .copied()
                    .collect();
                let [a, b, c] = settings.input_shape();
                self.exported
                    .run(&[batch, a, b, c], Values::Floats(&values))
            }
            ExportInput::Crop => {
                let values: Vec<u8> = (0..batch).flat_map(|i| &filled(i).crop).copied().collect();
                let (width, height) = settings.output_size();
                let (width, height) = (width as usize, height as usize);
                self.exported
                    .run(&[batch, height, width, 3], Values::Bytes(&values))
            }
            ExportInput::Pixels => {
                let whole = images[0].whole.as_ref().expect("it was decoded");
                let (width, height) = (whole.width() as usize, whole.height() as usize);
                let values = whole.pixels().repeat(batch);
                self.exported
                    .run(&[batch, height, width, 3], Values::Bytes(&values))
            }
        }
    }

    /// Returns the exported network's answers, from whichever output it has.
    pub(super) fn answers(&self, outputs: &Outputs, batch: usize) -> Result<Vec<Answer>> {
        let classes = self.predictor.classes().len();
        let rows = |values: &[f32]| {
            let values = values.iter().map(|&value| f64::from(value)).collect();
            Array2::from_shape_vec((batch, classes), values).expect("a row for each image")
        };
        let probabilities = if let Some(values) = outputs.get(output::PROBABILITIES) {
            rows(values)
        } else if let Some(values) = outputs.get(output::LOGITS) {
            softmax(rows(values))
        } else {
            let features = outputs.get(output::FEATURES).map_or(&[][..], Vec::as_slice);
            return self.predicted(features, batch);
        };
        let likeness = outputs
            .get(output::SIMILARITY)
            .zip(outputs.get(output::UNKNOWN));
        let answer = |(i, row): (usize, ArrayView1<'_, f64>)| Answer {
            probabilities: row.to_vec(),
            likeness: likeness.map(|(scores, unknown)| (scores[i], unknown[i] > 0.5)),
        };
        Ok(probabilities
            .rows()
            .into_iter()
            .enumerate()
            .map(answer)
            .collect())
    }
}
