//! Arguments on what lets a head be trusted: calibrated probabilities, and images that are of no class.

use super::talk;
use frostline::head::Disagreement;
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
    /// Let `classify` say `unknown` of images that are like no training image, and of this share of those
    /// that are of a class [e.g. 0.05].
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    reject: Option<f64>,
    /// Images that the temperature of --calibrate and the threshold of --reject are fitted on.
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
    /// The training images, each left out once (the default).
    Folds,
    /// The validation set: where it is nearer to the images to come than the training images are.
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

/// What the fit says of it, at its end.
pub(super) fn tell(report: &FitHeadReport) {
    if let Some(calibration) = &report.calibration {
        tell_calibration(calibration);
    }
    if let Some(kept) = &report.rejection {
        tell_rejection(kept);
    }
    report.disagreements.iter().for_each(talk::warn);
    let on_folds = report
        .calibration
        .map(|c| c.on)
        .or(report.rejection.map(|r| r.on));
    let worse = report.disagreements.iter().any(Disagreement::is_worse);
    if worse && on_folds == Some(CalibrateOn::Folds) {
        talk::note(
            "--calibrate-on validation fits the temperature and the rejection's threshold on the validation \
             set",
        );
    }
}

fn tell_calibration(c: &Calibration) {
    let images = match c.on {
        CalibrateOn::Folds => format!("{} training images left out", c.n_images),
        CalibrateOn::Validation => format!("{} validation images", c.n_images),
    };
    let folds = format!("({} folds)", c.folds);
    match c.outcome {
        CalibrationOutcome::Improved => talk::say(format!(
            "  calibrated  temperature {:.3}: log loss {:.4}, was {:.4}, calibration error {:.1} %, was \
             {:.1} %, on {images} {folds}",
            c.temperature,
            c.log_loss_after,
            c.log_loss_before,
            100.0 * c.ece_after,
            100.0 * c.ece_before,
        )),
        CalibrationOutcome::Unchanged => talk::say(format!(
            "  calibrated  temperature 1: no other is better, as far as {images} can tell {folds}: log loss \
             {:.4}, calibration error {:.1} %",
            c.log_loss_before,
            100.0 * c.ece_before
        )),
        CalibrationOutcome::Denied => {
            let [before, after] = c
                .on_validation
                .map_or([f64::NAN; 2], |v| [v.log_loss_before, v.log_loss_after]);
            talk::warn(format!(
                "not calibrated: the temperature that fits {images} {folds} raises the log loss of the \
                 validation set from {before:.4} to {after:.4}; the head keeps temperature 1"
            ));
        }
    }
}

fn tell_rejection(kept: &KeptForRejection) {
    let so = match kept.on {
        CalibrateOn::Folds => format!(
            "so would be {} of {} training images if they were new",
            kept.rejected, kept.n_images
        ),
        CalibrateOn::Validation => format!(
            "so are {} of {} validation images",
            kept.rejected, kept.n_images
        ),
    };
    talk::say(format!(
        "  unknown     below a cosine of {:.3} with the nearest of {} training images: {so}; {:.1} MB more \
         in the head",
        kept.threshold,
        kept.kept,
        kept.bytes as f64 / 1e6
    ));
}
