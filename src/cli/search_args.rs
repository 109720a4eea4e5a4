//! Arguments for cross-validation, and its tables.

use super::talk;
use frostline::head::{
    Candidate, LearningPoint, NEAR_DUPLICATE, Schedule, Search, Setting, Tunable,
};
use frostline::tasks::{CrossValidation, FitHeadReport};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cross-validation")]
pub(super) struct SearchArgs {
    /// Search for the best learning rate and weight decay, or the best L2 penalty of lbfgs, and train with
    /// them. Values set with --lr, --weight-decay or --l2 stay fixed; --schedule defaults to cosine.
    #[arg(long, conflicts_with = "patience")]
    search: bool,
    /// Train on 10, 20, …, 100 % of the images to show whether more images would help.
    #[arg(long)]
    learning_curve: bool,
    /// Number of folds for cross-validation (--search, --learning-curve, --calibrate) [default: 5]. --folds,
    /// --search and --calibrate store the out-of-fold predictions in the head: `evaluate` and `report` use
    /// them for images that the head was trained on.
    #[arg(long, value_name = "K")]
    folds: Option<usize>,
    /// Cosine similarity from which two images count as near-duplicates: they share a fold, and --reject
    /// ignores one when it scores the other.
    #[arg(long, value_name = "COSINE", default_value_t = NEAR_DUPLICATE)]
    near: f32,
}

impl SearchArgs {
    pub(super) fn near(&self) -> f32 {
        self.near
    }

    pub(super) fn folds(&self) -> CrossValidation {
        self.folds
            .map_or_else(CrossValidation::default, CrossValidation::new)
    }

    /// Returns the cross-validation whose out-of-fold predictions are stored in the head, if any.
    pub(super) fn out_of_fold(&self, calibrate: bool) -> Option<CrossValidation> {
        let asked = self.folds.is_some() || self.search || calibrate;
        asked.then(|| self.folds())
    }

    pub(super) fn search(&self) -> Option<CrossValidation> {
        self.search.then(|| self.folds())
    }

    /// Returns the default schedule. A search uses cosine: with a rate that falls to 0, the result depends
    /// less on the last batches.
    pub(super) fn schedule(&self) -> Schedule {
        if self.search {
            Schedule::Cosine
        } else {
            Schedule::Constant
        }
    }

    pub(super) fn learning_curve(&self) -> Option<CrossValidation> {
        self.learning_curve.then(|| self.folds())
    }
}

/// Prints the results of the search and the learning curve.
pub(super) fn tell(report: &FitHeadReport) {
    if let Some(search) = &report.search {
        tell_search(search);
    }
    if let Some(curve) = &report.learning_curve {
        tell_curve(curve);
    }
}

fn tell_search(search: &Search) {
    talk::say(format!(
        "searched {} candidates × {} folds in {:.2} s; chosen is the most accurate setting whose Brier \
         score is within 5 % of the best",
        search.candidates.len(),
        search.folds,
        search.seconds
    ));
    let names = match search.winner().setting {
        Setting::Sgd { .. } => format!("{:>8}  {:>8}", "lr", "decay"),
        Setting::Lbfgs { .. } => format!("{:>10}", "l2"),
    };
    talk::say(format!("  {names}  accuracy           log loss   Brier"));
    for (number, candidate) in search.candidates.iter().enumerate() {
        let mark = if number == search.chosen { "  <" } else { "" };
        talk::say(format!("  {}{mark}", row(candidate)));
    }
    for tunable in &search.at_edge {
        let option = match tunable {
            Tunable::Lr => "--lr",
            Tunable::WeightDecay => "--weight-decay",
            Tunable::L2 => "--l2",
        };
        talk::note(format!(
            "the best {option} is at the edge of the grid, although the grid was extended; a value beyond it \
             may be better"
        ));
    }
}

fn row(candidate: &Candidate) -> String {
    let setting = match candidate.setting {
        Setting::Sgd { lr, weight_decay } => format!("{lr:>8}  {weight_decay:>8}"),
        Setting::Lbfgs { l2 } => format!("{l2:>10}"),
    };
    let Some(f) = candidate.figures else {
        return format!("{setting}  diverged or did not converge");
    };
    format!(
        "{setting}  {:>5.1} % (± {:>4.1})   {:>8.4}  {:>6.4}",
        100.0 * f.accuracy,
        100.0 * f.accuracy_std,
        f.loss,
        f.brier
    )
}

fn tell_curve(curve: &[LearningPoint]) {
    talk::say("learning curve: accuracy on held-out images, by number of training images");
    for point in curve {
        talk::say(format!(
            "  {:>8}  {:>5.1} %   {:>5.1} – {:.1} %",
            point.n,
            100.0 * point.mean,
            100.0 * point.low,
            100.0 * point.high
        ));
    }
}
