//! Compares an exported network with frostline's own predictions.

mod sides;
mod tally;

use std::time::Instant;

use self::tally::{Tally, Target, larger};
use super::options::{Agreement, ExportInput, ExportOptions, ExportPrecision};
use super::pictures::{self, Subject};
use crate::backbones::{Frozen, PlainNetwork};
use crate::classifier::Predictor;
use crate::error::{ExportProblem, Result};
use crate::head::ImageRole;
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
    pub(super) decoding: &'a DecodeOptions,
    pub(super) preprocessor: &'a mut Preprocessor,
}

/// An image that both sides classify.
struct Image<'s> {
    subject: &'s Subject,
    crop: Vec<u8>,
    tensor: Vec<f32>,
    /// The whole image, if the network takes it.
    whole: Option<RgbImage>,
    target: Option<Target>,
}

impl Comparison<'_> {
    /// Compares the predictions for images, and for generated ones if too few of them can be used. Returns
    /// those that cannot be used.
    ///
    /// # Errors
    /// [`ExportProblem::Disagrees`] if a probability differs by more than rounding explains;
    /// [`ExportProblem::NothingToCompare`] if no image can be used.
    pub(super) fn run(
        &mut self,
        subjects: &[Subject],
        progress: &dyn Progress,
    ) -> Result<(Agreement, Vec<Skipped>)> {
        progress.begin("images", subjects.len().max(pictures::LEAST) as u64);
        let compared = self.compare(subjects, progress);
        progress.end();
        let (tally, skipped) = compared?;
        let agreement = tally.agreement();
        self.check_differences(&agreement)?;
        self.check_accuracy(&agreement)?;
        Ok((agreement, skipped))
    }

    /// Refuses a network whose numbers differ from frostline's by more than rounding explains.
    fn check_differences(&self, agreement: &Agreement) -> Result<(), ExportProblem> {
        let similar = agreement.largest_similarity_difference.unwrap_or(0.0);
        let difference = larger(agreement.largest_difference, similar);
        let limit = match (self.options.precision, self.options.input) {
            // Their agreement is for the user to judge, apart from the accuracy.
            (ExportPrecision::Fp16 | ExportPrecision::Int8, _) => f64::INFINITY,
            (ExportPrecision::Fp32, ExportInput::Pixels) => RESIZED_TOLERANCE,
            (ExportPrecision::Fp32, ExportInput::Tensor | ExportInput::Crop) => TOLERANCE,
        };
        if difference <= limit {
            return Ok(());
        }
        Err(ExportProblem::Disagrees {
            images: agreement.images,
            equal_labels: agreement.equal_labels,
            difference,
            limit,
        })
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
        let mut tally = Tally::default();
        let skipped = self.compare_all(subjects, &mut tally, progress)?;
        if tally.images == 0 && !subjects.is_empty() {
            return Err(ExportProblem::NothingToCompare.into());
        }
        let missing = pictures::LEAST.saturating_sub(tally.images);
        let made: Vec<Subject> = (0..missing).map(pictures::made).collect();
        self.compare_all(&made, &mut tally, progress)?;
        Ok((tally, skipped))
    }

    fn compare_all(
        &mut self,
        subjects: &[Subject],
        tally: &mut Tally,
        progress: &dyn Progress,
    ) -> Result<Vec<Skipped>> {
        let mut skipped = Vec::new();
        let fixed = self.frozen.backbone.fixed_batch();
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
                self.compare_batch(&images, fixed.unwrap_or(images.len()), tally)?;
            }
            progress.advance(some.len() as u64);
        }
        Ok(skipped)
    }

    fn image<'s>(&mut self, subject: &'s Subject) -> Result<Image<'s>, SkipReason> {
        let crop = subject.crop(self.decoding, self.preprocessor)?;
        let is_whole = self.options.input == ExportInput::Pixels;
        let whole = is_whole.then(|| subject.pixels(self.decoding));
        let mut tensor = vec![0.0; self.preprocessor.settings().num_values()];
        self.preprocessor.normalise(&crop, &mut tensor);
        Ok(Image {
            subject,
            crop,
            tensor,
            whole: whole.transpose()?,
            target: self.target(subject),
        })
    }

    fn target(&self, subject: &Subject) -> Option<Target> {
        let classes = self.predictor.classes();
        let digest = subject.digest(self.decoding);
        let role = digest.map(|digest| self.predictor.record().role(&digest.0));
        Some(Target {
            class: classes.class_to_idx(subject.class.as_deref()?)?,
            is_training: role == Some(ImageRole::Training),
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
            tally.count(&own, &theirs, image.target);
            let is_labelled = image.subject.class.is_some();
            tally.foreign += usize::from(is_labelled && image.target.is_none());
            tally.generated += usize::from(image.subject.is_made());
        }
        Ok(())
    }
}
