//! Arguments for calibration and rejection, and messages about them.

use super::number::float;
use super::talk;
use frostline::head::Disagreement;
use frostline::results::{fitted_on, trust_warnings};
use frostline::tasks::{
    CalibrateOn, Calibration, CalibrationOutcome, CrossValidation, FitHeadReport, KeptForRejection,
};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Calibration and unknown images")]
#[command(group = clap::ArgGroup::new("trusting").args(["calibrate", "reject"]).multiple(true))]
pub(super) struct TrustArgs {
    /// Calibrate probabilities: fit a temperature by cross-validation and store it in the head.
    #[arg(long)]
    calibrate: bool,
    /// Reject images unlike any training image: `classify` labels them `unknown`. RATE is the share of known
    /// images you accept to reject wrongly, such as 0.05.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true, value_parser = float::<f64>)]
    reject: Option<f64>,
    /// Images to fit the temperature of --calibrate and the threshold of --reject on [default: folds].
    #[arg(
        long,
        value_enum,
        value_name = "IMAGES",
        requires = "trusting",
        requires_if("validation", "validating")
    )]
    calibrate_on: Option<CalibrateOnArg>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CalibrateOnArg {
    /// The training images, each predicted by a head trained without it.
    Folds,
    /// The validation set; better if it resembles new images more than the training set does.
    Validation,
}

impl TrustArgs {
    pub(super) fn calibrate(&self, how: CrossValidation) -> Option<CrossValidation> {
        self.calibrate.then_some(how)
    }

    pub(super) fn is_calibrating(&self) -> bool {
        self.calibrate
    }

    pub(super) fn reject(&self) -> Option<f64> {
        self.reject
    }

    pub(super) fn calibrate_on(&self) -> CalibrateOn {
        match self.calibrate_on {
            Some(CalibrateOnArg::Validation) => CalibrateOn::Validation,
            Some(CalibrateOnArg::Folds) | None => CalibrateOn::Folds,
        }
    }
}

/// Prints the calibration and the rejection of a fit.
pub(super) fn tell(report: &FitHeadReport) {
    if let Some(calibration) = &report.calibration {
        tell_calibration(calibration);
    }
    if let Some(kept) = &report.rejection {
        tell_rejection(kept);
    }
    trust_warnings(report).for_each(talk::warn);
    let on_folds = report
        .calibration
        .map(|c| c.on)
        .or(report.rejection.map(|r| r.on));
    let worse = report.disagreements.iter().any(Disagreement::is_worse);
    if worse && on_folds == Some(CalibrateOn::Folds) {
        talk::note(
            "use --calibrate-on validation to fit the temperature and the rejection threshold on the \
             validation set",
        );
    }
}

fn tell_calibration(c: &Calibration) {
    let images = fitted_on(c);
    match c.outcome {
        CalibrationOutcome::Improved => talk::say(format!(
            "  calibrated  temperature {:.3}: log loss {:.4} (was {:.4}), calibration error {:.1} % (was \
             {:.1} %), on {images}",
            c.temperature,
            c.log_loss_after,
            c.log_loss_before,
            100.0 * c.ece_after,
            100.0 * c.ece_before,
        )),
        CalibrationOutcome::Unchanged => talk::say(format!(
            "  calibrated  temperature 1; no better one was found on {images}: log loss {:.4}, \
             calibration error {:.1} %",
            c.log_loss_before,
            100.0 * c.ece_before
        )),
        // A warning says so.
        CalibrationOutcome::Denied => {}
    }
}

fn tell_rejection(kept: &KeptForRejection) {
    let images = match kept.on {
        CalibrateOn::Folds => "training images, leave-one-out",
        CalibrateOn::Validation => "validation images",
    };
    talk::say(format!(
        "  rejection   rejects below similarity {:.3} to the nearest of {} training images ({} of {} \
         {images}); adds {:.1} MB to the head",
        kept.threshold,
        kept.kept,
        kept.rejected,
        kept.n_images,
        kept.bytes as f64 / 1e6
    ));
}
