//! Compares the features of EfficientNet-Lite with `PyTorch`'s on the same pixels.

use std::path::Path;

use frostline::backbones::{Backbone, Decoding, Frozen, Home, RunOptions};
use frostline::images::{Preprocessor, Resize};

use crate::harness::{formula_picture, golden, installed_home, number};

pub(crate) const LITE: [&str; 3] = [
    "efficientnet-lite0",
    "efficientnet-lite1",
    "efficientnet-lite2",
];

#[test]
fn features_are_pytorchs() {
    let Some(home) = installed_home() else { return };
    for name in LITE {
        if home
            .join("models")
            .join(name)
            .with_added_extension("onnx")
            .is_file()
        {
            check(name, &home);
        } else {
            eprintln!("not tested: {name} is not installed; see scripts/{name}.txt");
        }
    }
}

fn check(name: &str, home: &Path) {
    let golden = golden(&name.replace('-', "_"));
    let run = RunOptions::new(Home::at(home));
    let adjust = |manifest: &mut frostline::backbones::BackboneManifest| {
        manifest.preprocessing.resize = Resize::None;
    };
    let mut frozen = Frozen::by_name(Path::new(name), adjust, Decoding::default(), &run).unwrap();
    for input in golden["inputs"].as_array().unwrap() {
        let setting = &frozen.spec.preprocessing;
        let mut tensor = vec![0.0; setting.num_values()];
        Preprocessor::new(setting)
            .unwrap()
            .apply(&formula_picture(input), &mut tensor);
        let got = frozen.backbone.forward(&tensor, 1).unwrap();
        let wanted: Vec<f64> = input["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(number)
            .collect();
        let cosine = cosine(&got, &wanted);
        assert!(cosine >= 0.9999, "{name}: cosine {cosine}");
    }
}

pub(crate) fn cosine(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot: f64 = a.iter().zip(b).map(|(&x, y)| f64::from(x) * y).sum();
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    dot / norm(&mut a.iter().map(|&x| f64::from(x))) / norm(&mut b.iter().copied())
}
