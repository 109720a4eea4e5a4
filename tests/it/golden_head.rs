//! Checks the head against reference values from `PyTorch`, scikit-learn and `SciPy`, written by
//! `scripts/reference.py`.

use std::slice;

use frostline::ClassIndex;
use frostline::head::{
    FitParams, LabelledFeatures, LinearHead, Schedule, Sgd, Temperature, log_softmax,
};
use linfa::ParamGuard;
use ndarray::{Array1, Array2, ArrayView1};
use serde::Deserialize;

use crate::harness::golden_as;

fn matrix<T: Clone>(rows: &[Vec<T>]) -> Array2<T> {
    let columns = rows.first().map_or(0, Vec::len);
    Array2::from_shape_vec((rows.len(), columns), rows.concat()).unwrap()
}

fn classes(n: usize) -> ClassIndex {
    ClassIndex::from_names((0..n).map(|class| format!("class {class}")))
}

#[track_caller]
fn assert_close(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    let difference = (ours - theirs).abs();
    assert!(
        difference <= tolerance,
        "{what}: {ours} instead of {theirs}, off by {difference:e}"
    );
}

#[derive(Deserialize)]
struct SgdFile {
    features_times_32768: Vec<Vec<f32>>,
    labels: Vec<usize>,
    batch_size: usize,
    steps: usize,
    epoch_steps: usize,
    start: Weights,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Weights {
    weight: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    learning_rate: f32,
    momentum: f32,
    nesterov: bool,
    weight_decay: f32,
    class_weights: Option<Vec<f64>>,
    label_smoothing: f64,
    schedule: Option<String>,
    losses: Vec<f64>,
    #[serde(flatten)]
    end: Weights,
}

impl Weights {
    fn head(&self) -> LinearHead {
        LinearHead::new(matrix(&self.weight), Array1::from(self.bias.clone())).unwrap()
    }
}

impl Run {
    /// Returns the schedule that the reference used.
    fn schedule(&self) -> Schedule {
        match self.schedule.as_deref() {
            None => Schedule::Constant,
            Some("cosine") => Schedule::Cosine,
            Some("step") => Schedule::Step {
                step_size: 2,
                gamma: 0.1,
            },
            Some(other) => panic!("{other}"),
        }
    }

    fn start(&self, start: &LinearHead) -> Sgd {
        let params = FitParams::new()
            .lr(self.learning_rate)
            .momentum(self.momentum)
            .nesterov(self.nesterov)
            .weight_decay(self.weight_decay)
            .label_smoothing(self.label_smoothing);
        let sgd = Sgd::new(&params.check().unwrap(), start);
        match &self.class_weights {
            None => sgd,
            Some(weights) => sgd.with_class_weights(weights.clone()).unwrap(),
        }
    }
}

#[test]
fn sgd_is_torchs_step_by_step() {
    let file: SgdFile = golden_as("sgd");
    let features = matrix(&file.features_times_32768) / 32768.0;
    let classes = classes(3);
    let set = LabelledFeatures::new(features.view(), &file.labels, &classes).unwrap();
    assert_eq!((file.runs.len(), file.steps), (10, 50));
    let epochs = file.steps / file.epoch_steps;
    for run in &file.runs {
        let mut sgd = run.start(&file.start.head());
        assert_eq!(run.losses.len(), file.steps);
        for (step, expected) in run.losses.iter().enumerate() {
            let rows: Vec<usize> = (0..file.batch_size)
                .map(|i| (file.batch_size * step + i) % 96)
                .collect();
            let epoch = step / file.epoch_steps + 1;
            sgd.set_lr(run.schedule().lr(run.learning_rate, epoch, epochs));
            let loss = sgd.step(&set, &rows).unwrap().mean();
            assert_close(loss, *expected, 1e-5, &format!("{} step {step}", run.name));
        }
        let (head, end) = (sgd.head(), run.end.head());
        let numbers = |head: &LinearHead| -> Vec<f32> {
            head.weight()
                .into_iter()
                .chain(head.bias())
                .copied()
                .collect()
        };
        for (ours, theirs) in numbers(&head).into_iter().zip(numbers(&end)) {
            assert_close(ours.into(), theirs.into(), 1e-5, &run.name);
        }
    }
}

#[derive(Deserialize)]
struct SoftmaxFile {
    rows: Vec<Logits>,
}

#[derive(Deserialize)]
struct Logits {
    logits: Vec<f64>,
    log_softmax: Vec<f64>,
}

#[test]
fn log_softmax_is_torchs() {
    let file: SoftmaxFile = golden_as("softmax");
    assert!(!file.rows.is_empty());
    for row in &file.rows {
        let ours = log_softmax(matrix(slice::from_ref(&row.logits)));
        for (ours, theirs) in ours.iter().zip(ArrayView1::from(&row.log_softmax)) {
            // 1e-15, or one or two units in the last place of a large value.
            let tolerance = 1e-15 * (1.0 + theirs.abs());
            assert_close(*ours, *theirs, tolerance, &format!("{:?}", row.logits));
        }
    }
}

#[derive(Deserialize)]
struct TemperatureFile {
    cases: Vec<TemperatureCase>,
}

#[derive(Deserialize)]
struct TemperatureCase {
    name: String,
    views: usize,
    targets: Vec<usize>,
    logits: Vec<Vec<f64>>,
    temperature: f64,
}

#[test]
fn the_temperature_is_that_of_scipys_minimiser() {
    let file: TemperatureFile = golden_as("temperature");
    assert_eq!(file.cases.len(), 4);
    for case in &file.cases {
        let logits = matrix(&case.logits);
        let ours = Temperature::fit(logits.view(), case.views, &case.targets).unwrap();
        // The loss is flat at its minimum, so the minimizer has fewer exact digits than the loss.
        assert_close(ours.value(), case.temperature, 1e-9, &case.name);
    }
}
