//! Compares an exported network with frostline's own predictions.

use std::time::{Duration, Instant};

use ndarray::{Array2, ArrayView2};

use super::options::{Agreement, ExportInput, ExportOptions, ExportPrecision};
use super::pictures::Subject;
use crate::backbones::onnx::export::output;
use crate::backbones::{Backbone, Frozen, Outputs, PlainNetwork, Values};
use crate::classifier::{Predictor, top};
use crate::error::{ExportProblem, Result};
use crate::head::softmax;
use crate::images::{DecodeOptions, Preprocessor, RgbImage, SkipReason};
use crate::progress::Progress;
use crate::tasks::inputs::Skipped;

/// The largest difference of a probability: rounding of `float32`.
const TOLERANCE: f64 = 1e-4;
/// The same for a network that resizes images, whose 8-bit values may differ by 1 from Pillow's.
const RESIZED_TOLERANCE: f64 = 0.02;
/// The number of images in a batch of a network that takes any number.
const AT_ONCE: usize = 4;

/// Both sides of the comparison.
pub(super) struct Comparison<'a> {
    pub(super) options: &'a ExportOptions,
    pub(super) predictor: &'a Predictor,
    pub(super) frozen: &'a mut Frozen,
    pub(super) exported: PlainNetwork,
    pub(super) decoding: DecodeOptions,
    pub(super) preprocessor: Preprocessor,
}

/// An image that both sides classify.
struct Image<'s> {
    subject: &'s Subject,
    crop: Vec<u8>,
    tensor: Vec<f32>,
    /// The whole image, if the network takes it.
    whole: Option<RgbImage>,
}

/// What one side says of an image.
struct Answer {
    probabilities: Vec<f64>,
    /// Its similarity to the training images, and whether it is unknown.
    likeness: Option<(f32, bool)>,
}

