//! Arguments on what is found by cross-validation, and the tables of it.

use super::talk;
use frostline::head::{
    Candidate, LearningPoint, NEAR_DUPLICATE, Schedule, Search, Setting, Tunable,
};
use frostline::tasks::{CrossValidation, FitHeadReport};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cross-validation")]
pub(super) struct SearchArgs {
    /// Search for the best learning rate and weight decay, or l2 of L-BFGS, and fit with them; --lr,
    /// --weight-decay or --l2 that are given stay as they are, and --schedule is cosine unless given.
    #[arg(long, conflicts_with = "patience")]
    search: bool,
    /// Train on 10, 20 … 100 % of the images: would more of them help?
    #[arg(long)]
    learning_curve: bool,
    /// Number of folds for cross-validation (--search, --learning-curve, --calibrate) [default: 5]. Given
    /// alone, or with --search or --calibrate, the out-of-fold predictions are stored in the head: `evaluate`
    /// and `report` use them for images that the head was trained on.
    #[arg(long, value_name = "K")]
    folds: Option<usize>,
    /// Cosine from which on two images count as nearly equal: they share a fold, and --reject leaves them out
    /// for each other.
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

    /// Whether predictions of training images are made by heads without them, and kept.
    pub(super) fn out_of_fold(&self, calibrate: bool) -> Option<CrossValidation> {
        let asked = self.folds.is_some() || self.search || calibrate;
        asked.then(|| self.folds())
    }

    pub(super) fn search(&self) -> Option<CrossValidation> {
        self.search.then(|| self.folds())
    }

    /// The schedule where none is asked for: a rate that falls to 0 ends where it was going, whatever came
    /// last.
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

/// What was tried and what it gave.
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
        "searched {} candidates × {} folds in {:.2} s; the best accuracy within 5 % of the lowest Brier \
         score wins",
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
            "the best {option} is at the end of what was tried, though the grid was extended: one beyond it \
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
        return format!("{setting}  no finite loss, or no minimum");
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
    talk::say("learning curve: accuracy on images left out, by images trained on");
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
