//! Calibration and rejection: a temperature fitted on images that the head was not trained on, a rejection of
//! images unlike the training images, and whether the validation set agrees with both.

use ndarray::{ArrayView1, ArrayView2, s};
use serde::Serialize;

use super::cross_validation::{Images, LeftOut};
use super::options::{CalibrateOn, CrossValidation, FitHeadOptions};
use crate::classifier::top;
use crate::error::Result;
use crate::head::{
    CalibrationFit, CalibrationMetrics, Disagreement, DisagreementFigure, FitValidParams,
    LabelledFeatures, LinearHead, Rejection, RejectionFit, Search, Temperature,
};
use crate::progress::Progress;

/// A fitted temperature and its effect, measured on images that neither the heads nor the temperature were
/// fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Calibration {
    /// The divisor of the logits.
    pub temperature: f64,
    /// The images that the temperature was fitted on.
    pub on: CalibrateOn,
    /// Whether the temperature helped.
    pub outcome: CalibrationOutcome,
    /// The number of folds.
    pub folds: usize,
    /// The number of images that the temperature was fitted on.
    pub n_images: usize,
    /// The mean of -ln p of the true class without the temperature.
    pub log_loss_before: f64,
    /// The mean of -ln p of the true class with the temperature.
    pub log_loss_after: f64,
    /// The expected calibration error without the temperature, in [0, 1].
    pub ece_before: f64,
    /// The expected calibration error with the temperature, in [0, 1].
    pub ece_after: f64,
    /// The effect on the validation set, if the temperature was fitted on folds and there is one.
    pub on_validation: Option<Change>,
}

/// The effect of a temperature on the log loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The log loss without the temperature.
    pub log_loss_before: f64,
    /// The log loss with the temperature.
    pub log_loss_after: f64,
}

/// Whether the calibration improved the probabilities.
///
/// Exhaustive: code that matches on it handles every variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationOutcome {
    /// The temperature lowers the log loss on images that it was not fitted on.
    Improved,
    /// No temperature was found to be better than 1 on these images.
    Unchanged,
    /// The temperature from the folds increases the log loss on the validation set, so it is not stored.
    Denied,
}

/// The figures of a fitted rejection.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KeptForRejection {
    /// The requested share of images of known classes to reject.
    pub rate: f64,
    /// The similarity threshold: images whose cosine with the nearest training image is lower are rejected.
    pub threshold: f32,
    /// The images that the threshold was fitted on.
    pub on: CalibrateOn,
    /// How many of these would be rejected; a training image is scored as if it and its near-duplicates were
    /// not in the training set.
    pub rejected: usize,
    /// The number of images that the threshold was fitted on.
    pub n_images: usize,
    /// The number of training images whose features the head stores.
    pub kept: usize,
    /// The size of these features in the file, in bytes.
    pub bytes: usize,
}

/// The fitted temperature and rejection, with their reports.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust {
    pub(super) temperature: Temperature,
    pub(super) calibration: Option<Calibration>,
    pub(super) rejection: Option<Rejection>,
    pub(super) kept: Option<KeptForRejection>,
    pub(super) disagreements: Vec<Disagreement>,
}

/// What cross-validation on the training images finds before the head is fitted.
#[derive(Debug, Default)]
pub(super) struct FromFolds {
    calibration: Option<FoldCalibration>,
    rejection: Option<RejectionFit>,
    /// The numbers of right and of all images, for the winner of the search.
    searched: Option<(usize, usize)>,
}

/// The calibration on the folds, and how many images were right out of fold.
#[derive(Debug)]
struct FoldCalibration {
    fit: CalibrationFit,
    folds: usize,
    right: usize,
}

