//! Many heads trained by SGD on the same batches: their weights side by side, one product for all of them.
//!
//! A group of heads, as many as fit a processor's cache with their gradients and velocities, goes through all epochs on
//! one thread; the groups share out the processors. A head is what [`Sgd`](crate::head::Sgd) makes of the same batches
//! without the rows of the head's fold, to float tolerance.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, s};

use super::folds::Folds;
use crate::head::data::{LabelledFeatures, RowOrder};
use crate::head::linear::{LinearHead, Targets};
use crate::head::parallel::in_parallel;
use crate::head::params::FitValues;
use crate::head::sgd::{Dropout, Rule, columns_of};

/// Numbers of the weights of a group; as many gradients and velocities stand beside them: 768 KiB together.
const GROUP: usize = 65_536;

/// One head among many.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Its learning rate, weight decay and so on; what decides the batches is that of the first task.
    pub(crate) values: FitValues,
    /// The fold that it is not trained on.
    pub(crate) left_out: usize,
}

/// What all heads have in common.
pub(crate) struct Together<'a, 'f> {
    pub(crate) set: &'a LabelledFeatures<'f>,
    pub(crate) folds: &'a Folds,
    pub(crate) targets: &'a Targets,
}

impl Together<'_, '_> {
    /// Trains a head for every task, from zero weights, and gives each to `each` with its number, on the thread that
    /// trained it; the results come in order.
    pub(crate) fn train<T: Send>(
        &self,
        tasks: &[Task],
        each: impl Fn(usize, LinearHead) -> T + Sync,
    ) -> Vec<T> {
        let numbers = self.set.classes().len() * self.set.features().ncols();
        let size = (GROUP / numbers.max(1)).max(1);
        let groups: Vec<&[Task]> = tasks.chunks(size).collect();
        let results = in_parallel(groups.len(), |number| {
            let heads = self.train_group(groups[number]);
            let numbered = (number * size..).zip(heads);
            numbered
                .map(|(task, head)| each(task, head))
                .collect::<Vec<T>>()
        });
        results.into_iter().flatten().collect()
    }

    fn train_group(&self, tasks: &[Task]) -> Vec<LinearHead> {
        let (set, values) = (self.set, &tasks[0].values);
        let mut group = Group::new(set, tasks);
        let mut order = RowOrder::new(values.seed, set.n_samples(), set.views());
        let mut batch = Batch::new(set, values);
        for epoch in 1..=values.epochs {
            group.set_epoch(tasks, epoch);
            for rows in order.next_epoch().chunks(values.batch_size) {
                batch.gather(set, rows);
                group.step(
                    self,
                    tasks,
                    rows,
                    batch.features.slice(s![..rows.len(), ..]),
                );
            }
        }
        group.into_heads(tasks.len())
    }
}

/// The rows of a batch, copied together, (B, D).
struct Batch {
    features: Array2<f32>,
    /// Of each share of the features.
    dropout: Vec<(Range<usize>, Dropout)>,
}

impl Batch {
    fn new(set: &LabelledFeatures<'_>, values: &FitValues) -> Self {
        let d = set.features().ncols();
        let shares = (0..).map(|share| Dropout::new(values.dropout, values.seed, share));
        Self {
            features: Array2::zeros((values.batch_size.min(set.n_samples()), d)),
            dropout: columns_of(d).into_iter().zip(shares).collect(),
        }
    }

    fn gather(&mut self, set: &LabelledFeatures<'_>, rows: &[usize]) {
        for (mut to, &row) in self.features.rows_mut().into_iter().zip(rows) {
            to.assign(&set.features().row(row));
            let to = to.as_slice_mut();
            let to = to.expect("a row of a new matrix is in one piece");
            for (columns, dropout) in &mut self.dropout {
                dropout.apply(&mut to[columns.clone()]);
            }
        }
    }
}

