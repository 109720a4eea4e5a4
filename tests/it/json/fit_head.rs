//! `fit-head --format json`.

use std::fs;

use frostline::head::HeadFile;
use serde_json::Value;

use super::valid;
use crate::harness::{Place, two_classes};

/// Runs `fit-head` on `train`, 24 images of each class, and returns the result and the head.
fn fitted(place: &Place, options: &str) -> (Value, HeadFile) {
    let line = "fit-head {dir}/train -o {dir}/new --near 1 --format json ";
    let ran = place.frostline(&(line.to_owned() + options)).exits(0);
    (
        valid("fit-head", &ran.says(&["trained on "])),
        HeadFile::read(place.path("new")).unwrap(),
    )
}

#[test]
fn a_fitted_head() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 24, 0);
    let extract = "extract {dir}/images -o {dir}/train";
    place.frostline(extract).exits(0);
    fs::write(place.path("weights.csv"), "class,weight\nred,2.5\nblue,1\n").unwrap();
    let everything =
        "--validation-split 0.25 --search --folds 2 --learning-curve --calibrate --reject 0.2";
    for options in [
        "--validation-split 0.25 --epochs 3",
        everything,
        &format!("--solver lbfgs {everything}"),
        "--solver linfa",
        "--patience 2 --validation-split 0.25 --class-weight balanced",
        "--schedule step --step-size 2 --gamma 0.5 --class-weight {dir}/weights.csv",
        "--lr 1e3",
        "--memory 2K",
    ] {
        let (result, head) = fitted(&place, options);
        assert_eq!(result["head"], place.path("new"));
        assert_eq!(result["classes"], serde_json::json!(["blue", "red"]));
        assert_eq!(result["params"], head.params, "{options}");
        let same = ["history", "optimum", "search", "calibration", "out_of_fold"];
        for key in same {
            assert_eq!(result[key], head.metrics[key], "{options}: {key}");
        }
        let n = |key: &str| result[key].as_u64().unwrap();
        let validated = options.contains("--validation-split");
        assert_eq!(
            [n("n_train"), n("n_validation")],
            if validated { [36, 12] } else { [48, 0] }
        );
        assert_eq!(result["validation"].is_null(), !validated);
        assert_eq!(result["streamed"].is_null(), !options.contains("--memory"));
        assert_eq!(
            result["learning_curve"].is_null(),
            !options.contains("--learning")
        );
        assert_eq!(result["rejection"].is_null(), !options.contains("--reject"));
        assert_eq!(
            result["best_epoch"].is_null(),
            !options.contains("--patience")
        );
        let warns = |words: &str| {
            let warnings = result["warnings"].as_array().unwrap();
            warnings
                .iter()
                .any(|text| text.as_str().unwrap().contains(words))
        };
        assert_eq!(warns("only 12 validation images"), validated);
        assert!(warns("lower --lr") || !options.contains("--lr"));
    }
}

#[test]
fn a_head_that_its_validation_set_contradicts() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 24, 0);
    two_classes(&place.folder().join("swapped"), 24, 100);
    for (from, to) in [("blue", "x"), ("red", "blue"), ("x", "red")] {
        let [from, to] = [from, to].map(|class| place.folder().join("swapped").join(class));
        fs::rename(from, to).unwrap();
    }
    place
        .frostline("extract {dir}/images -o {dir}/train")
        .exits(0);
    place
        .frostline("extract {dir}/swapped -o {dir}/other")
        .exits(0);
    let (result, _) = fitted(
        &place,
        "--validation {dir}/other --calibrate --folds 2 --lr 1e-6",
    );
    assert_eq!(result["validation"]["accuracy"], 0.0);
    let of_accuracy = &result["disagreements"][0];
    assert_eq!(of_accuracy["figure"], "accuracy");
    assert_eq!(
        [&of_accuracy["left_out"], &of_accuracy["validation"]],
        [1.0, 0.0]
    );
    assert_eq!(result["calibration"]["outcome"], "denied");
    for warning in [
        "cross-validation and the validation set disagree: accuracy",
        "not calibrated: ",
    ] {
        let mut warnings = result["warnings"].as_array().unwrap().iter();
        assert!(
            warnings.any(|text| text.as_str().unwrap().starts_with(warning)),
            "{result}"
        );
    }
}
