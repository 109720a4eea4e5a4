//! `linfa-logistic` models as heads, and heads fitted with `linfa-logistic`.

use ::linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use frostline::ClassIndex;
use frostline::error::{Error, HeadError, Result};
use frostline::head::{
    Evaluation, Fit, FitParams, HeadFile, LabelledFeatures, LinearHead, Solver, Temperature,
    TrainingRecord, fit,
};
use linfa::Dataset;
use linfa::ParamGuard;
use linfa::traits::Fit as _;
use ndarray::{Array1, Array2};

/// Returns features with one bump per class and pseudo-random noise, and their targets.
fn images(n: usize, classes: usize) -> (Array2<f32>, Vec<usize>) {
    let targets: Vec<usize> = (0..n).map(|row| row % classes).collect();
    let features = Array2::from_shape_fn((n, 8), |(row, column)| {
        let noise = ((row * 7919 + column * 104_729) % 1009) as f32 / 1009.0;
        noise + if column == targets[row] { 0.5 } else { 0.0 }
    });
    (features, targets)
}

fn names(targets: &[usize]) -> Array1<String> {
    targets
        .iter()
        .map(|t| ["wasp", "ant", "bee"][*t].to_owned())
        .collect()
}

fn fitted(solver: Solver, tol: f64, features: &Array2<f32>, targets: &[usize]) -> Result<Fit> {
    let c = targets.iter().max().unwrap() + 1;
    let classes = ClassIndex::from_names((0..c).map(|c| c.to_string()));
    let set = LabelledFeatures::new(features.view(), targets, &classes)?;
    let params = FitParams::new().solver(solver).tol(tol).check()?;
    fit(&params, &set, None, &mut |_| {})
}

fn farthest(a: &LinearHead, b: &LinearHead) -> f32 {
    let weight = &a.weight() - &b.weight();
    let bias = &a.bias() - &b.bias();
    weight
        .iter()
        .chain(&bias)
        .fold(0.0, |far, d| far.max(d.abs()))
}

#[test]
fn a_model_of_several_classes_is_written_read_and_evaluated_as_a_head() {
    let (features, targets) = images(90, 3);
    let data = Dataset::new(features.mapv(f64::from), names(&targets));
    let model = MultiLogisticRegression::default().fit(&data).unwrap();
    let classes = ClassIndex::from_ordered(model.classes().iter().map(String::as_str)).unwrap();
    assert_eq!(classes.iter().collect::<Vec<_>>(), ["ant", "bee", "wasp"]);
    let file = HeadFile {
        head: LinearHead::try_from(&model).unwrap(),
        classes,
        manifest: serde_json::json!({}),
        params: serde_json::json!({"trained_by": "linfa-logistic"}),
        metrics: serde_json::json!({}),
        temperature: Temperature::default(),
        rejection: None,
        record: TrainingRecord::default(),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.safetensors");
    file.write(&path).unwrap();
    let read = HeadFile::read(&path).unwrap();
    let ours = read.head.predict_proba(features.view()).unwrap();
    let theirs = model.predict_probabilities(data.records());
    assert!((&ours - &theirs).iter().all(|d| d.abs() < 1e-5));
    let index = |name: &String| read.classes.class_to_idx(name).unwrap();
    let truth: Vec<usize> = data.targets().iter().map(index).collect();
    let evaluation = Evaluation::new(&read.classes, &truth, ours.view()).unwrap();
    assert!(evaluation.accuracy > 0.8, "{}", evaluation.accuracy);
}

#[test]
fn a_binary_model_has_its_classes_in_order_whichever_is_positive() {
    for rare in [0, 1] {
        // The crate treats the more frequent class as positive, so one class is made rarer.
        let (features, targets) = images(60, 2);
        let kept: Vec<usize> = (0..60)
            .filter(|row| targets[*row] != rare || row % 3 == 0)
            .collect();
        let features = features.select(ndarray::Axis(0), &kept);
        let targets: Vec<usize> = kept.iter().map(|row| targets[*row]).collect();
        let records = features.clone();
        let model = LogisticRegression::<f32>::default()
            .fit(&Dataset::new(records, Array1::from(targets.clone())))
            .unwrap();
        let head = LinearHead::try_from(&model).unwrap();
        let p = head.predict_proba(features.view()).unwrap();
        let positive = model.labels().pos.class;
        assert_eq!(positive, 1 - rare);
        let theirs = model.predict_probabilities(&features);
        let pairs = p.column(positive).into_iter().zip(theirs);
        assert!(
            pairs
                .into_iter()
                .all(|(p, q)| (p - f64::from(q)).abs() < 1e-5)
        );
    }
}

#[test]
fn the_minimum_is_that_of_lbfgs() {
    for classes in [2, 3] {
        let (features, targets) = images(90, classes);
        let ours = fitted(Solver::Lbfgs, 1e-8, &features, &targets).unwrap();
        let theirs = fitted(Solver::Linfa, 1e-6, &features, &targets).unwrap();
        let far = farthest(&ours.head, &theirs.head);
        assert!(far < 1e-3, "{classes}: {far}");
        let optimum = theirs.optimum.unwrap();
        assert!(optimum.gradient <= 2e-6 && optimum.iterations.is_none());
        assert!((optimum.loss - ours.optimum.unwrap().loss).abs() < 1e-6);
    }
}

#[test]
fn uneven_rows_are_refused() {
    // Rows scaled by 10^-2 to 10^3: the logits of different rows differ by hundreds.
    let (mut features, targets) = images(90, 3);
    for (number, mut row) in features.rows_mut().into_iter().enumerate() {
        let exponent = (number * 37 % 90) as f32 / 90.0 * 5.0 - 2.0;
        row.mapv_inplace(|x| x * 10f32.powf(exponent));
    }
    assert!(fitted(Solver::Lbfgs, 1e-6, &features, &targets).is_ok());
    let error = fitted(Solver::Linfa, 1e-6, &features, &targets).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Head(HeadError::NotConverged {
                iterations: None,
                ..
            })
        ),
        "{error}"
    );
}

#[test]
fn a_class_without_images_and_several_views_are_refused() {
    let (features, _) = images(4, 2);
    let classes = ClassIndex::from_names(["a", "b", "c"]);
    let params = FitParams::new().solver(Solver::Linfa).check().unwrap();
    let refused = |set: &LabelledFeatures<'_>| {
        fit(&params, set, None, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    let empty = LabelledFeatures::new(features.view(), &[0, 1, 0, 1], &classes).unwrap();
    assert!(refused(&empty).contains("`c` has none"));
    let views = LabelledFeatures::with_views(features.view(), 2, &[0, 1], &classes).unwrap();
    assert!(refused(&views).contains("one view of each image, but there are 2"));
}