impl FromFolds {
    /// Computes what was requested on the training images.
    pub(super) fn of(
        options: &FitHeadOptions,
        params: &FitValidParams,
        images: &Images<'_, '_>,
        search: Option<&Search>,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let set = images.set;
        let figures = search.and_then(|search| search.winner().figures);
        let right = |accuracy: f64| (accuracy * set.n_samples() as f64).round() as usize;
        let mut found = Self {
            searched: figures.map(|figures| (right(figures.accuracy), set.n_samples())),
            ..Self::default()
        };
        if options.calibrate_on == CalibrateOn::Validation {
            return Ok(found);
        }
        let seed = params.values().seed;
        if let Some(asked) = options.calibrate {
            let LeftOut { folds, logits } = images.out_of_fold(asked, params, progress)?;
            let (logits, fold) = (logits.view(), folds.of_row());
            found.calibration = Some(FoldCalibration {
                fit: CalibrationFit::of(set.classes(), logits, set.targets(), fold)?,
                folds: folds.k(),
                right: right_of(&logits, set),
            });
        }
        if let Some(rate) = options.reject {
            let fit = Rejection::fit(&of_centres(set)?, images.groups(progress)?, rate, seed)?;
            found.rejection = Some(fit);
        }
        Ok(found)
    }

    /// Completes the results with the fitted head and the validation set, if there is one.
    pub(super) fn with(
        self,
        options: &FitHeadOptions,
        seed: u64,
        head: &LinearHead,
        images: &Images<'_, '_>,
    ) -> Result<Trust> {
        let mut trust = Trust::default();
        let validation = images.validation;
        if let (CalibrateOn::Validation, Some(validation)) = (options.calibrate_on, validation) {
            if let Some(folds) = options.calibrate {
                trust.calibrate_on(validation, head, folds)?;
            }
            if let Some(rate) = options.reject {
                let (train, known) = (of_centres(images.set)?, centres(validation));
                let fit = Rejection::fit_on(&train, known, rate, seed)?;
                trust.keep(fit, options.calibrate_on);
            }
        }
        if let Some(validation) = validation {
            trust
                .disagreements
                .extend(self.disagreement(head, validation)?);
        }
        if let Some(on_folds) = self.calibration {
            trust.calibrated(&on_folds, head, validation)?;
        }
        if let Some(fit) = self.rejection {
            trust.check_rejection(&fit, validation)?;
            trust.keep(fit, options.calibrate_on);
        }
        Ok(trust)
    }

    /// Compares the head's accuracy on the validation set with the accuracy out of fold.
    fn disagreement(
        &self,
        head: &LinearHead,
        set: &LabelledFeatures<'_>,
    ) -> Result<Option<Disagreement>> {
        let logits = head.logits(set.features())?;
        let right = (right_of(&logits.view(), set), set.n_samples());
        let on_folds = self.calibration.as_ref();
        let left_out = on_folds.map(|j| (j.right, j.fit.losses.len()));
        let left_out = left_out.or(self.searched);
        let of_accuracy =
            |left_out| Disagreement::of_shares(DisagreementFigure::Accuracy, left_out, right);
        Ok(left_out.and_then(of_accuracy))
    }
}

impl Trust {
    /// Fits the temperature on the validation set.
    fn calibrate_on(
        &mut self,
        validation: &LabelledFeatures<'_>,
        head: &LinearHead,
        folds: CrossValidation,
    ) -> Result<()> {
        let logits = head.logits(validation.features())?;
        let n = validation.n_samples();
        // The images are sorted by class, so every fold gets its share of each class.
        let fold: Vec<usize> = (0..n).map(|image| image % folds.folds).collect();
        let (classes, targets) = (validation.classes(), validation.targets());
        let fit = CalibrationFit::of(classes, logits.view(), targets, &fold)?;
        self.temperature = fit.temperature;
        self.calibration = Some(described(&fit, CalibrateOn::Validation, folds.folds));
        Ok(())
    }

