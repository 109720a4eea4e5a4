//! Compares networks built from weight files with torchvision's on the same pixels; the weights are seeded,
//! not trained.

use std::path::Path;

use frostline::backbones::onnx::write_model;
use frostline::backbones::{Architecture, End};
use frostline::backbones::{Backbone, Decoding, Frozen, Home, RunOptions};
use frostline::images::{Preprocessor, Resize};
use frostline_onnx::weights::{StateDict, Tensor};
use serde_json::Value;

use crate::golden_features::{LITE, cosine};
use crate::harness::{formula_picture, golden, installed_home, number};

#[path = "../../examples/synthetic_vgg19/generator.rs"]
pub(crate) mod generator;

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    let size = |value: &Value| value.as_u64().unwrap() as usize;
    list(value).iter().map(size).collect()
}

/// Returns the names and shapes of a network's tensors in torchvision.
pub(crate) fn tensors(network: &Value) -> Vec<(&str, Vec<usize>)> {
    let rows = list(&network["tensors"]).iter();
    rows.map(|row| (row[0].as_str().unwrap(), sizes(&row[1])))
        .collect()
}

fn seeded(name: &str, shape: &[usize]) -> Tensor {
    Tensor {
        shape: shape.to_vec(),
        data: generator::numbers(name, shape).collect(),
    }
}

/// Opens a network file with ImageNet's preprocessing, for images that already have the input size.
pub(crate) fn open(home: &Path, file: &Path) -> Frozen {
    let run = RunOptions::new(Home::at(home));
    let adjust = |manifest: &mut frostline::backbones::BackboneManifest| {
        manifest.preprocessing.resize = Resize::None;
    };
    Frozen::by_name(file, adjust, Decoding::default(), &run).unwrap()
}

pub(crate) fn answer(frozen: &mut Frozen, input: &Value) -> Vec<f32> {
    let setting = &frozen.spec.preprocessing;
    let mut tensor = vec![0.0; setting.num_values()];
    Preprocessor::new(setting)
        .unwrap()
        .apply(&formula_picture(input), &mut tensor);
    frozen.backbone.forward(&tensor, 1).unwrap()
}

/// Returns the largest difference of two rows, relative to the largest value.
fn difference(got: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(got.len(), wanted.len());
    let scale = wanted
        .iter()
        .fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let differences = got.iter().zip(wanted);
    let differences = differences.map(|(&x, y)| (f64::from(x) - y).abs());
    differences.fold(0.0, f64::max) / scale
}

#[track_caller]
pub(crate) fn check_near(got: &[f32], wanted: &[f64], what: &str) {
    let (cosine, difference) = (cosine(got, wanted), difference(got, wanted));
    assert!(
        cosine >= 0.99999 && difference <= 1e-4,
        "{what}: cosine {cosine}, largest difference {difference}"
    );
}

#[test]
fn the_generator_is_pythons() {
    for about in list(&golden("architectures")["generator"]) {
        let name = about["name"].as_str().unwrap();
        let shape = sizes(&about["shape"]);
        let found: Vec<f32> = generator::numbers(name, &shape).collect();
        // Nine digits identify every `f32`.
        let head: Vec<f32> = numbers(&about["first_8"])
            .iter()
            .map(|&x| x as f32)
            .collect();
        assert_eq!(found[..8], head, "{name}");
        let sum: f64 = found.iter().map(|&x| f64::from(x)).sum();
        assert!((sum - number(&about["sum"])).abs() < 1e-9, "{name}");
    }
}

#[test]
fn every_architecture_is_torchvisions() {
    let Some(home) = installed_home() else { return };
    let folder = tempfile::tempdir().unwrap();
    let golden = golden("architectures");
    let networks = list(&golden["networks"]).iter();
    let networks = networks.map(|network| (network["arch"].as_str().unwrap(), network));
    let mut untested: Vec<_> = Architecture::ALL.iter().map(ToString::to_string).collect();
    untested.retain(|arch| networks.clone().all(|(name, _)| name != arch));
    assert_eq!(untested, LITE, "only `golden_features` tests these");
    for (name, network) in networks {
        let arch: Architecture = name.parse().unwrap();
        let tensors = tensors(network).into_iter();
        let weights = tensors.map(|(name, shape)| (name.to_owned(), seeded(name, &shape)));
        let weights = StateDict::new("seeded", weights);
        for (end, wanted) in [(End::Features, "features"), (End::Logits, "logits")] {
            let file = folder.path().join(format!("{name}-{wanted}.onnx"));
            write_model(&arch.build(&weights, end).unwrap(), &file).unwrap();
            let got = answer(&mut open(&home, &file), &network["input"]);
            check_near(
                &got,
                &numbers(&network[wanted]),
                &format!("{name}, {wanted}"),
            );
        }
    }
}
