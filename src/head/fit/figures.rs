//! The result of a fit: the head, and the training and validation metrics of each epoch.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::warnings::FitWarning;
use crate::error::Result;
use crate::head::data::LabelledFeatures;
use crate::head::lbfgs::Optimum;
use crate::head::linear::{LinearHead, argmax};

/// A fitted head, with its history and warnings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Fit {
    /// The head after the last epoch, or with patience after the best one; for L-BFGS, at the minimum.
    pub head: LinearHead,
    /// One entry for each epoch of SGD; empty for L-BFGS.
    pub history: Vec<EpochFigures>,
    /// The epoch whose head was kept, counted from 1, if patience is set.
    pub best_epoch: Option<usize>,
    /// The minimum that the solver reached; `None` for SGD.
    pub optimum: Option<Optimum>,
    /// The metrics of the head on the validation set, if there is one.
    pub validation: Option<ValidationFigures>,
    /// Wall-clock time of the fit, in seconds.
    pub seconds: f64,
    /// Problems that do not stop a fit; see each variant.
    pub warnings: Vec<FitWarning>,
}

impl Fit {
    /// Creates a fit without history from a head.
    pub(crate) fn of(head: LinearHead) -> Self {
        Self {
            head,
            history: Vec::new(),
            best_epoch: None,
            optimum: None,
            validation: None,
            seconds: 0.0,
            warnings: Vec::new(),
        }
    }
}

/// The metrics of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochFigures {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch's samples, each computed just before the step that trains on it
    /// (with class weights and dropout), as training loops usually print it.
    pub train_loss: f64,
    /// The validation metrics after the epoch, if there is a validation set.
    pub validation: Option<ValidationFigures>,
}

/// The metrics of a head on samples that it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ValidationFigures {
    /// Mean cross-entropy, natural logarithm; all samples have the same weight.
    pub loss: f64,
    /// The share of samples whose most likely class is correct, in [0, 1].
    pub accuracy: f64,
}

impl ValidationFigures {
    /// Evaluates a head; the probabilities of an image are averaged over its views.
    ///
    /// # Errors
    /// [`DataProblem::Widths`](crate::error::DataProblem::Widths) when the features do not match the head.
    pub(crate) fn of(head: &LinearHead, set: &LabelledFeatures<'_>) -> Result<Self> {
        let mut sums = ValidationSums::default();
        sums.add(head, set)?;
        Ok(sums.figures())
    }
}

/// The sums that [`ValidationFigures`] are computed from.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ValidationSums {
    /// The sum of -ln p of the correct class.
    pub(crate) loss: f64,
    /// The sum of the squared differences between the probabilities and the truth, over all classes.
    pub(crate) brier: f64,
    pub(crate) right: usize,
    pub(crate) n_samples: usize,
}

impl ValidationSums {
    /// Adds the samples of a set.
    pub(crate) fn add(&mut self, head: &LinearHead, set: &LabelledFeatures<'_>) -> Result<()> {
        let log_p = log_probabilities(head, set)?;
        for (log_p, &target) in log_p.rows().into_iter().zip(set.targets()) {
            self.loss -= log_p[target];
            self.right += usize::from(argmax(log_p) == target);
            let truth = |class| f64::from(u8::from(class == target));
            let p = log_p.iter().enumerate();
            let squares = p.map(|(class, log_p)| (log_p.exp() - truth(class)).powi(2));
            self.brier += squares.sum::<f64>();
        }
        self.n_samples += set.n_samples();
        Ok(())
    }

    /// Returns the metrics of all samples added so far.
    pub(crate) fn figures(&self) -> ValidationFigures {
        let n = self.n_samples as f64;
        ValidationFigures {
            loss: self.loss / n,
            accuracy: self.right as f64 / n,
        }
    }
}

/// Returns the logarithms of the images' class probabilities, (N, C), which are averaged over the views.
fn log_probabilities(head: &LinearHead, set: &LabelledFeatures<'_>) -> Result<Array2<f64>> {
    let log_p = head.log_softmax(set.features())?;
    if set.views() == 1 {
        return Ok(log_p);
    }
    let mut means = Array2::zeros((set.n_samples(), head.n_classes()));
    let images = log_p.axis_chunks_iter(Axis(0), set.views());
    for (views, mut mean) in images.zip(means.rows_mut()) {
        mean.assign(&log_mean(&views));
    }
    Ok(means)
}

/// Returns the logarithm of the mean probability over the views, (V, C) → (C).
fn log_mean(views: &ArrayView2<f64>) -> Array1<f64> {
    let n = views.nrows() as f64;
    let of_class = |log_p: ArrayView1<f64>| {
        let largest = log_p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = log_p.iter().map(|l| (l - largest).exp()).sum();
        largest + (sum / n).ln()
    };
    views.columns().into_iter().map(of_class).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::classes::ClassIndex;

    #[test]
    fn figures_are_those_of_paper() {
        // The logits are 0 and x: at x = ln 3 the second class has 3/4; at 0 both have 1/2 and the first one
        // wins.
        let head = LinearHead::new(array![[0.0], [1.0]], array![0.0, 0.0]).unwrap();
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[3f32.ln()], [0.0], [0.0], [3f32.ln()]];
        let set = LabelledFeatures::new(features.view(), &[1, 0, 1, 0], &classes).unwrap();
        let figures = ValidationFigures::of(&head, &set).unwrap();
        let loss = ((4.0f64 / 3.0).ln() + 2.0 * 2f64.ln() + 4f64.ln()) / 4.0;
        assert!((figures.loss - loss).abs() < 1e-7);
        assert!((figures.accuracy - 0.5).abs() < 1e-12);
    }

    #[test]
    fn probabilities_of_views_are_averaged() {
        // 3/4 and 1/2 for the second class: 5/8 on average.
        let head = LinearHead::new(array![[0.0], [1.0]], array![0.0, 0.0]).unwrap();
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[3f32.ln()], [0.0]];
        let set = LabelledFeatures::with_views(features.view(), 2, &[1], &classes).unwrap();
        let figures = ValidationFigures::of(&head, &set).unwrap();
        assert!((figures.loss + (5.0f64 / 8.0).ln()).abs() < 1e-7);
        assert!((figures.accuracy - 1.0).abs() < 1e-12);
    }
}
