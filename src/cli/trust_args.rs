//! Arguments on what lets a head be trusted: calibrated probabilities, and images that are of no class.

use super::talk;
use crate::tasks::{CrossValidation, FitHeadReport};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Calibration and unknown images")]
pub(super) struct TrustArgs {
    /// Make probabilities as sure as they are right: a temperature, fitted by cross-validation, is kept in the head.
    #[arg(long)]
    calibrate: bool,
    /// Let `classify` say `unknown` of images that are like no training image, and of this share of those that are of a
    /// class [e.g. 0.05].
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    reject: Option<f64>,
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
}

/// What the fit says of it, at its end.
pub(super) fn tell(report: &FitHeadReport) {
    if let Some(c) = &report.calibration {
        talk::say(format!(
            "  calibrated  temperature {:.3}: log loss {:.4}, was {:.4}, calibration error {:.1} %, was {:.1} %, on images left \
             out ({} folds)",
            c.temperature,
            c.log_loss_after,
            c.log_loss_before,
            100.0 * c.ece_after,
            100.0 * c.ece_before,
            c.folds
        ));
        if c.at_bound {
            talk::warn(
                "the temperature stopped at the end of its range: the images left out are all told apart, or none is; \
                 more images, or harder ones, would say how sure the head may be",
            );
        }
    }
    if let Some(kept) = &report.rejection {
        talk::say(format!(
            "  unknown     below a cosine of {:.3} with the nearest of {} training images: so would be {} of the {} \
             if they were new; {:.1} MB more in the head",
            kept.threshold,
            kept.kept,
            kept.rejected,
            report.n_train,
            kept.bytes as f64 / 1e6
        ));
    }
}
