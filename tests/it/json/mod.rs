//! `--format json`: the results of every command match their schemas in `docs/schemas`, which describe every
//! field.

mod fit_head;
mod installation;
mod schemas;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use frostline::features::{Existing, FeatureStore, IndexRow, StoreWriter};
use jsonschema::Validator;
use serde_json::Value;

use crate::harness::{Place, Ran, number, two_classes};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

fn schema(command: &str) -> Value {
    let path = folder().join(command).with_extension("json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Parses a command's standard output and checks it against the command's schema.
#[track_caller]
fn valid(command: &str, ran: &Ran) -> Value {
    let result: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    let validator: Validator = jsonschema::draft202012::new(&schema(command)).unwrap();
    let faults = validator.iter_errors(&result);
    let faults: Vec<String> = faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{command}: {faults:#?}\n{}", ran.out);
    result
}

#[test]
fn shards() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 6, 0);
    fs::write(place.path("images/blue/bad.jpg"), "<html></html>").unwrap();
    for shard in ["0", "1"] {
        let line =
            format!("extract {{dir}}/images --shard {shard}/2 -o {{dir}}/{shard} --format json");
        let extracted = valid("extract", &place.frostline(&line));
        assert_eq!(extracted["shard"], format!("{shard}/2"));
    }
    let line = "features status {dir}/0 {dir}/none --format json";
    let status = valid("features-status", &place.frostline(line).exits(1));
    assert_eq!(status["is_complete"], false);
    assert_eq!(status["missing_shards"], serde_json::json!(["1/2"]));
    assert_eq!(status["shards"][1]["state"], "missing");
    let line = "features status {dir}/0 {dir}/1 --format json";
    let status = valid("features-status", &place.frostline(line).exits(3));
    let counts = ["n_images", "n_done", "n_failed", "n_missing"].map(|key| &status[key]);
    assert_eq!(counts, [13, 12, 1, 0]);
    let failed = serde_json::json!([{"reason": "is an HTML page, not an image", "n_images": 1}]);
    assert_eq!(status["failed"], failed);
    let line = "features merge {dir}/0 {dir}/1 -o {dir}/store --format json";
    let merged = valid("features-merge", &place.frostline(line).exits(3));
    let counts = ["n_images", "n_skipped", "n_added", "n_parts_linked"].map(|key| &merged[key]);
    assert_eq!(counts, [12, 1, 12, 2]);
    assert_eq!(merged["skipped"][0]["path"], "blue/bad.jpg");
    assert!(merged["lowest_cosine"].is_null());
    let line = "features show {dir}/store --format json";
    let shown = valid("features-show", &place.frostline(line).exits(0));
    assert_eq!(shown["engines"][0]["n_vectors"], 12);
    for (written, before) in [(1, 2), (0, 1)] {
        let line = "features compact {dir}/store --format json";
        let compacted = valid("features-compact", &place.frostline(line).exits(0));
        let counts = ["n_vectors", "n_parts", "n_parts_written", "n_parts_before"];
        let counts = counts.map(|key| compacted[key].as_u64().unwrap());
        assert_eq!(counts, [12, 1, written, before]);
    }
}

#[test]
fn label_files() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 6, 0);
    let rows = |last: &str| {
        let all = ["blue", "red"].iter().flat_map(|class| {
            let label = if *class == "red" { last } else { "sea" };
            (0..5).map(move |number| format!("{class}/{number}.png,{label}\n"))
        });
        format!("path,label\ngone.png,sea\n{}", all.collect::<String>())
    };
    fs::write(place.path("labels.csv"), rows("fire")).unwrap();
    fs::write(place.path("old.csv"), rows("")).unwrap();
    let run = |command: &str, line: &str| valid(command, &place.frostline(line).exits(0));
    let labels = "--labels {dir}/labels.csv --format json";
    let laid = |result: &Value| {
        let counts =
            ["n_labelled", "n_unlisted", "n_unmatched"].map(|key| &result["label_file"][key]);
        assert_eq!(counts, [10, 2, 1]);
        assert_eq!(
            result["label_file"]["unlisted"],
            serde_json::json!(["blue/5.png", "red/5.png"])
        );
    };
    laid(&run(
        "extract",
        &format!("extract {{dir}}/images -o {{dir}}/store {labels}"),
    ));
    let fitted = run(
        "fit-head",
        &format!("fit-head {{dir}}/store -o {{dir}}/head {labels}"),
    );
    laid(&fitted);
    assert_eq!(fitted["classes"], serde_json::json!(["fire", "sea"]));
    laid(&run("inspect", &format!("inspect {{dir}}/store {labels}")));
    let line = format!("evaluate {{dir}}/images --head {{dir}}/head --include-training {labels}");
    laid(&run("evaluate", &line));
    laid(&run(
        "labels-stats",
        "labels stats {dir}/labels.csv {dir}/images --format json",
    ));
    let diff = run(
        "labels-diff",
        "labels diff {dir}/old.csv {dir}/labels.csv --format json",
    );
    let moves = serde_json::json!([{"before": null, "after": "fire", "n_images": 5}]);
    assert_eq!((&diff["moves"], &diff["n_same"]), (&moves, &Value::from(6)));
    let line = "labels apply {dir}/labels.csv {dir}/images --link {dir}/sorted --format json";
    assert_eq!(
        run("labels-apply", line)["classes"],
        serde_json::json!({"fire": 5, "sea": 5})
    );
    let line =
        "split {dir}/store -o {dir}/splits.csv --near 1 --fractions 0.5,0.25,0.25 --format json";
    let split = run("split", line);
    // 3 of the 5 images of each class, and 1 of the 2 without one.
    assert_eq!(split["splits"]["train"], 7);
    assert_eq!(split["n_groups"], 12);
}