    /// Uses the temperature from the folds, unless it makes the validation set's log loss worse.
    fn calibrated(
        &mut self,
        on_folds: &FoldCalibration,
        head: &LinearHead,
        validation: Option<&LabelledFeatures<'_>>,
    ) -> Result<()> {
        let fit = &on_folds.fit;
        let mut calibration = described(fit, CalibrateOn::Folds, on_folds.folds);
        self.temperature = fit.temperature;
        if let Some(set) = validation {
            let logits = head.logits(set.features())?;
            let metrics = |temperature: Temperature| {
                let p = temperature.probabilities(logits.clone(), set.views());
                CalibrationMetrics::of(set.classes(), set.targets(), &p)
            };
            let (before, _) = metrics(Temperature::default())?;
            let (after, losses) = metrics(fit.temperature)?;
            calibration.on_validation = Some(Change {
                log_loss_before: before.log_loss,
                log_loss_after: after.log_loss,
            });
            let differ = Disagreement::of_losses(&fit.losses, &losses);
            self.disagreements.extend(differ);
            if after.log_loss > before.log_loss {
                self.temperature = Temperature::default();
                calibration.temperature = 1.0;
                calibration.outcome = CalibrationOutcome::Denied;
            }
        }
        self.calibration = Some(calibration);
        Ok(())
    }

    /// Checks that the validation set is rejected about as often as the training images would be.
    fn check_rejection(
        &mut self,
        fit: &RejectionFit,
        validation: Option<&LabelledFeatures<'_>>,
    ) -> Result<()> {
        let Some(set) = validation else {
            return Ok(());
        };
        let likeness = fit.rejection.likeness(centres(set))?;
        let rejected = likeness.iter().filter(|l| fit.rejection.rejects(l)).count();
        // Fisher's test instead of a binomial one: the threshold is itself estimated on the training images.
        self.disagreements.extend(Disagreement::of_shares(
            DisagreementFigure::Rejection,
            (fit.rejected, fit.scored),
            (rejected, set.n_samples()),
        ));
        Ok(())
    }

    fn keep(&mut self, fit: RejectionFit, on: CalibrateOn) {
        self.kept = Some(KeptForRejection {
            rate: fit.rejection.rule().rate,
            threshold: fit.rejection.rule().threshold,
            on,
            rejected: fit.rejected,
            n_images: fit.scored,
            kept: fit.rejection.classes().len(),
            bytes: fit.rejection.bytes(),
        });
        self.rejection = Some(fit.rejection);
    }
}

fn described(fit: &CalibrationFit, on: CalibrateOn, folds: usize) -> Calibration {
    let unchanged = fit.temperature == Temperature::default();
    Calibration {
        temperature: fit.temperature.value(),
        on,
        outcome: if unchanged {
            CalibrationOutcome::Unchanged
        } else {
            CalibrationOutcome::Improved
        },
        folds,
        n_images: fit.losses.len(),
        log_loss_before: fit.before.log_loss,
        log_loss_after: fit.after.log_loss,
        ece_before: fit.before.ece,
        ece_after: fit.after.ece,
        on_validation: None,
    }
}

/// Returns the centre views with their classes.
fn of_centres<'a>(set: &LabelledFeatures<'a>) -> Result<LabelledFeatures<'a>> {
    LabelledFeatures::new(centres(set), set.targets(), set.classes())
}

/// Returns the first view of each image, the centre.
fn centres<'a>(set: &LabelledFeatures<'a>) -> ArrayView2<'a, f32> {
    set.features().slice_move(s![..; set.views(), ..])
}

/// Counts the images whose most probable class is the true one.
fn right_of(logits: &ArrayView2<'_, f64>, set: &LabelledFeatures<'_>) -> usize {
    let p = Temperature::default().probabilities(logits.to_owned(), set.views());
    let rows = p.rows().into_iter().zip(set.targets());
    let best = |p: ArrayView1<'_, f64>| top(&p.to_vec(), 1).first().map(|(class, _)| *class);
    rows.filter(|(p, target)| best(*p) == Some(**target))
        .count()
}
