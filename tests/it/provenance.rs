//! A head's training record: its own training images do not inflate its metrics.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use frostline::ClassIndex;
use frostline::features::{Content, Digest, Existing, Index, IndexRow, StoreWriter};
use frostline::head::{Evaluation, HeadFile};
use ndarray::array;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Place, Ran, frostline, manifest};

/// More features than different images, so a head can fit any labels.
const D: usize = 64;

/// Writes a store of images with random features and labels, each image as two near-duplicates.
///
/// A head is always right on its training images and their copies, and guesses on others.
fn noise(store: &Path, pictures: std::ops::Range<u32>) {
    let mut manifest = manifest();
    manifest.spec.backbone.num_features = D;
    let mut writer = StoreWriter::open(store, manifest, Existing::Extend).unwrap();
    let mut index = Index::default();
    for picture in pictures {
        let mut drawn = 0u32;
        let mut next = || {
            drawn += 1;
            let hash = Digest::of(&[picture.to_le_bytes(), drawn.to_le_bytes()].concat()).0;
            f64::from(u16::from_le_bytes([hash[0], hash[1]])) / f64::from(u16::MAX) - 0.5
        };
        let class = if next() < 0.0 { "cold" } else { "warm" };
        let features: Vec<f64> = (0..D).map(|_| next()).collect();
        for copy in 0..2u32 {
            let near: Vec<f32> = features
                .iter()
                .map(|x| (x * (1.0 + 0.01 * f64::from(copy) * next())) as f32)
                .collect();
            let digest = Digest::of(&[picture.to_le_bytes(), copy.to_le_bytes()].concat());
            writer.push(digest, &near).unwrap();
            index.push(IndexRow {
                path: format!("{class}/{picture}-{copy}.png"),
                class: Some(class.to_owned()),
                content: Ok(Content {
                    digest,
                    width: 4,
                    height: 3,
                }),
            });
        }
    }
    writer.finish_run(&index, &[]).unwrap();
}

/// A folder with the stores `mine` (24 images, twice each) and `more` (these and 8 others).
struct Noise(TempDir);

