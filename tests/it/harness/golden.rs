//! Reference values and images of `scripts/reference.py`.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a file of reference values that `scripts/reference.py` wrote.
pub(crate) fn golden(name: &str) -> Value {
    golden_as(name)
}

/// Reads the file as a type of the caller's choice.
pub(crate) fn golden_as<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
        .with_extension("json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Creates the image that `scripts/reference.py` describes and verifies its checksum.
pub(crate) fn formula_picture(about: &Value) -> frostline::images::RgbImage {
    let [w, h, s] = ["width", "height", "seed"].map(|key| about[key].as_u64().unwrap() as i64);
    let positions = (0..h).flat_map(|y| (0..w).flat_map(move |x| (0..3).map(move |c| (x, y, c))));
    let pixels: Vec<u8> = positions
        .map(|(x, y, c)| formula([w, h, s], [x, y, c]))
        .collect();
    let checksum: u64 = (0..)
        .zip(&pixels)
        .map(|(i, &byte)| (i % 251 + 1) * u64::from(byte))
        .sum();
    assert_eq!(
        about["checksum"].as_u64(),
        Some(checksum),
        "{w} × {h}, seed {s}"
    );
    frostline::images::RgbImage::new(w as u32, h as u32, pixels).unwrap()
}

#[expect(
    clippy::many_single_char_names,
    reason = "the letters of the formula in scripts/reference.py"
)]
fn formula([w, h, s]: [i64; 3], [x, y, c]: [i64; 3]) -> u8 {
    let fold = |t: i64| {
        if t % 512 < 256 {
            t % 512
        } else {
            511 - t % 512
        }
    };
    let (u, v) = (1024 * x / w, 1024 * y / h);
    let smooth = fold((c + 1) * u + 2 * v + 97 * s) + fold(u + 3 * v + 61 * c + 31 * s);
    let (du, dv) = (
        (u - (256 + (101 * s) % 512)).abs(),
        (v - (256 + (67 * s) % 512)).abs(),
    );
    let disc = if du * du + dv * dv < 90_000 { 64 } else { 0 };
    let grain = (3 * x * x + 5 * y * y + 7 * x * y + 11 * c + 17 * s) % 61;
    (3 * smooth / 8 + disc + grain - 32).clamp(0, 255) as u8
}