#[test]
fn an_extraction() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 6, 0);
    let blue = place.folder().join("images/blue");
    fs::copy(blue.join("0.png"), blue.join("copy.png")).unwrap();
    fs::write(blue.join("bad.jpg"), "<html></html>").unwrap();
    fs::write(blue.join("notes.txt"), "a word").unwrap();
    fs::create_dir(place.folder().join("images/empty")).unwrap();
    let line = "extract {dir}/images -o {dir}/new --format json";
    let ran = place.frostline(line).exits(3);
    let ran = ran.says(&["13 images in ", "blue/bad.jpg: is an HTML page"]);
    let first = valid("extract", &ran);
    let counts = ["n_images", "n_computed", "n_reused", "n_skipped", "threads"];
    let threads = std::thread::available_parallelism().unwrap().get();
    let counts = counts.map(|key| first[key].as_u64().unwrap() as usize);
    assert_eq!(counts, [13, 12, 1, 1, threads]);
    assert_eq!(first["store"], place.path("new"));
    assert_eq!(first["skipped"][0]["path"], "blue/bad.jpg");
    let classes = serde_json::json!([
        {"name": "blue", "n_images": 7},
        {"name": "red", "n_images": 6},
    ]);
    assert_eq!(first["classes"], classes);
    assert_eq!(first["empty_classes"], serde_json::json!(["empty"]));
    let ignored = serde_json::json!([{"extension": "txt", "n_files": 1}]);
    assert_eq!(first["ignored_files"], ignored);
    assert_eq!(first["engine"]["device"], "cpu");
    assert!(number(&first["images_per_second"]) > 0.0 && number(&first["seconds"]) > 0.0);
    // The result is printed before the error.
    let strict = place.frostline(&format!("{line} --strict")).exits(1);
    let strict = valid("extract", &strict);
    let counts = ["n_computed", "n_reused", "n_skipped"].map(|key| &strict[key]);
    assert_eq!(counts, [0, 13, 1]);
    fs::remove_file(blue.join("bad.jpg")).unwrap();
    let cached = valid("extract", &place.frostline(line).exits(0));
    assert!(cached["engine"].is_null() && cached["images_per_second"].is_null());
}

#[test]
fn an_extraction_without_images_has_a_result_too() {
    let Some(place) = Place::installed() else {
        return;
    };
    let mut command = place.command("extract - -o {dir}/new --format json");
    let empty = command.stdin(Stdio::null()).output().unwrap();
    let result = valid("extract", &Ran::of(empty).exits(0));
    assert_eq!(
        (&result["n_images"], &result["backbone"]),
        (&0.into(), &Value::Null)
    );
    // All are skipped: the command fails, and the result says why.
    let mut command = place.command("extract - -o {dir}/new --format json");
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = streams.stderr(Stdio::piped()).spawn().unwrap();
    let mut names = child.stdin.take().unwrap();
    writeln!(names, "{}", place.path("no-such.jpg")).unwrap();
    drop(names);
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(1);
    assert_eq!(valid("extract", &ran)["n_skipped"], 1);
}

