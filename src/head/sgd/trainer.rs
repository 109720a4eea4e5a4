//! A head in training by SGD, step by step, as with `torch.optim.SGD`.

use ndarray::{Array1, Array2};

use super::pass::{BatchLoss, Pass};
use super::share::Share;
use super::step::{Bias, Rule};
use crate::error::{DataProblem, HeadError, Result};
use crate::head::data::{Block, LabelledFeatures};
use crate::head::linear::{CrossEntropy, LinearHead};
use crate::head::parallel::processors;
use crate::head::params::FitValidParams;
use crate::progress::{Progress, Silent};

/// A head in training: its weights and their momentum.
///
/// The loss of a batch is `Σ w[y] · l / Σ w[y]` over its samples, where `l = -log_softmax(logits)[y]` and `w`
/// are the class weights (1 by default), as in `torch.nn.CrossEntropyLoss(weight=w)`; weights of the samples,
/// which only fits have, are factors of both sums. With label smoothing ε,
/// `w[y] · l` is `-(1 - ε) · w[y] · log p[y] - ε / C · Σ w[c] · log p[c]`, also as in PyTorch.
///
/// With g the gradient of this loss plus `weight_decay · θ` (on the bias too), a step is
/// `v ← momentum · v + g`, `θ ← θ - lr · v`, or with Nesterov momentum `θ ← θ - lr · (g + momentum · v)`. v
/// starts at 0, so the first v is g; dampening is 0.
///
/// Results are bit-identical for any number of threads.
#[derive(Debug, Clone)]
pub struct Sgd {
    n_features: usize,
    shares: Vec<Share>,
    bias: Bias,
    rule: Rule,
    loss: CrossEntropy,
    label_smoothing: f64,
    sample_weights: Option<Vec<f64>>,
    threads: usize,
}

impl Sgd {
    /// Starts training from a given head.
    #[must_use]
    pub fn new(params: &FitValidParams, start: &LinearHead) -> Self {
        let values = params.values();
        let classes = start.n_classes();
        Self {
            n_features: start.n_features(),
            shares: Share::all(start, values),
            bias: Bias::new(start.bias().to_vec()),
            rule: Rule::new(values),
            loss: CrossEntropy::new(vec![1.0; classes], values.label_smoothing),
            label_smoothing: values.label_smoothing,
            sample_weights: None,
            threads: processors(),
        }
    }

    /// Restricts training to one thread, for callers that train many heads at once.
    pub(crate) fn on_one_thread(self) -> Self {
        Self { threads: 1, ..self }
    }

    /// Sets the class weights of the loss, (C), finite and above 0.
    ///
    /// # Errors
    /// [`DataProblem::ClassWeights`] when there are not C weights, or when one is out of range.
    pub fn with_class_weights(mut self, class_weights: Vec<f64>) -> Result<Self> {
        let usable = |w: &f64| w.is_finite() && *w > 0.0;
        if class_weights.len() == self.loss.n_classes() && class_weights.iter().all(usable) {
            self.loss = CrossEntropy::new(class_weights, self.label_smoothing);
            return Ok(self);
        }
        Err(DataProblem::ClassWeights {
            classes: self.loss.n_classes(),
            weights: class_weights.len(),
        }
        .into())
    }

    /// Sets the weight of each image of the set that steps are taken on, (N), finite and 0 or more.
    pub(crate) fn with_sample_weights(self, sample_weights: Option<Vec<f64>>) -> Self {
        Self {
            sample_weights,
            ..self
        }
    }

    /// Sets the learning rate of the next steps, finite and above 0, for example from a
    /// [`Schedule`](crate::head::Schedule).
    pub fn set_lr(&mut self, lr: f32) {
        self.rule.lr = lr;
    }

    /// Takes one step on the given rows of a set and returns their loss before the step.
    ///
    /// # Errors
    /// [`HeadError::Step`] when the set does not match the head, when `rows` is empty, or when a row is out
    /// of range; [`Error::NoThread`](crate::Error::NoThread).
    pub fn step(&mut self, set: &LabelledFeatures<'_>, rows: &[usize]) -> Result<BatchLoss> {
        self.steps(set, rows, rows.len())
    }

