//! Unknown images: how well they are distinguished from known ones, and how the command line reports them.

use std::path::{Path, PathBuf};
use std::{fs, slice};

use frostline::head::HeadFile;
use serde_json::Value;

use self::scores::{METHODS, Trained, auroc};
use self::stores::Images;
use crate::harness::{BLUE, Place, RED, frostline, installed_home, shared_data};

#[path = "../../examples/unknown/scores.rs"]
mod scores;
#[path = "../../examples/unknown/stores.rs"]
#[expect(dead_code, reason = "the example leaves classes out")]
mod stores;

const GREEN: [u8; 3] = [30, 220, 40];

/// Writes an image of 8 × 8 pixels with noise of up to 90 around a colour, so that no two images of a colour
/// are near-duplicates.
fn noisy(path: &Path, colour: [u8; 3], seed: u32) {
    let mut state = seed;
    let mut noise = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        (state >> 16) % 181
    };
    let mut pixel = || colour.map(|c| (u32::from(c) + noise()).saturating_sub(90).min(255) as u8);
    let picture = image::RgbImage::from_fn(8, 8, |_, _| image::Rgb(pixel()));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

/// Creates `images/{blue,red}`, 30 of each with every tenth in the wrong folder, their features in `store`,
/// and 5 images in `strangers/green`.
pub(crate) fn place() -> Option<Place> {
    let place = Place::installed()?;
    let path = |name: String| place.folder().join(name);
    for i in 0..30 {
        let (blue, red) = if i % 10 == 0 {
            (RED, BLUE)
        } else {
            (BLUE, RED)
        };
        noisy(&path(format!("images/blue/{i}.png")), blue, i);
        noisy(&path(format!("images/red/{i}.png")), red, 1000 + i);
    }
    for i in 0..5 {
        noisy(&path(format!("strangers/green/{i}.png")), GREEN, 2000 + i);
    }
    let extract = "extract {dir}/images -o {dir}/store --views hflip";
    place.frostline(extract).exits(0);
    Some(place)
}

fn rows(place: &Place, line: &str) -> Vec<Value> {
    let ran = place.frostline(&format!("{line} --format jsonl")).exits(0);
    ran.out
        .lines()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect()
}

#[test]
fn strangers_are_unknown_unless_that_is_off() {
    let Some(place) = place() else { return };
    let fit = "fit-head {dir}/store -o {dir}/head --reject 0.05";
    place.frostline(fit).exits(0).says(&[
        "rejects below similarity",
        "of 60 training images, leave-one-out",
    ]);
    let strangers = "classify {dir}/strangers --head {dir}/head";
    for row in rows(&place, strangers) {
        let status = row["status"].as_str().unwrap();
        assert_eq!(row["label"], "unknown");
        assert!(
            status.starts_with("unknown: the nearest training image ("),
            "{status}"
        );
        assert!(status.contains("below the threshold of 0."), "{status}");
    }
    let told = place
        .frostline(&format!("{strangers} --format table"))
        .exits(0);
    assert!(told.out.contains("unknown  ") && told.out.contains("(the nearest training image"));
    // `unknown` has no probability; the most probable class keeps its own.
    let unknown = told
        .out
        .lines()
        .find(|line| line.starts_with("unknown"))
        .unwrap();
    assert!(
        unknown
            .split_whitespace()
            .nth(1)
            .unwrap()
            .contains("strangers"),
        "{unknown}"
    );
    assert!(unknown.contains(" %)"), "{unknown}");
    told.says(&["labelled 5 images `unknown`", "--no-reject"]);
    for row in rows(&place, &format!("{strangers} --no-reject")) {
        assert!(row["label"] != "unknown" && row["status"] == "ok", "{row}");
    }
    // Training images are their own nearest neighbours.
    let known = rows(&place, "classify {dir}/images --head {dir}/head");
    assert!(known.iter().all(|row| row["status"] == "ok") && known.len() == 60);
}

#[test]
fn an_evaluation_counts_the_unknown_and_leaves_its_figures() {
    let Some(place) = place() else { return };
    place
        .frostline("fit-head {dir}/store -o {dir}/head --reject 0.05")
        .exits(0);
    let evaluation = |line: &str| -> Value {
        let line =
            format!("evaluate {{dir}}/{line} --head {{dir}}/head --include-training --format json");
        serde_json::from_str(&place.frostline(&line).exits(0).out).unwrap()
    };
    let known = evaluation("store");
    assert_eq!(
        known["rejected"],
        serde_json::json!({"right": 0, "wrong": 0, "unknown_classes": 0})
    );
    // Green images, some training images, and a green image labelled red.
    for i in 0..6 {
        noisy(
            &place.folder().join(format!("mixed/green/{i}.png")),
            GREEN,
            3000 + i,
        );
        noisy(
            &place.folder().join(format!("mixed/red/{i}.png")),
            RED,
            1001 + i,
        );
    }
    noisy(&place.folder().join("mixed/red/green.png"), GREEN, 5000);
    let mixed = evaluation("mixed");
    let count = |key: &str| mixed["rejected"][key].as_u64().unwrap();
    assert_eq!(
        (count("unknown_classes"), count("right") + count("wrong")),
        (6, 1),
        "{mixed}"
    );
    assert_eq!(mixed["n_samples"], 7);
    let off = evaluation("mixed --no-reject");
    assert!(off["rejected"].is_null());
    assert_eq!(off["confusion"], mixed["confusion"]);
}