impl Noise {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        noise(&folder.path().join("mine"), 0..24);
        noise(&folder.path().join("more"), 0..32);
        Self(folder)
    }

    fn run(&self, line: &str) -> Ran {
        let dir = self.0.path().display().to_string();
        frostline(line.split(' ').map(|word| word.replace("{dir}", &dir)))
    }

    /// Runs `fit-head` until convergence, which gets every training image right.
    fn fit(&self, store: &str, head: &str, options: &str) -> Ran {
        let line =
            format!("fit-head {{dir}}/{store} -o {{dir}}/{head} --solver lbfgs --l2 0.01{options}");
        self.run(&line).exits(0)
    }

    fn figures(&self, line: &str) -> Value {
        let ran = self.run(&format!("evaluate {line} --format json")).exits(0);
        serde_json::from_str(&ran.out).unwrap()
    }

    fn head(&self, name: &str) -> HeadFile {
        HeadFile::read(self.0.path().join(name)).unwrap()
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn training_images_are_no_evidence() {
    let noise = Noise::new();
    noise.fit("mine", "head", "");
    // If there are only training images, they are evaluated with a warning that the results are optimistic.
    let ran = noise.run("evaluate --head {dir}/head {dir}/mine").exits(0);
    let words = "48 images are part of the head's training set, so the results are optimistic";
    assert!(ran.out.contains(words), "{}", ran.out);
    assert!(ran.err.contains("fit-head --folds 5"), "{}", ran.err);
    noise
        .run("report --head {dir}/head {dir}/mine -o {dir}/page.html")
        .exits(0);
    let page = fs::read_to_string(noise.0.path().join("page.html")).unwrap();
    assert!(page.contains(words));
    let asked = noise
        .run("evaluate --head {dir}/head {dir}/mine --include-training")
        .exits(0);
    assert!(
        asked.out.contains("accuracy           100.0 %"),
        "{}",
        asked.out
    );
    assert!(asked.out.contains(words), "{}", asked.out);
    // If some images are new, only those count.
    let figures = noise.figures("--head {dir}/head {dir}/more");
    assert_eq!(figures["n_samples"], 16);
    assert_eq!(
        (
            &figures["training_overlap"]["new"],
            &figures["training_overlap"]["left_out"]
        ),
        (&16.into(), &48.into())
    );
    let ran = noise.run("evaluate --head {dir}/head {dir}/more").exits(0);
    assert!(
        ran.out
            .contains("48 training images are excluded from all metrics."),
        "{}",
        ran.out
    );
}

#[test]
fn one_unsplit_folder_is_evaluated_by_heads_that_saw_no_copy() {
    let noise = Noise::new();
    let fit = noise.fit("mine", "head", " --folds 4");
    assert!(
        fit.err.contains("out of fold") && !fit.err.contains("no validation set was given"),
        "{}",
        fit.err
    );
    let figures = noise.figures("--head {dir}/head {dir}/mine");
    assert_eq!(
        (
            &figures["n_samples"],
            &figures["training_overlap"]["out_of_fold"]
        ),
        (&48.into(), &48.into())
    );
    // The labels are random: copies in the training set would raise the accuracy to 1.
    let accuracy = number(&figures["top1_accuracy"]);
    assert!((0.1..=0.8).contains(&accuracy), "{accuracy}");
    let kept = &noise.head("head").metrics["out_of_fold"];
    assert!((number(&kept["accuracy"]) - accuracy).abs() < 1e-12);
    assert!((number(&kept["log_loss"]) - number(&figures["log_loss"])).abs() < 1e-5);
    let low = number(&figures["intervals"]["accuracy"]["low"]);
    let high = number(&figures["intervals"]["accuracy"]["high"]);
    assert!(low < accuracy && accuracy < high);
    let included = noise.figures("--head {dir}/head {dir}/mine --include-training");
    assert!((number(&included["top1_accuracy"]) - 1.0).abs() < 1e-12);

    let text = noise
        .run("evaluate --head {dir}/head {dir}/mine")
        .exits(0)
        .out;
    assert!(
        text.contains("All 48 training images are evaluated out of fold"),
        "{text}"
    );
    let mixed = noise
        .run("evaluate --head {dir}/head {dir}/more")
        .exits(0)
        .out;
    assert!(
        mixed.contains("48 training images are evaluated out of fold"),
        "{mixed}"
    );
    assert!(
        mixed.contains("(4 folds); 16 images are new to the head."),
        "{mixed}"
    );

    let seen = noise
        .run("inspect {dir}/more --head {dir}/head")
        .exits(0)
        .out;
    assert!(
        seen.contains("training images of the head: 48 of the 64 images"),
        "{seen}"
    );

    let report = "report --head {dir}/head {dir}/mine -o {dir}/page.html";
    noise
        .run(report)
        .exits(0)
        .says(&["All 48 training images are evaluated out of fold"]);
    let page = fs::read_to_string(noise.0.path().join("page.html")).unwrap();
    assert!(page.contains("All 48 training images are evaluated out of fold"));
    assert!(page.contains("<dt>evaluated out of fold</dt><dd>48</dd>"));
}

#[test]
fn the_temperature_holds_out_of_fold_and_a_search_keeps_its_winner() {
    let noise = Noise::new();
    noise.fit("mine", "calibrated", " --calibrate");
    let rejecting = " --folds 3 --reject 0.2";
    noise.fit("mine", "rejecting", rejecting);
    noise
        .run("evaluate --head {dir}/rejecting {dir}/mine")
        .exits(0)
        .says(&[
            "rejected images are not counted: the head's rejection was fitted on 48 of the images",
        ]);
    let head = noise.head("calibrated");
    assert_eq!(head.record.folds(), Some(5));
    let figures = noise.figures("--head {dir}/calibrated {dir}/mine");
    let kept = number(&head.metrics["out_of_fold"]["log_loss"]);
    assert!((number(&figures["log_loss"]) - kept).abs() < 1e-5);
    // Heads that are confident of random labels are far worse without the temperature.
    assert!(kept < 1.0 && head.temperature.value() > 1.5, "{kept}");

    noise
        .run("fit-head {dir}/mine -o {dir}/found --search --folds 3 --epochs 5")
        .exits(0);
    let found = noise.head("found");
    assert_eq!(found.record.folds(), Some(3));
    let search = &found.metrics["search"];
    let winner = &search["candidates"][search["chosen"].as_u64().unwrap() as usize];
    let accuracy = number(&found.metrics["out_of_fold"]["accuracy"]);
    // The search reports the mean over its folds, whose sizes differ by an image or two.
    assert!(
        (accuracy - number(&winner["accuracy"])).abs() < 0.05,
        "{accuracy} {winner}"
    );
}

#[test]
fn images_that_were_held_out_are_evaluated_and_the_others_are_not() {
    let noise = Noise::new();
    noise.fit("mine", "head", " --validation-split 0.25");
    let head = noise.head("head");
    let held_out = head.record.held_out().len();
    assert_eq!(held_out + head.record.training().len(), 48);
    let figures = noise.figures("--head {dir}/head {dir}/mine");
    assert_eq!(figures["training_overlap"]["held_out"], held_out);
    assert_eq!(figures["training_overlap"]["left_out"], 48 - held_out);
    let validation = number(&head.metrics["validation"]["accuracy"]);
    assert!((number(&figures["top1_accuracy"]) - validation).abs() < 1e-12);
}

#[test]
fn every_figure_of_an_evaluation_is_in_the_json() {
    let classes = ClassIndex::from_names(["cold", "warm"]);
    let probabilities = array![[0.9, 0.1], [0.2, 0.8]];
    let evaluation = Evaluation::new(&classes, &[0, 1], probabilities.view()).unwrap();
    let evaluation = serde_json::to_value(&evaluation).unwrap();
    let noise = Noise::new();
    noise.fit("mine", "head", " --validation-split 0.25");
    let figures = noise.figures("--head {dir}/head {dir}/mine");
    for key in evaluation.as_object().unwrap().keys() {
        let key = match key.as_str() {
            "accuracy" => "top1_accuracy",
            "top_k" => "top_k_accuracy",
            key => key,
        };
        assert!(figures.get(key).is_some(), "{key}");
    }
}

#[test]
fn heads_of_different_training_sets_are_compared_on_what_neither_saw() {
    let noise = Noise::new();
    self::noise(&noise.0.path().join("late"), 20..28);
    noise.fit("mine", "early", "");
    noise.fit("late", "late-head", "");
    let line = "--head {dir}/early {dir}/more --compare {dir}/late-head";
    // 0..24 and 20..28 together are 28 of the 32 images: 4 images, twice each, are left.
    let figures = noise.figures(line);
    assert_eq!(
        (
            &figures["n_samples"],
            &figures["training_overlap"]["left_out"]
        ),
        (&8.into(), &56.into())
    );
    // A training image counts if its head stores an out-of-fold prediction for it.
    noise.fit("mine", "early", " --folds 3");
    let figures = noise.figures(line);
    assert_eq!(
        (
            &figures["n_samples"],
            &figures["training_overlap"]["left_out"]
        ),
        (&48.into(), &16.into())
    );
    assert_eq!(
        (
            &figures["training_overlap"]["out_of_fold"],
            &figures["training_overlap"]["new"]
        ),
        (&40.into(), &8.into())
    );
}

#[test]
fn images_that_one_of_two_heads_has_seen_are_told() {
    let noise = Noise::new();
    self::noise(&noise.0.path().join("late"), 20..28);
    noise.fit("mine", "early", "");
    noise.fit("late", "late-head", "");
    let line = "evaluate --head {dir}/late-head {dir}/mine --compare {dir}/early --format json";
    // All 24 images, twice each, are training images of `early`; `late-head` was trained on 4 of them.
    let ran = noise
        .run(line)
        .exits(0)
        .says(&["each image was in the training of one of the heads"]);
    let figures: Value = serde_json::from_str(&ran.out).unwrap();
    let overlap = &figures["training_overlap"];
    assert_eq!(
        (&overlap["new"], &overlap["training"]),
        (&40.into(), &8.into())
    );
}

#[test]
fn near_neighbours_on_the_page_are_other_images() {
    let noise = Noise::new();
    noise.fit("mine", "head", " --folds 4");
    let line = "report --head {dir}/head {dir}/mine --train {dir}/mine -o {dir}/page.html";
    noise.run(line).exits(0);
    let page = fs::read_to_string(noise.0.path().join("page.html")).unwrap();
    let start = page.find("{\"photos\":").unwrap();
    let end = start + page[start..].find("</script>").unwrap();
    let data: Value = serde_json::from_str(&page[start..end]).unwrap();
    let training = data["rest"]["training"].as_array().unwrap();
    let photos = data["photos"].as_array().unwrap();
    let mistakes: Vec<_> = photos
        .iter()
        .filter(|photo| photo["truth"] != photo["predicted"])
        .collect();
    assert!(!mistakes.is_empty());
    for photo in mistakes {
        let near = photo["near"].as_array().unwrap();
        assert_eq!(near.len(), 5);
        for neighbour in near {
            let place = neighbour[0].as_u64().unwrap() as usize;
            assert_ne!(training[place]["path"], photo["path"]);
        }
    }
}

/// Checks that the binary refuses an invalid head or store without a panic.
fn refused(place: &Place, line: &str, words: &str) {
    let ran = place.frostline(line).exits(1);
    assert!(ran.err.contains(words), "{line}: {}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn impossible_views_and_sizes_are_refused_when_they_are_read() {
    let Some(place) = Place::fitted() else { return };
    let head = HeadFile::read(place.path("head")).unwrap();
    let many: Vec<&str> = std::iter::repeat_n("center", 100_000).collect();
    let broken: [(&str, Value, &str); 9] = [
        (
            "/views",
            Value::Array(Vec::new()),
            "`views` does not begin with `center`",
        ),
        (
            "/views",
            serde_json::json!(["center", "center"]),
            "`center` twice",
        ),
        ("/views", serde_json::json!(many), "`center` twice"),
        (
            "/views",
            serde_json::json!(["center-flipped"]),
            "`views` does not begin with `center`",
        ),
        ("/backbone/num_features", 0.into(), "`num_features` is 0"),
        (
            "/backbone/num_features",
            (1u64 << 63).into(),
            "`num_features` is 9223372036854775808",
        ),
        (
            "/backbone/num_features",
            7.into(),
            "but the weights expect ",
        ),
        (
            "/preprocessing/std",
            serde_json::json!([0.5, 0.0, 0.5]),
            "`std` is 0.5,0,0.5, but must be finite and above 0",
        ),
        ("/preprocessing/resize", 0.into(), "`resize` is 0, but must"),
    ];
    let manifest_path = place.folder().join("store/manifest.json");
    let whole = fs::read_to_string(&manifest_path).unwrap();
    for (key, value, words) in broken {
        let mut file = head.clone();
        *file.manifest.pointer_mut(key).unwrap() = value.clone();
        file.write(place.path("broken")).unwrap();
        for line in [
            "classify {dir}/images --head {dir}/broken",
            "classify {dir}/images --head {dir}/broken --store {dir}/store",
            "evaluate {dir}/store --head {dir}/broken",
            "suggest {dir}/store --head {dir}/broken",
        ] {
            refused(&place, line, words);
        }
        if value == 7 {
            continue;
        }
        let mut manifest: Value = serde_json::from_str(&whole).unwrap();
        *manifest["spec"].pointer_mut(key).unwrap() = value;
        // A manifest without a checksum, as older versions wrote it, is checked too.
        manifest.as_object_mut().unwrap().remove("checksum");
        fs::write(&manifest_path, manifest.to_string()).unwrap();
        for line in [
            "fit-head {dir}/store -o {dir}/new",
            "classify {dir}/images --head {dir}/head --store {dir}/store",
            "features show {dir}/store",
        ] {
            refused(&place, line, words);
        }
        fs::write(&manifest_path, &whole).unwrap();
    }
}

#[test]
fn labelled_images_are_not_suggested_and_classify_names_them() {
    let Some(place) = Place::fitted() else { return };
    place
        .frostline("classify {dir}/images --head {dir}/trained")
        .exits(0)
        .says(&["the head was trained on 12 of 12 images"]);
    let error = "suggest {dir}/store --head {dir}/trained";
    place
        .frostline(error)
        .exits(1)
        .says(&["trained or validated on all 12 usable images"]);
    let split = "fit-head {dir}/store -o {dir}/split --validation-split 0.5";
    place.frostline(split).exits(0);
    place
        .frostline("suggest {dir}/images --head {dir}/split")
        .exits(1);
    // New images are suggested, and the others are reported as left out.
    for name in ["a.png", "b.png"] {
        crate::harness::write_picture(
            &place.folder().join("images").join(name),
            crate::harness::RED,
            900 + name.len() as u32,
        );
    }
    let ran = place
        .frostline("suggest {dir}/images --head {dir}/trained --near 1")
        .exits(0);
    let rows: BTreeSet<&str> = ran.out.lines().skip(1).collect();
    assert!(
        !rows.is_empty()
            && rows
                .iter()
                .all(|row| row.contains("/a.png") || row.contains("/b.png")),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("skipped 12 labelled images"),
        "{}",
        ran.err
    );
}