/// Heads in training, P of C rows each: R = P · C rows side by side.
struct Group {
    classes: usize,
    rules: Vec<Rule>,
    /// (R, D)
    weight: Array2<f32>,
    weight_gradient: Array2<f32>,
    weight_velocity: Array2<f32>,
    /// (R)
    bias: Vec<f32>,
    bias_gradient: Vec<f32>,
    bias_velocity: Vec<f32>,
    /// Of the batch: the logits, then the loss's derivatives by them; (B, R).
    logits: Array2<f32>,
    /// Of one image: its logits in f64, (C).
    row: Vec<f64>,
}

impl Group {
    fn new(set: &LabelledFeatures<'_>, tasks: &[Task]) -> Self {
        let (c, d) = (set.classes().len(), set.features().ncols());
        let (r, b) = (
            tasks.len() * c,
            tasks[0].values.batch_size.min(set.n_samples()),
        );
        Self {
            classes: c,
            rules: tasks.iter().map(|task| Rule::new(&task.values)).collect(),
            weight: Array2::zeros((r, d)),
            weight_gradient: Array2::zeros((r, d)),
            weight_velocity: Array2::zeros((r, d)),
            bias: vec![0.0; r],
            bias_gradient: vec![0.0; r],
            bias_velocity: vec![0.0; r],
            logits: Array2::zeros((b, r)),
            row: vec![0.0; c],
        }
    }

    /// Sets the learning rates of an epoch, counted from 1.
    fn set_epoch(&mut self, tasks: &[Task], epoch: usize) {
        for (rule, Task { values, .. }) in self.rules.iter_mut().zip(tasks) {
            rule.set_lr(values.schedule.lr(values.lr, epoch, values.epochs));
        }
    }

    /// One step of all heads on the rows of a batch, whose features are `x` (B, D).
    fn step(
        &mut self,
        all: &Together<'_, '_>,
        tasks: &[Task],
        rows: &[usize],
        x: ArrayView2<'_, f32>,
    ) {
        let mut logits = self.logits.slice_mut(s![..rows.len(), ..]);
        general_mat_mul(1.0, &x, &self.weight.t(), 0.0, &mut logits);
        let moved: Vec<bool> = (0..tasks.len())
            .map(|task| self.residuals(all, tasks, task, rows))
            .collect();
        let residuals = self.logits.slice(s![..rows.len(), ..]);
        general_mat_mul(1.0, &residuals.t(), &x, 0.0, &mut self.weight_gradient);
        for (sum, column) in self.bias_gradient.iter_mut().zip(residuals.columns()) {
            *sum = column.sum();
        }
        for task in (0..tasks.len()).filter(|&task| moved[task]) {
            self.update(task);
        }
    }

    /// Turns the logits of a head into the derivatives of its loss, 0 for rows of its fold; whether there are others.
    fn residuals(
        &mut self,
        all: &Together<'_, '_>,
        tasks: &[Task],
        task: usize,
        rows: &[usize],
    ) -> bool {
        let columns = self.rows_of(task);
        let mut total = 0.0;
        for (number, row) in rows.iter().enumerate() {
            let image = row / all.set.views();
            let logits = self.logits.slice_mut(s![number, columns.clone()]);
            if all.folds.of_row()[image] == tasks[task].left_out {
                logits.into_iter().for_each(|logit| *logit = 0.0);
                continue;
            }
            let target = all.set.targets()[image];
            let biased = logits.iter().zip(&self.bias[columns.clone()]);
            for (wide, (logit, bias)) in self.row.iter_mut().zip(biased) {
                *wide = f64::from(*logit) + f64::from(*bias);
            }
            all.targets.residuals(target, &mut self.row);
            total += all.targets.class_weight(target);
            for (logit, wide) in logits.into_iter().zip(&self.row) {
                *logit = *wide as f32;
            }
        }
        let scale = if total > 0.0 {
            (1.0 / total) as f32
        } else {
            0.0
        };
        let mut residuals = self.logits.slice_mut(s![..rows.len(), columns]);
        residuals.mapv_inplace(|residual| residual * scale);
        total > 0.0
    }