#[test]
fn a_feature_store() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 6, 0);
    fs::write(place.path("images/blue/bad.jpg"), "text").unwrap();
    let extract =
        "extract {dir}/images -o {dir}/new --views hflip --dtype f16 --jpeg-scale reduced";
    place.frostline(extract).exits(3);
    let show = "features show {dir}/new --format json";
    let shown = valid("features-show", &place.frostline(show).exits(0));
    let counts = [
        "format_version",
        "n_vectors",
        "n_images",
        "n_without_class",
        "n_skipped",
    ];
    let counts = counts.map(|key| shown[key].as_u64().unwrap());
    assert_eq!(counts, [2, 12, 12, 0, 1]);
    assert_eq!(shown["skipped"][0]["path"], "blue/bad.jpg");
    assert_eq!(
        shown["classes"][1],
        serde_json::json!({"name": "red", "n_images": 6})
    );
    assert_eq!(
        (&shown["dtype"], &shown["preprocessing"]["resize"]),
        (&"f16".into(), &serde_json::json!([8, 8]))
    );
    assert_eq!(
        shown["views"],
        serde_json::json!(["center", "center-flipped"])
    );
    assert_eq!(shown["decoding"]["jpeg_scale"], "reduced");
    place
        .frostline("extract {dir}/images/blue -o {dir}/flat")
        .exits(3);
    let flat = "features show {dir}/flat --format json";
    let flat = valid("features-show", &place.frostline(flat).exits(0));
    assert_eq!(
        (&flat["n_without_class"], &flat["classes"]),
        (&6.into(), &serde_json::json!([]))
    );
}

#[test]
fn an_evaluation() {
    let Some(place) = Place::fitted() else { return };
    two_classes(&place.folder().join("new"), 6, 100);
    let fit = "fit-head {dir}/store -o {dir}/careful --reject 0.2 --near 1";
    place.frostline("extract {dir}/new -o {dir}/other").exits(0);
    place.frostline(fit).exits(0);
    for options in [
        "--head {dir}/head",
        "--head {dir}/head --intervals 0",
        "--head {dir}/careful --compare {dir}/head",
    ] {
        let line = format!("evaluate {{dir}}/other {options} --format json");
        let result = valid("evaluate", &place.frostline(&line).exits(0));
        assert_eq!(result["n_samples"], 12, "{options}");
        let has = |key: &str| !result.get(key).unwrap_or(&Value::Null).is_null();
        assert_eq!(has("comparison"), options.contains("--compare"));
        assert_eq!(has("accepted"), options.contains("careful"));
        assert_eq!(has("intervals"), !options.contains("--intervals"));
    }
}

/// Twelve images, each listed under thousands of paths.
#[test]
fn an_evaluation_of_very_many_images() {
    let Some(place) = Place::fitted() else { return };
    let line = "evaluate {dir}/store --head {dir}/head --format json";
    let few = valid("evaluate", &place.frostline(line).exits(0));
    assert!(few.get("approximation").is_none());
    let path = place.folder().join("store");
    let store = FeatureStore::open(&path).unwrap();
    let rows: Vec<IndexRow> = store.index().rows().collect();
    let rows = (0..120_000).map(|n| IndexRow {
        path: format!("{n:06}.png"),
        ..rows[n % rows.len()].clone()
    });
    let manifest = store.manifest().clone();
    let writer = StoreWriter::open(&path, manifest, Existing::Extend).unwrap();
    writer.finish_run(&rows.collect(), &[]).unwrap();
    let ran = place
        .frostline(line)
        .exits(0)
        .says(&["areas under the ROC curve come from histograms"]);
    let many = valid("evaluate", &ran);
    assert_eq!(many["n_samples"], 120_000);
    assert_eq!(many["top1_accuracy"], few["top1_accuracy"]);
    let value = |of: &Value, key: &str| of[key].as_f64().unwrap();
    for key in ["log_loss", "brier_score", "macro_f1", "roc_auc"] {
        let [few, many] = [&few, &many].map(|of| value(of, key));
        assert!((few - many).abs() < 1e-9, "{key}: {few} {many}");
    }
    assert_eq!(many["intervals"]["log_loss"]["method"], "normal");
    assert!(value(&many["approximation"], "roc_auc_error") < 1e-9);
}

