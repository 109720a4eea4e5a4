//! Arguments for cross-validation, and its tables.

use super::number::float;
use super::talk;
use frostline::head::{
    Candidate, FitValues, LearningPoint, NEAR_DUPLICATE, Schedule, Search, Setting, Tunable,
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
    #[arg(long, value_name = "COSINE", default_value_t = NEAR_DUPLICATE, value_parser = float::<f32>)]
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

/// Prints the results of the search, which started from `values`, and the learning curve.
pub(super) fn tell(report: &FitHeadReport, values: &FitValues) {
    if let Some(search) = &report.search {
        tell_search(search);
        gain(search, values).iter().for_each(talk::say);
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

/// Compares the chosen setting with that of `values`, which is usually the default; `None` if the search has
/// not tried it.
fn gain(search: &Search, values: &FitValues) -> Option<String> {
    let is_start = |candidate: &&Candidate| candidate.setting.applied_to(values) == *values;
    let start = search.candidates.iter().find(is_start)?;
    let default = FitValues::default();
    let is_default = start.setting.applied_to(&default) == default;
    let name = if is_default { "default" } else { "given" };
    let (winner, setting) = (search.winner(), words(start.setting));
    if winner.setting == start.setting {
        return Some(format!(
            "  the {name} setting ({setting}) is the chosen one"
        ));
    }
    let chosen = 100.0 * winner.figures?.accuracy;
    let Some(figures) = start.figures else {
        return Some(format!(
            "  chosen {chosen:.1} %; the {name} setting ({setting}) diverged or did not converge"
        ));
    };
    let before = 100.0 * figures.accuracy;
    Some(format!(
        "  chosen {chosen:.1} %, the {name} setting ({setting}) {before:.1} %: {:+.1} percentage points, in \
         the same cross-validation",
        chosen - before
    ))
}

fn words(setting: Setting) -> String {
    match setting {
        Setting::Sgd { lr, weight_decay } => format!("lr {lr}, weight decay {weight_decay}"),
        Setting::Lbfgs { l2 } => format!("l2 {l2}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a search of two candidates with these accuracies, the default one first.
    fn search(default: Option<f64>, other: f64, chosen: usize) -> Search {
        let candidate = |lr: f64, accuracy: Option<f64>| {
            let figures = accuracy.map(|accuracy| {
                serde_json::json!({"accuracy": accuracy, "accuracy_std": 0.0, "loss": 0.1, "brier": 0.1})
            });
            let mut candidate = serde_json::json!({"lr": lr, "weight_decay": 0.0});
            for (key, value) in figures.iter().flat_map(|f| f.as_object().unwrap()) {
                candidate[key] = value.clone();
            }
            candidate
        };
        let candidates = [candidate(0.001, default), candidate(0.01, Some(other))];
        serde_json::from_value(serde_json::json!({
            "folds": 5, "candidates": candidates, "chosen": chosen, "seconds": 1.0
        }))
        .unwrap()
    }

    #[test]
    fn the_chosen_setting_is_compared_with_the_default_one() {
        let values = FitValues::default();
        let said = |default, other, chosen| gain(&search(default, other, chosen), &values).unwrap();
        assert_eq!(
            said(Some(0.95), 0.97, 1),
            "  chosen 97.0 %, the default setting (lr 0.001, weight decay 0) 95.0 %: +2.0 percentage points, \
             in the same cross-validation"
        );
        assert_eq!(
            said(Some(0.97), 0.95, 0),
            "  the default setting (lr 0.001, weight decay 0) is the chosen one"
        );
        assert!(said(None, 0.95, 1).ends_with("weight decay 0) diverged or did not converge"));
        let mut given = values;
        given.lr = 0.01;
        let all = search(Some(0.95), 0.97, 0);
        assert!(
            gain(&all, &given)
                .unwrap()
                .contains("the given setting (lr 0.01, ")
        );
        given.lr = 0.5;
        assert_eq!(gain(&all, &given), None);
    }
}
