//! Checks evaluation metrics, their intervals and the comparison of two heads against reference values from
//! scikit-learn and `SciPy`, written by `scripts/reference.py`.

use frostline::ClassIndex;
use frostline::head::{Bootstrap, Comparison, Evaluation, Interval, Intervals, McNemarTest};
use ndarray::Array2;
use serde::Deserialize;

use crate::harness::golden_as;

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn classes(n: usize) -> ClassIndex {
    ClassIndex::from_names((0..n).map(|class| format!("class {class}")))
}

#[track_caller]
fn assert_close(ours: f64, theirs: f64, what: &str) {
    let difference = (ours - theirs).abs();
    assert!(
        difference <= 1e-12,
        "{what}: {ours} instead of {theirs}, off by {difference:e}"
    );
}

/// Checks that both values are present and close, or both missing.
#[track_caller]
fn assert_same(ours: Option<f64>, theirs: Option<f64>, what: &str) {
    assert_eq!(ours.is_some(), theirs.is_some(), "{what}");
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        assert_close(ours, theirs, what);
    }
}

#[derive(Deserialize)]
struct MetricsFile {
    bootstrap: Resampling,
    cases: Vec<Case>,
}

#[derive(Deserialize, Clone, Copy)]
struct Resampling {
    resamples: usize,
    seed: u64,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    targets: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    confusion: Vec<Vec<usize>>,
    support: Vec<usize>,
    #[serde(flatten)]
    figures: Figures<f64>,
    roc_aucs: Vec<Option<f64>>,
    roc_auc: Option<f64>,
    reliability: Vec<(usize, f64, f64)>,
    intervals: CaseIntervals,
}

type Ends = Option<[f64; 2]>;

#[derive(Deserialize)]
struct CaseIntervals {
    #[serde(flatten)]
    figures: Figures<Ends>,
    roc_aucs: Vec<Ends>,
    roc_auc: Ends,
    reliability: Vec<Ends>,
    shares: Vec<Vec<Ends>>,
}

/// Metrics with one value or interval per case, and metrics with one per class.
#[derive(Deserialize)]
struct Figures<T> {
    accuracy: T,
    balanced_accuracy: T,
    macro_f1: T,
    weighted_f1: T,
    log_loss: T,
    brier_score: T,
    ece: T,
    top_k: Vec<T>,
    precision: Vec<T>,
    recall: Vec<T>,
    f1: Vec<T>,
}

impl Resampling {
    fn bootstrap(self) -> Bootstrap {
        Bootstrap::new(self.resamples, self.seed)
    }
}

#[test]
fn figures_and_intervals_are_scikit_learns() {
    let file: MetricsFile = golden_as("metrics");
    assert_eq!(file.cases.len(), 7);
    for case in &file.cases {
        let p = matrix(&case.probabilities);
        let ours = Evaluation::with_intervals(
            &classes(case.classes),
            &case.targets,
            p.view(),
            file.bootstrap.bootstrap(),
        )
        .unwrap();
        compare_counts(&ours, case);
        compare_figures(&ours, case);
        compare_class_figures(&ours, case);
        compare_intervals(ours.intervals.as_ref().unwrap(), case);
        compare_shares(&ours, case);
    }
}

fn compare_counts(ours: &Evaluation, case: &Case) {
    let support: Vec<usize> = ours.per_class.iter().map(|class| class.support).collect();
    let confusion = ours.confusion.matrix().unwrap();
    assert_eq!(confusion, case.confusion, "{}", case.name);
    assert_eq!(support, case.support, "{}", case.name);
    assert_eq!(ours.reliability.len(), case.reliability.len());
    for (bin, &(n, confidence, accuracy)) in ours.reliability.iter().zip(&case.reliability) {
        assert_eq!(bin.n, n, "{}", case.name);
        assert_close(bin.confidence, confidence, &case.name);
        assert_close(bin.accuracy, accuracy, &case.name);
    }
}

fn compare_figures(ours: &Evaluation, case: &Case) {
    let theirs = &case.figures;
    for (name, ours, theirs) in [
        ("accuracy", ours.accuracy, theirs.accuracy),
        ("balanced", ours.balanced_accuracy, theirs.balanced_accuracy),
        ("macro F1", ours.macro_f1, theirs.macro_f1),
        ("weighted F1", ours.weighted_f1, theirs.weighted_f1),
        ("log loss", ours.log_loss, theirs.log_loss),
        ("Brier", ours.brier_score, theirs.brier_score),
        ("ECE", ours.ece, theirs.ece),
    ] {
        assert_close(ours, theirs, &format!("{}, {name}", case.name));
    }
    assert_same(ours.roc_auc, case.roc_auc, &case.name);
    assert_eq!(ours.top_k.len(), theirs.top_k.len());
    for (i, (ours, theirs)) in ours.top_k.iter().zip(&theirs.top_k).enumerate() {
        assert_eq!(ours.k, i + 1);
        assert_close(ours.accuracy, *theirs, &case.name);
    }
}

fn compare_class_figures(ours: &Evaluation, case: &Case) {
    assert_eq!(ours.per_class.len(), case.classes);
    for (c, class) in ours.per_class.iter().enumerate() {
        let what = format!("{}, class {c}", case.name);
        assert_close(class.precision, case.figures.precision[c], &what);
        assert_close(class.recall, case.figures.recall[c], &what);
        assert_close(class.f1, case.figures.f1[c], &what);
        assert_same(class.roc_auc, case.roc_aucs[c], &what);
    }
}

#[track_caller]
fn assert_interval(ours: Option<Interval>, theirs: Ends, what: &str) {
    assert_same(ours.map(|i| i.low), theirs.map(|ends| ends[0]), what);
    assert_same(ours.map(|i| i.high), theirs.map(|ends| ends[1]), what);
}