#[test]
fn drift() {
    let Some(place) = Place::fitted() else { return };
    place
        .frostline("fit-head {dir}/store --calibrate --near 1 --reject 0.2 -o {dir}/known")
        .exits(0);
    let line = "drift {dir}/store --head {dir}/head --train {dir}/store --format json";
    let same = valid("drift", &place.frostline(line).exits(0));
    assert_eq!(
        (&same["n_images"], &same["alarm"]),
        (&12.into(), &false.into())
    );
    assert!(same["classes"].is_null());
    two_classes(&place.folder().join("new"), 3, 50);
    fs::write(place.path("new/red/bad.png"), "no picture").unwrap();
    let line = "drift {dir}/new --head {dir}/known --format json";
    let new = valid("drift", &place.frostline(line).exits(3));
    assert_eq!(new["skipped"].as_array().unwrap().len(), 1);
    assert_eq!(new["classes"]["classes"].as_array().unwrap().len(), 2);
    assert!(new["separation"].is_null());
}

#[test]
fn an_inspection() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 24, 0);
    // Blue images in the folder of the red ones: one a duplicate, one not.
    let [blue, red] = ["images/blue", "images/red"].map(|class| place.folder().join(class));
    fs::copy(blue.join("0.png"), red.join("copy.png")).unwrap();
    fs::rename(blue.join("1.png"), red.join("moved.png")).unwrap();
    place
        .frostline("extract {dir}/images -o {dir}/all")
        .exits(0);
    place
        .frostline("extract {dir}/images/red -o {dir}/red")
        .exits(0);
    place.frostline("fit-head {dir}/all -o {dir}/new").exits(0);
    let line = "inspect {dir}/all --against {dir}/red --head {dir}/new --near 1 --format json";
    let result = valid("inspect", &place.frostline(line).exits(0));
    assert_eq!(
        (&result["n_images"], &result["n_against"]),
        (&49.into(), &26.into())
    );
    let n = |pointer: &str| result.pointer(pointer).unwrap().as_array().unwrap().len();
    // Each image of the second store is in the first one too.
    assert_eq!([n("/duplicates"), n("/contradictions")], [26, 1]);
    assert_eq!([n("/leakage/images"), n("/trained_on/training")], [26, 49]);
    assert!(n("/outliers") > 0);
    let suspects = result["labels"]["suspects"].as_array().unwrap().iter();
    let suspects: Vec<&Value> = suspects.map(|suspect| &suspect["path"]).collect();
    assert!(suspects.contains(&&"red/moved.png".into()), "{suspects:?}");
    let near = place.frostline("inspect {dir}/all --near 0.5 --format json");
    let near = valid("inspect", &near.exits(0));
    assert!(near["leakage"].is_null() && near["trained_on"].is_null());
    assert!(
        near["near_duplicates"][0]["images"]
            .as_array()
            .unwrap()
            .len()
            > 1
    );
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf_8_has_a_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let Some(place) = Place::fitted() else { return };
    let odd = place.folder().join(OsStr::from_bytes(b"n\xff"));
    fs::rename(place.path("store"), &odd).unwrap();
    for command in ["inspect", "features show"] {
        let mut run = place.command(command);
        let output = run.arg(&odd).args(["--format", "json"]).output().unwrap();
        let result = valid(&command.replace(' ', "-"), &Ran::of(output).exits(0));
        let path = result.get("features").or(result.get("store")).unwrap();
        assert_eq!(path, &place.path("n\\xff"));
    }
}

#[test]
fn an_export() {
    let Some(place) = Place::fitted() else { return };
    let line = "export --head {dir}/head -o {dir}/model.onnx --format json";
    let exported = valid("export", &place.frostline(line).exits(0));
    assert_eq!(exported["output"], place.path("model.onnx"));
    assert_eq!(exported["classes"], serde_json::json!(["blue", "red"]));
    let agreement = &exported["agreement"];
    assert_eq!(
        (&agreement["images"], &agreement["generated"]),
        (&16.into(), &16.into())
    );
    assert!(number(&agreement["largest_difference"]) < 1e-5);
    place
        .frostline("export --head {dir}/head -o - --format json")
        .exits(2)
        .says(&["both write to standard output"]);
}
