//! Tests that a prediction is either correct or refused.

use ndarray::{Array2, array};

use super::*;
use crate::backbones::{BackboneId, Decoding, Pool};
use crate::head::{Method, RejectionRule};
use crate::images::Preprocessing;

#[test]
fn numbers_that_are_none_are_no_prediction() {
    let mean = |p: [f64; 2]| Prediction::new(array![p[0], p[1]].view(), Verdict::Known);
    assert!(mean([0.25, 0.75]).is_ok());
    for p in [[f64::NAN, f64::NAN], [f64::NAN, 0.5], [0.0, f64::INFINITY]] {
        assert_eq!(mean(p), Err(NoPrediction::Probabilities), "{p:?}");
    }
}

fn spec(views: Vec<View>, num_features: usize) -> FeatureSpec {
    FeatureSpec {
        backbone: BackboneId {
            name: "none".to_owned(),
            sha256: "0".repeat(64),
            layer: "none".to_owned(),
            pool: Pool::Flatten,
            map: None,
            prefix_tokens: 0,
            num_features,
            file: None,
            bundle: None,
        },
        preprocessing: Preprocessing::default(),
        decoding: Decoding::default(),
        views,
    }
}

fn classifier(weight: Array2<f32>, temperature: f64, rejection: bool) -> Predictor {
    let d = weight.ncols();
    let rule = RejectionRule {
        method: Method::NearestNeighbours,
        k: 1,
        rate: 0.05,
        threshold: -1.0,
    };
    let mut bank = Array2::zeros((1, d));
    bank[[0, 0]] = half::f16::ONE;
    Predictor {
        metrics: serde_json::Value::Null,
        classes: ClassIndex::from_names(["a", "b"]),
        spec: spec(vec![View::Center], d),
        temperature: Temperature::new(temperature).unwrap(),
        rejection: rejection.then(|| Rejection::new(rule, bank, vec![0]).unwrap()),
        record: TrainingRecord::default(),
        head: LinearHead::new(weight, array![0.0, 0.0]).unwrap(),
    }
}

/// Combines extreme weights with extreme features.
#[test]
fn extreme_numbers_are_right_or_no_prediction() {
    let f16_max = 65_504.0;
    let extremes = [
        0.0,
        1.0,
        -1.0,
        f16_max,
        -f16_max,
        3e38,
        -3e38,
        f32::MIN_POSITIVE,
        1e-45,
    ];
    let all = Array2::from_shape_fn((81, 2), |(row, column)| {
        extremes[if column == 0 { row / 9 } else { row % 9 }]
    });
    for weight in all.rows() {
        let weight = array![[weight[0], weight[1]], [weight[1], -weight[0]]];
        for (temperature, rejection) in [(1e-6, false), (1.0, true), (1e6, true)] {
            let predictions = classifier(weight.clone(), temperature, rejection)
                .predict(all.view())
                .unwrap();
            for (x, prediction) in all.rows().into_iter().zip(predictions) {
                check_prediction(&weight, x, temperature, prediction);
            }
        }
    }
}

/// Compares a prediction with logits in f64, which are the reference where no term overflows f32.
fn check_prediction(
    weight: &Array2<f32>,
    x: ArrayView1<f32>,
    temperature: f64,
    prediction: Result<Prediction, NoPrediction>,
) {
    let terms = |class: usize| [0, 1].map(|i| f64::from(weight[[class, i]]) * f64::from(x[i]));
    let logits = [terms(0), terms(1)].map(|terms| terms[0] + terms[1]);
    let terms = [terms(0), terms(1)].concat();
    let fits = terms
        .iter()
        .chain(&logits)
        .all(|t| t.abs() < f64::from(f32::MAX));
    assert_eq!(prediction.is_ok(), fits, "{weight} {x}");
    let Ok(prediction) = prediction else { return };
    let p = prediction.probabilities();
    assert!(
        p.iter().all(|p| (0.0..=1.0).contains(p)),
        "{weight} {x} {p:?}"
    );
    let expected = 1.0 / (1.0 + ((logits[1] - logits[0]) / temperature).exp());
    // Allows for underflow and for rounding in the last place of f32.
    let lost = (1e-38 + logits[0].abs().max(logits[1].abs()) * 1e-6) / temperature;
    assert!(
        (p[0] - expected).abs() <= 1e-6 + lost,
        "{weight} {x} {p:?} {expected}"
    );
}

/// The two products overflow f32 although their sum is 0: infinities of both signs yield no prediction.
#[test]
fn a_sum_that_left_the_range_on_its_way_is_none() {
    let weight = Array2::from_shape_fn((2, 64), |(class, i)| match (class, i) {
        (0, 0) => -3e38,
        (0, 1) => 3e38,
        _ => 0.0,
    });
    let features = Array2::from_elem((3, 64), 2.0);
    let predictions = classifier(weight, 1.0, false)
        .predict(features.view())
        .unwrap();
    assert_eq!(predictions, vec![Err(NoPrediction::Probabilities); 3]);
}

#[test]
fn many_images_are_predicted_as_one_by_one() {
    let weight = array![[0.5, -1.0], [0.25, 2.0]];
    let features = Array2::from_shape_fn((2 * AT_ONCE + 3, 2), |(row, column)| {
        ((row * 7 + column * 3) % 11) as f32 / 5.0 - 1.0
    });
    let classifier = classifier(weight, 1.5, true);
    let together = classifier.predict(features.view()).unwrap();
    assert_eq!(together.len(), features.nrows());
    for (row, prediction) in together.into_iter().enumerate() {
        let alone = classifier
            .predict(features.slice(s![row..=row, ..]))
            .unwrap();
        assert_eq!(vec![prediction], alone, "{row}");
    }
}

#[test]
fn manifests_that_cannot_be_are_refused() {
    let head = LinearHead::zeros(2, 3);
    let refused = |spec: FeatureSpec| spec_of(serde_json::to_value(spec).unwrap(), &head);
    assert!(refused(spec(vec![View::Center, View::CenterFlipped], 3)).is_ok());
    let many = refused(spec(vec![View::Center; 100_000], 3)).unwrap_err();
    assert_eq!(many, "`views` contains `center` twice");
    assert!(
        refused(spec(Vec::new(), 3))
            .unwrap_err()
            .contains("does not begin with `center`")
    );
    for d in [0, 4, usize::MAX] {
        let error = refused(spec(vec![View::Center], d)).unwrap_err();
        assert!(error.contains(&format!("`num_features` is {d}")), "{error}");
    }
    assert!(spec_of(Value::Null, &head).is_err());
}

#[test]
fn the_best_come_first_and_equals_keep_their_order() {
    let prediction = Prediction {
        probabilities: vec![0.2, 0.3, 0.2, 0.3],
        verdict: Verdict::Known,
    };
    assert_eq!(prediction.best(), (1, 0.3));
    assert_eq!(prediction.top(3), [(1, 0.3), (3, 0.3), (0, 0.2)]);
}