fn compare_intervals(ours: &Intervals, case: &Case) {
    let theirs = &case.intervals.figures;
    for (name, ours, theirs) in [
        ("accuracy", Some(ours.accuracy), theirs.accuracy),
        ("balanced", ours.balanced_accuracy, theirs.balanced_accuracy),
        ("macro F1", ours.macro_f1, theirs.macro_f1),
        ("weighted F1", ours.weighted_f1, theirs.weighted_f1),
        ("log loss", ours.log_loss, theirs.log_loss),
        ("Brier", ours.brier_score, theirs.brier_score),
    ] {
        assert_interval(ours, theirs, &format!("{}, {name}", case.name));
    }
    assert_interval(ours.roc_auc, case.intervals.roc_auc, &case.name);
    for (ours, theirs) in ours.top_k.iter().zip(&theirs.top_k) {
        assert_interval(Some(*ours), *theirs, &case.name);
    }
    for (c, class) in ours.per_class.iter().enumerate() {
        let what = format!("{}, class {c}", case.name);
        assert_interval(class.precision, theirs.precision[c], &what);
        assert_interval(class.recall, theirs.recall[c], &what);
        assert_interval(class.f1, theirs.f1[c], &what);
        assert_interval(class.roc_auc, case.intervals.roc_aucs[c], &what);
    }
    for (ours, theirs) in ours.reliability.iter().zip(&case.intervals.reliability) {
        assert_interval(*ours, *theirs, &case.name);
    }
}

/// Compares the shares of the confusion matrix; frostline omits pairs that do not occur.
fn compare_shares(ours: &Evaluation, case: &Case) {
    let cells = ours.confusion.cells();
    let shares = &ours.intervals.as_ref().unwrap().confusion_shares;
    assert_eq!(shares.len(), cells.len());
    for (cell, share) in cells.iter().zip(shares) {
        let what = format!("{}, {} as {}", case.name, cell.truth, cell.predicted);
        let theirs = case.intervals.shares[cell.truth][cell.predicted];
        assert_interval(*share, theirs, &what);
    }
}

#[derive(Deserialize)]
struct ComparisonFile {
    mcnemar: Vec<Test>,
    comparisons: Vec<Heads>,
}

#[derive(Deserialize)]
struct Test {
    only_first: usize,
    only_second: usize,
    #[serde(rename = "test")]
    distribution: String,
    statistic: f64,
    p_value: f64,
}

#[derive(Deserialize)]
struct Heads {
    name: String,
    targets: Vec<usize>,
    first: Vec<Vec<f64>>,
    second: Vec<Vec<f64>>,
    bootstrap: Resampling,
    accuracy: Pair,
    log_loss: Pair,
}

#[derive(Deserialize)]
struct Pair {
    first: f64,
    second: f64,
    interval: [f64; 2],
}

/// Compares two heads: each alone is right on the given number of samples, and both on one more.
fn disagreeing(only_first: usize, only_second: usize) -> Comparison {
    let right = |n: usize, wrong: usize| {
        let rows = [[1.0, 0.0]]
            .into_iter()
            .chain(vec![[1.0, 0.0]; n])
            .chain(vec![[0.0, 1.0]; wrong]);
        matrix(&rows.map(Vec::from).collect::<Vec<_>>())
    };
    let first = right(only_first, only_second);
    let mut second = 1.0 - right(only_first, only_second);
    second.row_mut(0).assign(&first.row(0));
    let none = Bootstrap::new(0, 0);
    let targets = vec![0; first.nrows()];
    Comparison::new(&targets, first.view(), second.view(), none).unwrap()
}

#[test]
fn mcnemars_test_is_scipys() {
    let file: ComparisonFile = golden_as("comparison");
    assert_eq!(file.mcnemar.len(), 11);
    for theirs in &file.mcnemar {
        let ours = disagreeing(theirs.only_first, theirs.only_second);
        let counts = (ours.only_first_right, ours.only_second_right);
        assert_eq!(counts, (theirs.only_first, theirs.only_second));
        assert_eq!((ours.both_right, ours.neither_right), (1, 0));
        assert_eq!(ours.accuracy.interval, None);
        let test = match ours.mcnemar.test {
            McNemarTest::Exact => "exact",
            McNemarTest::ChiSquared => "chi-squared",
        };
        assert_eq!(test, theirs.distribution, "{counts:?}");
        assert_close(
            ours.mcnemar.statistic,
            theirs.statistic,
            &format!("{counts:?}"),
        );
        assert_close(ours.mcnemar.p_value, theirs.p_value, &format!("{counts:?}"));
        let ratio = ours.mcnemar.p_value / theirs.p_value;
        assert!((ratio - 1.0).abs() < 1e-9, "{counts:?}: {ratio}");
    }
}

#[test]
fn differences_of_two_heads_are_scikit_learns() {
    let file: ComparisonFile = golden_as("comparison");
    assert_eq!(file.comparisons.len(), 2);
    for heads in &file.comparisons {
        let [first, second] = [&heads.first, &heads.second].map(|rows| matrix(rows));
        let bootstrap = heads.bootstrap.bootstrap();
        let ours = Comparison::new(&heads.targets, first.view(), second.view(), bootstrap).unwrap();
        for (ours, theirs) in [
            (ours.accuracy, &heads.accuracy),
            (ours.log_loss, &heads.log_loss),
        ] {
            assert_close(ours.first, theirs.first, &heads.name);
            assert_close(ours.second, theirs.second, &heads.name);
            assert_close(ours.difference, theirs.first - theirs.second, &heads.name);
            assert_interval(ours.interval, Some(theirs.interval), &heads.name);
        }
    }
}