impl Comparison<'_> {
    /// Compares the predictions for all images, and returns those that cannot be used.
    ///
    /// # Errors
    /// [`ExportProblem::Disagrees`] if a probability differs by more than rounding explains;
    /// [`ExportProblem::NothingToCompare`] if no image can be used.
    pub(super) fn run(
        &mut self,
        subjects: &[Subject],
        progress: &dyn Progress,
    ) -> Result<(Agreement, Vec<Skipped>)> {
        progress.begin("images", subjects.len() as u64);
        let compared = self.compare(subjects, progress);
        progress.end();
        let (tally, skipped) = compared?;
        let agreement = tally.agreement();
        if agreement.images == 0 {
            return Err(ExportProblem::NothingToCompare.into());
        }
        let similar = agreement.largest_similarity_difference.unwrap_or(0.0);
        let difference = agreement.largest_difference.max(similar);
        let limit = match (self.options.precision, self.options.input) {
            // Their agreement is for the user to judge, apart from the accuracy.
            (ExportPrecision::Fp16 | ExportPrecision::Int8, _) => f64::INFINITY,
            (ExportPrecision::Fp32, ExportInput::Pixels) => RESIZED_TOLERANCE,
            (ExportPrecision::Fp32, ExportInput::Tensor | ExportInput::Crop) => TOLERANCE,
        };
        if difference.is_nan() || difference > limit {
            return Err(ExportProblem::Disagrees {
                images: agreement.images,
                equal_labels: agreement.equal_labels,
                difference,
                limit,
            }
            .into());
        }
        self.check_accuracy(&agreement)?;
        Ok((agreement, skipped))
    }

    /// Refuses a network that is less accurate than frostline by more than the user allows.
    fn check_accuracy(&self, agreement: &Agreement) -> Result<(), ExportProblem> {
        let (Some(before), Some(after)) = (agreement.accuracy_before, agreement.accuracy_after)
        else {
            return Ok(());
        };
        // Rounding must not make a drop of exactly the limit one too many.
        let (drop, limit) = (100.0 * (before - after), self.options.max_drop);
        if drop <= limit + 1e-9 {
            return Ok(());
        }
        Err(ExportProblem::Drop {
            before,
            after,
            limit,
        })
    }

    fn compare(
        &mut self,
        subjects: &[Subject],
        progress: &dyn Progress,
    ) -> Result<(Tally, Vec<Skipped>)> {
        let (mut tally, mut skipped) = (Tally::default(), Vec::new());
        let backbone = &self.frozen.backbone;
        let fixed = backbone.fixed_batch();
        // Images of several sizes cannot be in one batch.
        let at_once = match self.options.input {
            ExportInput::Pixels => 1,
            ExportInput::Tensor | ExportInput::Crop => fixed.unwrap_or(AT_ONCE),
        };
        for some in subjects.chunks(at_once) {
            let mut images = Vec::new();
            for subject in some {
                match self.image(subject) {
                    Ok(image) => images.push(image),
                    Err(reason) => skipped.push(Skipped {
                        path: subject.name.clone(),
                        reason: reason.to_string(),
                    }),
                }
            }
            if !images.is_empty() {
                self.compare_batch(&images, fixed.unwrap_or(images.len()), &mut tally)?;
            }
            progress.advance(some.len() as u64);
        }
        Ok((tally, skipped))
    }

    fn image<'s>(&mut self, subject: &'s Subject) -> Result<Image<'s>, SkipReason> {
        let crop = subject.crop(&self.decoding, &mut self.preprocessor)?;
        let is_whole = self.options.input == ExportInput::Pixels;
        let whole = is_whole.then(|| subject.pixels(&self.decoding));
        let mut tensor = vec![0.0; self.preprocessor.settings().num_values()];
        self.preprocessor.normalise(&crop, &mut tensor);
        Ok(Image {
            subject,
            crop,
            tensor,
            whole: whole.transpose()?,
        })
    }

    fn compare_batch(
        &mut self,
        images: &[Image<'_>],
        batch: usize,
        tally: &mut Tally,
    ) -> Result<()> {
        let own = self.own(images)?;
        let start = Instant::now();
        let outputs = self.run_exported(images, batch);
        let outputs = outputs.map_err(|error| ExportProblem::DoesNotRun(error.to_string()))?;
        tally.time += start.elapsed();
        let theirs = self.answers(&outputs, batch)?;
        for ((image, own), theirs) in images.iter().zip(own).zip(theirs) {
            let class = image.subject.class.as_deref();
            let target = class.and_then(|name| self.predictor.classes().class_to_idx(name));
            tally.count(&own, &theirs, target);
            tally.generated += usize::from(image.subject.is_made());
        }
        Ok(())
    }

    /// Returns frostline's answers.
    fn own(&mut self, images: &[Image<'_>]) -> Result<Vec<Answer>> {
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
        let answer = |(i, prediction): (usize, Result<crate::classifier::Prediction, _>)| Answer {
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
    fn run_exported(&mut self, images: &[Image<'_>], batch: usize) -> Result<Outputs> {
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
    fn answers(&self, outputs: &Outputs, batch: usize) -> Result<Vec<Answer>> {
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
        let answer = |(i, row): (usize, ndarray::ArrayView1<'_, f64>)| Answer {
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

/// The comparison so far.
#[derive(Default)]
struct Tally {
    images: usize,
    generated: usize,
    equal_labels: usize,
    largest_difference: f64,
    likeness: Option<(f64, usize)>,
    labelled: usize,
    right: [usize; 2],
    time: Duration,
}

impl Tally {
    /// Adds the answers of both sides for an image, whose class may be known.
    fn count(&mut self, own: &Answer, theirs: &Answer, target: Option<usize>) {
        let labels = [own, theirs].map(|answer| top(&answer.probabilities, 1)[0].0);
        self.images += 1;
        self.equal_labels += usize::from(labels[0] == labels[1]);
        let both = own.probabilities.iter().zip(&theirs.probabilities);
        // A difference that is not a number must not be lost: `max` would drop it.
        for difference in both.map(|(own, theirs)| (own - theirs).abs()) {
            if difference.is_nan() || difference > self.largest_difference {
                self.largest_difference = difference;
            }
        }
        if let (Some(own), Some(theirs)) = (own.likeness, theirs.likeness) {
            let (largest, unequal) = self.likeness.unwrap_or_default();
            let difference = f64::from((own.0 - theirs.0).abs());
            let unequal = unequal + usize::from(own.1 != theirs.1);
            self.likeness = Some((largest.max(difference), unequal));
        }
        if let Some(target) = target {
            self.labelled += 1;
            for (right, label) in self.right.iter_mut().zip(labels) {
                *right += usize::from(label == target);
            }
        }
    }

    fn agreement(&self) -> Agreement {
        let share = |right: usize| (self.labelled > 0).then(|| right as f64 / self.labelled as f64);
        Agreement {
            images: self.images,
            generated: self.generated,
            equal_labels: self.equal_labels,
            largest_difference: self.largest_difference,
            largest_similarity_difference: self.likeness.map(|(largest, _)| largest),
            differently_rejected: self.likeness.map(|(_, unequal)| unequal),
            labelled: self.labelled,
            accuracy_before: share(self.right[0]),
            accuracy_after: share(self.right[1]),
            ms_per_image: 1000.0 * self.time.as_secs_f64() / self.images.max(1) as f64,
        }
    }
}
