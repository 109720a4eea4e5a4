//! What the tests share: pictures made by formula, a network of one's own, and the binary.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use frostline::backbones::{
    Backbone, BackboneId, Decoding, Engine, FeatureSpec, Pool, Precision, View,
};
use frostline::features::{Dtype, StoreManifest};
use frostline::images::{Crop, Preprocessing, Resize};
use image::RgbImage;

/// The colour and some texture that differs with `seed`.
pub(crate) fn picture(width: u32, height: u32, colour: [u8; 3], seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let grain = (x * 7 + y * 13 + seed * 31 + x * y) % 40;
        image::Rgb(colour.map(|c| c.saturating_sub(20).saturating_add(grain as u8)))
    })
}

/// Writes a picture as PNG, with the folders that lead to it.
pub(crate) fn write_picture(path: &Path, colour: [u8; 3], seed: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture(40, 30, colour, seed)
        .save_with_format(path, image::ImageFormat::Png)
        .unwrap();
}

pub(crate) const RED: [u8; 3] = [200, 40, 30];
pub(crate) const BLUE: [u8; 3] = [40, 60, 200];

/// `root/{blue,red}/0.png …`, `n` pictures each, all different.
pub(crate) fn two_classes(root: &Path, n: u32, seed: u32) {
    for i in 0..n {
        write_picture(&root.join(format!("blue/{i}.png")), BLUE, seed + i);
        write_picture(&root.join(format!("red/{i}.png")), RED, seed + 1000 + i);
    }
}

/// A backbone without weights: the mean of each channel of each quarter of its input.
#[derive(Default)]
pub(crate) struct Stub {
    /// Number of images in each run, in order.
    pub(crate) batches: Vec<usize>,
}

/// Side of the stub's input, in pixels.
pub(crate) const SIDE: usize = 8;

impl Stub {
    pub(crate) fn images(&self) -> usize {
        self.batches.iter().sum()
    }
}

impl Backbone for Stub {
    fn num_features(&self) -> usize {
        12
    }

    fn forward(&mut self, images: &[f32], n: usize) -> frostline::Result<Vec<f32>> {
        self.batches.push(n);
        let planes = images[..n * 3 * SIDE * SIDE].chunks_exact(SIDE * SIDE);
        Ok(planes.flat_map(quarters).collect())
    }
}

fn quarters(plane: &[f32]) -> [f32; 4] {
    let mut sums = [0.0; 4];
    for (i, value) in plane.iter().enumerate() {
        let (y, x) = (i / SIDE, i % SIDE);
        sums[y / (SIDE / 2) * 2 + x / (SIDE / 2)] += value;
    }
    sums.map(|sum| sum / (SIDE * SIDE / 4) as f32)
}

/// The stub's preprocessing.
pub(crate) fn preprocessing() -> Preprocessing {
    Preprocessing {
        resize: Resize::Exact(SIDE as u32, SIDE as u32),
        crop: Crop::None,
        ..Preprocessing::default()
    }
}

/// The manifest of a store of the stub's features.
pub(crate) fn manifest() -> StoreManifest {
    let backbone = BackboneId {
        name: "stub".to_owned(),
        sha256: "0".repeat(64),
        layer: "quarters".to_owned(),
        pool: Pool::Flatten,
        num_features: 12,
        file: None,
    };
    let spec = FeatureSpec {
        backbone,
        preprocessing: preprocessing(),
        decoding: Decoding::default(),
        views: vec![View::Center],
    };
    StoreManifest::new(
        spec,
        Dtype::F32,
        Engine::new("stub", "cpu", Precision::Fp32),
    )
}

/// The home with runtime and default backbone, which the set-up script makes.
pub(crate) fn home() -> PathBuf {
    std::env::var_os("FROSTLINE_HOME").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(".frostline"),
        PathBuf::from,
    )
}

/// The home, or a line that says why a test does nothing.
pub(crate) fn installed_home() -> Option<PathBuf> {
    let home = home();
    if home.join("models/efficientnet-lite0.onnx").is_file() {
        return Some(home);
    }
    eprintln!(
        "not tested: {} is not set up, run scripts/setup.sh",
        home.display()
    );
    None
}

/// Real images beside the checkout, or a line that says why a test does nothing.
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(name);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("not tested: there is no {}", path.display());
    None
}

/// Runs the binary.
pub(crate) fn frostline<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    run(&mut command(args))
}

/// The binary, ready to be run.
pub(crate) fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frostline"));
    command.args(args).env("FROSTLINE_HOME", home());
    command
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        code: status.code().expect("the binary ends by itself"),
        out: String::from_utf8(stdout).expect("standard output is UTF-8"),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Checks the exit code, and shows what was said where it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "standard error:\n{}\nstandard output:\n{}",
            self.err, self.out
        );
        self
    }

    /// Checks that standard error says all of these.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.err.contains(word),
                "`{word}` is missing from:\n{}",
                self.err
            );
        }
        self
    }
}

/// A file of numbers that `scripts/reference.py` wrote.
pub(crate) fn golden(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
        .with_extension("json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap()
}

/// The picture that `scripts/reference.py` describes, checked by its checksum.
pub(crate) fn formula_picture(about: &serde_json::Value) -> frostline::images::RgbImage {
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