    fn update(&mut self, task: usize) {
        let rows = self.rows_of(task);
        let (rule, d) = (self.rules[task], self.weight.ncols());
        let numbers = rows.start * d..rows.end * d;
        rule.apply(
            &mut flat(&mut self.weight)[numbers.clone()],
            &flat(&mut self.weight_gradient)[numbers.clone()],
            &mut flat(&mut self.weight_velocity)[numbers],
        );
        rule.apply(
            &mut self.bias[rows.clone()],
            &self.bias_gradient[rows.clone()],
            &mut self.bias_velocity[rows],
        );
    }

    /// Where the rows of a head stand among all.
    fn rows_of(&self, task: usize) -> Range<usize> {
        task * self.classes..(task + 1) * self.classes
    }

    fn into_heads(self, n: usize) -> Vec<LinearHead> {
        let head = |task| {
            let rows = self.rows_of(task);
            let weight = self.weight.slice(s![rows.clone(), ..]).to_owned();
            let bias = Array1::from(self.bias[rows].to_vec());
            LinearHead::new(weight, bias).expect("a bias for every row of the weight")
        };
        (0..n).map(head).collect()
    }
}

fn flat(matrix: &mut Array2<f32>) -> &mut [f32] {
    matrix.as_slice_mut().expect("a new matrix is in one piece")
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::data::Groups;
    use crate::head::{FitParams, Sgd};

    #[test]
    fn every_head_is_that_of_sgd_on_its_own_rows() {
        // 45 images with 2 views, 3 classes; groups of several heads and a last batch that is not full.
        let features = Array2::from_shape_fn((90, 7), |(row, column)| {
            ((row * 13 + column * 5) % 17) as f32 / 17.0
        });
        let targets: Vec<usize> = (0..45).map(|image| image % 3).collect();
        let classes = ClassIndex::from_names(["a", "b", "c"]);
        let set = LabelledFeatures::with_views(features.view(), 2, &targets, &classes).unwrap();
        let digests: Vec<_> = (0..45u8).map(|image| [image; 32]).collect();
        let folds = Folds::new(&targets, &Groups::of_equal(&digests), 3, 0).unwrap();
        let base = FitParams::new()
            .batch_size(8)
            .epochs(4)
            .seed(5)
            .nesterov(true);
        let tasks: Vec<Task> = [(0.1, 0.0), (0.03, 0.01)]
            .into_iter()
            .flat_map(|(lr, decay)| {
                let params = base.clone().lr(lr).weight_decay(decay);
                (0..3).map(move |left_out| Task {
                    values: params.values().clone(),
                    left_out,
                })
            })
            .collect();
        let weights = [1.0, 2.0, 0.5];
        let together = Together {
            set: &set,
            folds: &folds,
            targets: &Targets::new(weights.to_vec(), 0.0),
        };
        let heads = together.train(&tasks, |number, head| (number, head));
        for (task, (number, head)) in tasks.iter().zip(heads) {
            let params = FitParams::from(task.values.clone()).check().unwrap();
            let sgd = Sgd::new(&params, &LinearHead::zeros(3, 7));
            let mut sgd = sgd.with_class_weights(weights.to_vec()).unwrap();
            let mut order = RowOrder::new(5, 45, 2);
            for _ in 0..4 {
                for rows in order.next_epoch().chunks(8) {
                    let kept = |row: &&usize| folds.of_row()[**row / 2] != task.left_out;
                    let rows: Vec<usize> = rows.iter().filter(kept).copied().collect();
                    if !rows.is_empty() {
                        sgd.step(&set, &rows).unwrap();
                    }
                }
            }
            let far = (&sgd.head().weight() - &head.weight()).mapv(f32::abs);
            assert!(far.iter().all(|x| *x < 1e-5), "head {number}: {far}");
            assert!(head.weight().iter().any(|x| x.abs() > 0.01));
        }
    }
}