#[test]
fn a_temperature_moves_probabilities_and_no_label() {
    let Some(place) = place() else { return };
    place
        .frostline("fit-head {dir}/store -o {dir}/plain")
        .exits(0);
    let calibrate = "fit-head {dir}/store -o {dir}/calibrated --calibrate --folds 4";
    place
        .frostline(calibrate)
        .exits(0)
        .says(&["calibrated  temperature", "(4 folds)"]);
    let file = HeadFile::read(place.path("calibrated")).unwrap();
    let t = file.temperature.value();
    let calibration = &file.metrics["calibration"];
    assert_eq!(
        (&calibration["folds"], calibration["temperature"].as_f64()),
        (&4.into(), Some(t))
    );
    assert!(calibration["log_loss_after"].as_f64() <= calibration["log_loss_before"].as_f64());
    let rows = |head: &str| {
        rows(
            &place,
            &format!("classify {{dir}}/images --head {{dir}}/{head}"),
        )
    };
    let log_odds = |row: &Value| {
        let p = row["p_red"].as_f64().unwrap();
        (p / (1.0 - p)).ln()
    };
    for (plain, calibrated) in rows("plain").iter().zip(&rows("calibrated")) {
        assert_eq!(plain["label"], calibrated["label"]);
        // The log-odds of two classes are the difference of their logits.
        let (before, after) = (log_odds(plain), log_odds(calibrated));
        assert!(
            (before / t - after).abs() < 1e-6 * (1.0 + before.abs()),
            "{before} {after} {t}"
        );
    }
}

#[test]
fn the_verdict_is_the_centres_whatever_the_views() {
    let Some(place) = place() else { return };
    place
        .frostline("fit-head {dir}/store -o {dir}/head --augment --reject 0.1 --calibrate")
        .exits(0);
    let line = "classify {dir}/strangers --head {dir}/head";
    let (all, alone) = (
        rows(&place, line),
        rows(&place, &format!("{line} --tta none")),
    );
    let statuses = |rows: &[Value]| {
        rows.iter()
            .map(|row| row["status"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses(&all), statuses(&alone));
    assert!(all[0]["status"].as_str().unwrap().starts_with("unknown"));
    assert_ne!(all[0]["probability"], alone[0]["probability"]);
}

/// The value computed with `NumPy` is 0.995; see `examples/unknown`.
#[test]
fn alien_vs_predator_is_no_clothing() {
    let (Some(_), Some(aliens), Some(clothing)) = (
        installed_home(),
        shared_data("alien_predator"),
        shared_data("clothing10"),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let store = |data: &Path, split: &str| -> PathBuf {
        let name = data.file_name().unwrap().display().to_string();
        let out = folder.path().join(format!("{name}-{split}"));
        let images = data.join(split);
        frostline([
            "extract".as_ref(),
            images.as_os_str(),
            "-o".as_ref(),
            out.as_os_str(),
        ])
        .exits(0);
        out
    };
    let train = Images::of(&[store(&clothing, "train")]).unwrap();
    let known = [store(&clothing, "validation"), store(&clothing, "test")];
    let known = Images::of(&known).unwrap();
    let unknown = Images::of(slice::from_ref(&store(&aliens, "validation"))).unwrap();
    let trained = Trained::on(&train).unwrap();
    let scores = (
        trained.scores(&known).unwrap(),
        trained.scores(&unknown).unwrap(),
    );
    let of = |name: &str| {
        let method = METHODS.iter().position(|method| *method == name).unwrap();
        auroc(&scores.0[method], &scores.1[method])
    };
    let (nearest, probability) = (of("nearest neighbour"), of("max probability"));
    assert!(
        nearest >= 0.98 && nearest > probability,
        "{nearest} against {probability}"
    );
    // The rate is set to 5 %; photos from other photographers are rejected slightly more often.
    let rejected = (
        trained.rejected(&known).unwrap(),
        trained.rejected(&unknown).unwrap(),
    );
    assert!(rejected.0 < 0.1 && rejected.1 > 0.9, "{rejected:?}");
}
