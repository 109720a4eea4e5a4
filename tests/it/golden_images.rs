//! Compares the preprocessing with torchvision's on the images of `scripts/reference.py`.

use frostline::images::{Crop, Interpolation, Preprocessing, Preprocessor, Resize, RgbImage};
use serde_json::Value;

use crate::harness::{formula_picture, golden, number};

fn setting(case: &Value) -> Preprocessing {
    let resize = match &case["resize"] {
        Value::Null => Resize::None,
        Value::Number(n) => Resize::Shorter(n.as_u64().unwrap() as u32),
        pair => Resize::Exact(number(&pair[0]) as u32, number(&pair[1]) as u32),
    };
    let crop = case["crop"]
        .as_u64()
        .map_or(Crop::None, |n| Crop::Center(n as u32, n as u32));
    let interpolation: Interpolation = case["interpolation"].as_str().unwrap().parse().unwrap();
    // Mean 0, std 1 and scale 1 leave the pixel values unchanged.
    let mut setting = Preprocessing::default();
    (setting.mean, setting.std, setting.scale) = ([0.0; 3], [1.0; 3], 1.0);
    (setting.resize, setting.crop) = (resize, crop);
    setting.interpolation = interpolation;
    setting
}

fn apply(setting: &Preprocessing, image: &RgbImage) -> Vec<f32> {
    let mut out = vec![0.0; setting.num_values()];
    Preprocessor::new(setting).unwrap().apply(image, &mut out);
    out
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect()
}

#[test]
fn pixels_are_torchvisions() {
    let golden = golden("preprocess");
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 40);
    for (index, case) in cases.iter().enumerate() {
        let picture = &golden["pictures"][case["picture"].as_u64().unwrap() as usize];
        let got = apply(&setting(case), &formula_picture(picture));
        let [width, height, step] =
            ["width", "height", "step"].map(|key| case[key].as_u64().unwrap() as usize);
        let wanted = bytes(case["pixels"].as_str().unwrap());
        let positions = (0..height)
            .step_by(step)
            .flat_map(|y| (0..width).step_by(step).map(move |x| (x, y)));
        let ours =
            positions.flat_map(|(x, y)| [0, 1, 2].map(|c| got[c * width * height + y * width + x]));
        let ours: Vec<f32> = ours.collect();
        let wanted: Vec<f32> = wanted.into_iter().map(f32::from).collect();
        assert_eq!(ours, wanted, "case {index}: {case}");
    }
}

#[test]
fn normalisation_is_torchvisions() {
    let golden = golden("preprocess");
    let normalised = &golden["normalised"];
    let case = &golden["cases"][normalised["case"].as_u64().unwrap() as usize];
    let three = |key: &str| [0, 1, 2].map(|i| number(&normalised[key][i]) as f32);
    let mut setting = setting(case);
    (setting.mean, setting.std, setting.scale) = (three("mean"), three("std"), 255.0);
    let picture = &golden["pictures"][case["picture"].as_u64().unwrap() as usize];
    let got = apply(&setting, &formula_picture(picture));
    for (i, wanted) in normalised["first_64"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        // One level of the resize is 1/255/std, at most 0.0176.
        assert!(
            (f64::from(got[i]) - number(wanted)).abs() < 0.018,
            "{i}: {} and {wanted}",
            got[i]
        );
    }
}