    /// Takes steps on batches of the given rows, one after the other, and returns the summed loss of the
    /// batches, each before its step.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn steps(
        &mut self,
        set: &LabelledFeatures<'_>,
        rows: &[usize],
        batch_size: usize,
    ) -> Result<BatchLoss> {
        self.check(set, rows)?;
        let batches: Vec<&[usize]> = rows.chunks(batch_size.max(1)).collect();
        self.steps_on(&Block::of(set), set.views(), &batches, &Silent)
    }

    /// Takes a step on each of some batches of rows, which are known to be in range.
    ///
    /// # Errors
    /// [`Error::NoThread`](crate::Error::NoThread); [`Error::Interrupted`](crate::Error::Interrupted) before
    /// the step at which `progress` asked to stop.
    pub(crate) fn steps_on(
        &mut self,
        block: &Block<'_>,
        views: usize,
        batches: &[&[usize]],
        progress: &dyn Progress,
    ) -> Result<BatchLoss> {
        let pass = Pass {
            block,
            views,
            weights: self.sample_weights.as_deref(),
            batches,
            threads: self.threads,
            loss: &self.loss,
            rule: &self.rule,
            progress,
        };
        pass.run(&mut self.shares, &mut self.bias)
    }

    fn check(&self, set: &LabelledFeatures<'_>, rows: &[usize]) -> Result<()> {
        let (c, n) = (self.loss.n_classes(), set.features().nrows());
        let same_shape = set.classes().len() == c && set.features().ncols() == self.n_features;
        if same_shape && !rows.is_empty() && rows.iter().all(|&row| row < n) {
            return Ok(());
        }
        Err(HeadError::Step {
            rows: rows.len(),
            n,
            features: set.features().ncols(),
            classes: set.classes().len(),
        }
        .into())
    }

    /// Returns whether every weight and bias is finite.
    pub(crate) fn is_finite(&self) -> bool {
        let weights = self.shares.iter().flat_map(|share| &share.weight);
        weights.chain(&self.bias.values).all(|x| x.is_finite())
    }

    /// Returns the current head.
    ///
    /// # Panics
    /// Never: the shares cover all columns of the weight.
    #[must_use]
    pub fn head(&self) -> LinearHead {
        let mut weight = Array2::zeros((self.loss.n_classes(), self.n_features));
        for share in &self.shares {
            let columns = share.window.columns.clone();
            let rows = share.weight.chunks_exact(columns.len().max(1));
            for (mut to, from) in weight.rows_mut().into_iter().zip(rows) {
                let to = to.as_slice_mut().expect("a new matrix is row-major");
                to[columns.clone()].copy_from_slice(from);
            }
        }
        let bias = Array1::from(self.bias.values.clone());
        LinearHead::new(weight, bias).expect("a bias for every class")
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::array;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::FitParams;

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-6
    }

    /// Takes two steps on one feature and two classes, from zero weights: p = 1/2, loss ln 2.
    fn two_steps(params: FitParams) -> LinearHead {
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[2.0]];
        let set = LabelledFeatures::new(features.view(), &[1], &classes).unwrap();
        let mut sgd = Sgd::new(&params.check().unwrap(), &LinearHead::zeros(2, 1));
        let loss = sgd.step(&set, &[0]).unwrap();
        assert!((loss.mean() - 2f64.ln()).abs() < 1e-12);
        sgd.step(&set, &[0]).unwrap();
        sgd.head()
    }

    #[test]
    fn momentum_is_torchs() {
        // Step 1: g = (p - 1) x = -1, v = -1, w = 0.1; the bias: g = -0.5, b = 0.05.
        // Step 2: logit difference 2 (0.1 * 2 + 0.05) = 0.5, q = sigmoid(-0.5) = 0.37754067; g = -0.75508134,
        // v = 0.9 * -1 + g = -1.65508134, w = 0.1 + 0.165508134; the bias: v = -0.45 - q, b = 0.05 +
        // 0.082754067.
        let head = two_steps(FitParams::new().lr(0.1));
        assert!(
            close(head.weight()[[1, 0]], 0.265_508_14)
                && close(head.weight()[[0, 0]], -0.265_508_14)
        );
        assert!(close(head.bias()[1], 0.132_754_07), "{head:?}");
    }

    #[test]
    fn nesterov_looks_ahead() {
        // Step 1: w = 0.1 (1 + 0.9) = 0.19, b = 0.095; logit difference 2 (0.38 + 0.095) = 0.95,
        // q = sigmoid(-0.95) = 0.27888482; g = -0.55776964, v = -1.45776964,
        // w = 0.19 + 0.1 (0.55776964 + 0.9 * 1.45776964) = 0.37697623.
        let head = two_steps(FitParams::new().lr(0.1).nesterov(true));
        assert!(close(head.weight()[[1, 0]], 0.376_976_23), "{head:?}");
    }

    #[test]
    fn weight_decay_is_on_the_bias_too() {
        // Without momentum, decay 0.5: w = 0.1, then 0.1 + 0.1 (0.75508134 - 0.05) = 0.17050813;
        // b = 0.05, then 0.05 + 0.1 (0.37754067 - 0.025) = 0.08525407.
        let head = two_steps(FitParams::new().lr(0.1).momentum(0.0).weight_decay(0.5));
        assert!(close(head.weight()[[1, 0]], 0.170_508_13), "{head:?}");
        assert!(close(head.bias()[1], 0.085_254_07), "{head:?}");
    }

    #[test]
    fn class_weights_weigh_the_mean() {
        // Zero start, weights 1 and 3, one sample of each: the loss is ln 2; the gradient of class 1's weight
        // is (1 * 0.5 * 1 + 3 * -0.5 * 2) / 4 = -0.625.
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[1.0], [2.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let params = FitParams::new().lr(1.0).check().unwrap();
        let sgd = Sgd::new(&params, &LinearHead::zeros(2, 1));
        let mut sgd = sgd.with_class_weights(vec![1.0, 3.0]).unwrap();
        let loss = sgd.step(&set, &[0, 1]).unwrap();
        assert!((loss.mean() - 2f64.ln()).abs() < 1e-12 && (loss.weight - 4.0).abs() < 1e-12);
        assert!(close(sgd.head().weight()[[1, 0]], 0.625));
        for bad in [vec![1.0], vec![1.0, 0.0], vec![f64::NAN, 1.0]] {
            assert!(sgd.clone().with_class_weights(bad).is_err());
        }
    }

    #[test]
    fn sample_weights_weigh_the_mean_with_those_of_the_classes() {
        // Zero start, class weights 1 and 2, sample weights 1, 3 and 0: the products are 1, 6 and 0. The
        // gradient of class 1's weight is (1 * 0.5 * 1 + 6 * -0.5 * 2) / 7 = -5.5 / 7, that of its bias
        // (0.5 - 3) / 7.
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[1.0], [2.0], [9.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1, 1], &classes).unwrap();
        let params = FitParams::new().lr(1.0).check().unwrap();
        let sgd = Sgd::new(&params, &LinearHead::zeros(2, 1));
        let sgd = sgd.with_class_weights(vec![1.0, 2.0]).unwrap();
        let mut sgd = sgd.with_sample_weights(Some(vec![1.0, 3.0, 0.0]));
        let loss = sgd.step(&set, &[0, 1, 2]).unwrap();
        assert!((loss.mean() - 2f64.ln()).abs() < 1e-12 && (loss.weight - 7.0).abs() < 1e-12);
        let stepped = sgd.head();
        assert!(close(stepped.weight()[[1, 0]], 5.5 / 7.0));
        assert!(close(stepped.bias()[1], 2.5 / 7.0));
        // Momentum alone would move it, but a batch without weight takes no step.
        assert_eq!(sgd.step(&set, &[2]).unwrap(), BatchLoss::default());
        assert_eq!(sgd.head(), stepped);
    }

    #[test]
    fn a_step_that_cannot_be_is_refused() {
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[1.0], [2.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let params = FitParams::new().check().unwrap();
        assert!(
            Sgd::new(&params, &LinearHead::zeros(2, 1))
                .step(&set, &[2])
                .is_err()
        );
        assert!(
            Sgd::new(&params, &LinearHead::zeros(2, 1))
                .step(&set, &[])
                .is_err()
        );
        assert!(
            Sgd::new(&params, &LinearHead::zeros(2, 2))
                .step(&set, &[0])
                .is_err()
        );
        assert!(
            Sgd::new(&params, &LinearHead::zeros(3, 1))
                .step(&set, &[0])
                .is_err()
        );
    }
}
