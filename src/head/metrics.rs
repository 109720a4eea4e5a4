//! How good predictions are: the figures of scikit-learn, with its answers for the awkward cases.

use ndarray::ArrayView2;
use serde::Serialize;

use super::softmax::argmax;
use crate::classes::ClassIndex;
use crate::error::{Error, Result};

/// A mean of probabilities may come out above 1 by less than this.
const ROUNDING: f64 = 1e-9;

/// The figures of one class; 0 where there is nothing to divide by (`zero_division=0`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassFigures {
    /// The share of the samples predicted as this class that are of it, in [0, 1].
    pub precision: f64,
    /// The share of this class's samples that were predicted as it, in [0, 1].
    pub recall: f64,
    /// The harmonic mean of the two, in [0, 1].
    pub f1: f64,
    /// How many samples are of this class.
    pub support: usize,
}

/// Predictions held against the truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The names of the C classes.
    pub classes: ClassIndex,
    /// N, at least 1.
    pub n_samples: usize,
    /// The share of right predictions, in [0, 1] (`accuracy_score`).
    pub accuracy: f64,
    /// The mean recall of the classes that occur in the targets, in [0, 1] (`balanced_accuracy_score`).
    pub balanced_accuracy: f64,
    /// The mean F1 over all C classes, absent ones too, in [0, 1] (`f1_score` with `labels=range(C)`, macro).
    pub macro_f1: f64,
    /// The mean of the classes' F1 weighted with their support, in [0, 1] (`f1_score`, weighted).
    pub weighted_f1: f64,
    /// The mean of -ln p of the right class, p clipped to [ε, 1 - ε], ε = 2^-52 (`log_loss`).
    pub log_loss: f64,
    /// The figures of each class, (C).
    pub per_class: Vec<ClassFigures>,
    /// How many samples of class row were predicted as class column, (C, C).
    pub confusion: Vec<Vec<usize>>,
}

impl Evaluation {
    /// Evaluates `probabilities` (N, C) against `targets` (N); the prediction is the first of the largest in a row.
    ///
    /// # Errors
    /// [`Error::Input`] when there is no sample, when the three disagree on N or C, when a target is not the index of a
    /// class, or when a probability is not within [0, 1].
    pub fn new(
        classes: &ClassIndex,
        targets: &[usize],
        probabilities: ArrayView2<'_, f64>,
    ) -> Result<Self> {
        check(classes.len(), targets, probabilities)?;
        let confusion = confusion(targets, probabilities);
        let per_class: Vec<_> = (0..classes.len())
            .map(|c| class_figures(&confusion, c))
            .collect();
        let n_samples = targets.len();
        let right: usize = confusion.iter().enumerate().map(|(c, row)| row[c]).sum();
        let present = || per_class.iter().filter(|figures| figures.support > 0);
        let share = |figures: &ClassFigures| figures.support as f64 / n_samples as f64;
        Ok(Self {
            classes: classes.clone(),
            n_samples,
            accuracy: ratio(right, n_samples),
            balanced_accuracy: mean(present().map(|figures| figures.recall)),
            macro_f1: mean(per_class.iter().map(|figures| figures.f1)),
            weighted_f1: present().map(|figures| figures.f1 * share(figures)).sum(),
            log_loss: mean(
                targets
                    .iter()
                    .zip(probabilities.rows())
                    .map(|(&c, p)| surprise(p[c])),
            ),
            per_class,
            confusion,
        })
    }
}

fn check(c: usize, targets: &[usize], probabilities: ArrayView2<'_, f64>) -> Result<()> {
    let input = |problem: String, hint: &str| {
        Err(Error::Input {
            problem,
            hint: hint.to_owned(),
        })
    };
    if targets.is_empty() {
        return input(
            "there is nothing to evaluate".to_owned(),
            "give at least one labelled image",
        );
    }
    if probabilities.dim() != (targets.len(), c) {
        let (rows, columns) = probabilities.dim();
        let problem = format!(
            "there are {rows} × {columns} probabilities for {} targets and {c} classes",
            targets.len()
        );
        return input(problem, "give every sample one probability for each class");
    }
    if let Some(target) = targets.iter().find(|&&target| target >= c) {
        let problem = format!("there is a target {target}, but only {c} classes, counted from 0");
        return input(
            problem,
            "take the targets from `class_to_idx` of the same classes",
        );
    }
    if let Some(p) = probabilities
        .iter()
        .find(|p| !(0.0..=1.0 + ROUNDING).contains(*p))
    {
        return input(
            format!("there is a probability of {p}"),
            "give numbers between 0 and 1",
        );
    }
    Ok(())
}

fn confusion(targets: &[usize], probabilities: ArrayView2<'_, f64>) -> Vec<Vec<usize>> {
    let c = probabilities.ncols();
    let mut confusion = vec![vec![0; c]; c];
    for (&target, row) in targets.iter().zip(probabilities.rows()) {
        confusion[target][argmax(row)] += 1;
    }
    confusion
}

fn class_figures(confusion: &[Vec<usize>], class: usize) -> ClassFigures {
    let right = confusion[class][class];
    let support = confusion[class].iter().sum();
    let predicted = confusion.iter().map(|row| row[class]).sum();
    ClassFigures {
        precision: ratio(right, predicted),
        recall: ratio(right, support),
        f1: ratio(2 * right, support + predicted),
        support,
    }
}

/// -ln p, finite for every p in [0, 1].
fn surprise(p: f64) -> f64 {
    -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    sum / n.max(1) as f64
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn figures_are_those_of_paper() {
        // Truth a a a b, predicted a a b b; c never occurs.
        let classes = ClassIndex::from_names(["a", "b", "c"]);
        let p = array![
            [0.5, 0.25, 0.25],
            [0.5, 0.25, 0.25],
            [0.25, 0.5, 0.25],
            [0.25, 0.5, 0.25]
        ];
        let evaluation = Evaluation::new(&classes, &[0, 0, 0, 1], p.view()).unwrap();
        assert_eq!(evaluation.confusion, [[2, 1, 0], [0, 1, 0], [0, 0, 0]]);
        assert!(close(evaluation.accuracy, 0.75));
        assert!(close(
            evaluation.balanced_accuracy,
            f64::midpoint(2.0 / 3.0, 1.0)
        ));
        let [a, b, c] = evaluation.per_class[..] else {
            panic!()
        };
        assert!(close(a.precision, 1.0) && close(a.recall, 2.0 / 3.0) && close(a.f1, 0.8));
        assert!(close(b.precision, 0.5) && close(b.recall, 1.0) && close(b.f1, 2.0 / 3.0));
        assert_eq!((a.support, b.support, c.support), (3, 1, 0));
        assert!(close(c.precision + c.recall + c.f1, 0.0));
        assert!(close(evaluation.macro_f1, (0.8 + 2.0 / 3.0) / 3.0));
        assert!(close(evaluation.weighted_f1, 0.75 * 0.8 + 0.25 * 2.0 / 3.0));
        // p of the right class: 1/2, 1/2, 1/4, 1/2.
        assert!(close(evaluation.log_loss, 1.25 * 2f64.ln()));
    }

    #[test]
    fn a_certain_mistake_costs_52_ln_2_and_no_more() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let wrong = Evaluation::new(&classes, &[1], array![[1.0, 0.0]].view()).unwrap();
        assert!(close(wrong.log_loss, 52.0 * 2f64.ln()));
        assert!(wrong.accuracy == 0.0 && wrong.macro_f1 == 0.0 && wrong.balanced_accuracy == 0.0);
    }

    #[test]
    fn what_cannot_be_evaluated_is_refused() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let refused = |targets: &[usize], p: Array2<f64>| {
            matches!(
                Evaluation::new(&classes, targets, p.view()),
                Err(Error::Input { .. })
            )
        };
        assert!(refused(&[], Array2::zeros((0, 2))));
        assert!(refused(&[0], array![[0.5]]));
        assert!(refused(&[0, 1], array![[0.5, 0.5]]));
        assert!(refused(&[2], array![[0.5, 0.5]]));
        assert!(refused(&[0], array![[0.5, f64::NAN]]));
        assert!(refused(&[0], array![[1.5, 0.0]]));
    }

    #[test]
    fn json_names_the_classes() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let evaluation = Evaluation::new(&classes, &[0], array![[0.75, 0.25]].view()).unwrap();
        let json = serde_json::to_value(&evaluation).unwrap();
        assert_eq!(json["classes"], serde_json::json!(["a", "b"]));
        assert_eq!(json["confusion"], serde_json::json!([[1, 0], [0, 0]]));
    }
}
