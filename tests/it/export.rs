//! `export` writes networks that ONNX Runtime runs without frostline, and refuses what they cannot stand for.

use std::fs;
use std::process::Command;

use rten_onnx::onnx::ModelProto;
use rten_onnx::protobuf::{DecodeMessage, ValueReader};

use crate::harness::{Place, two_classes};
use frostline::ClassIndex;
use frostline::head::HeadFile;

fn read(path: &str) -> ModelProto {
    ModelProto::decode(ValueReader::from_buf(&fs::read(path).unwrap())).unwrap()
}

fn outputs(model: &ModelProto) -> Vec<&str> {
    let graph = model.graph.as_ref().unwrap();
    graph
        .output
        .iter()
        .map(|info| info.name.as_deref().unwrap())
        .collect()
}

#[test]
fn a_network_has_frostlines_predictions() {
    let Some(place) = Place::fitted() else { return };
    for input in ["tensor", "crop"] {
        for outputs in ["probabilities", "logits", "features", "all"] {
            let line = format!(
                "export --head {{dir}}/head -o {{dir}}/model.onnx --input {input} --outputs {outputs} \
                 --verify {{dir}}/images"
            );
            // 12 images are too few, so four pictures are generated.
            place.frostline(&line).exits(0).says(&[
                "2 classes on the backbone efficientnet-lite0",
                "16 of 16 images (4 generated) have frostline's label",
                "100.0 % by frostline, 100.0 % by the network (12 images)",
            ]);
        }
    }
    let model = read(&place.path("model.onnx"));
    assert_eq!(outputs(&model), ["probabilities", "logits", "features"]);
    assert_eq!(model.producer_name.as_deref(), Some("frostline export"));
    let bytes = fs::read(place.path("model.onnx")).unwrap();
    for text in [
        "{0: 'blue', 1: 'red'}",
        "[\"blue\",\"red\"]",
        "\"equal_labels\":16",
        "IMAGE",
    ] {
        let found = bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes());
        assert!(found, "{text}");
    }
}

#[test]
fn a_rejecting_head_keeps_its_rejection() {
    let Some(place) = Place::fitted() else { return };
    let export = "export --head {dir}/HEAD -o {dir}/model.onnx --with-rejection";
    place
        .frostline(&export.replace("HEAD", "head"))
        .exits(1)
        .says(&[
            "`--with-rejection` needs a head that rejects images",
            "--reject 0.05",
        ]);
    assert!(!place.folder().join("model.onnx").exists());
    let fit = "fit-head {dir}/store -o {dir}/rejecting --reject 0.1 --near 1";
    place.frostline(fit).exits(0);
    let without = export.replace("HEAD", "rejecting");
    let without = without.replace(" --with-rejection", "");
    place
        .frostline(&without)
        .exits(0)
        .says(&["the network does not: add --with-rejection"]);
    place
        .frostline(&export.replace("HEAD", "rejecting"))
        .exits(0)
        .says(&[
            "probabilities, similarity, unknown",
            "0 of them rejected differently",
        ]);
    let model = read(&place.path("model.onnx"));
    assert_eq!(outputs(&model), ["probabilities", "similarity", "unknown"]);
}

#[test]
fn only_an_earlier_export_is_replaced() {
    let Some(place) = Place::fitted() else { return };
    let network = place.path("home/models/efficientnet-lite0.onnx");
    fs::copy(&network, place.path("other.onnx")).unwrap();
    let export = |output: &str| format!("export --head {{dir}}/head -o {{dir}}/{output}");
    place.frostline(&export("model.onnx")).exits(0);
    place.frostline(&export("model.onnx")).exits(0);
    place.frostline(&export("other.onnx")).exits(1).says(&[
        "already exists and is an ONNX network; it would be replaced by an exported network",
    ]);
    place
        .frostline(&format!("{} --overwrite", export("other.onnx")))
        .exits(0);
}

#[test]
fn a_head_of_several_views_is_refused() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 6, 0);
    place
        .frostline("extract {dir}/images -o {dir}/views --views hflip")
        .exits(0);
    place
        .frostline("fit-head {dir}/views -o {dir}/head --augment")
        .exits(0);
    place
        .frostline("export --head {dir}/head -o {dir}/model.onnx")
        .exits(1)
        .says(&[
            "it averages over 2 views of each image",
            "extract them without --views",
        ]);
}

/// The network of [`Place::installed`] returns its input, so every pixel counts.
#[test]
fn whole_images_are_resized_and_cropped_inside() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 6, 0);
    for (i, preprocessing) in [
        "--resize 8x8 --crop none",
        "--resize 9 --crop 8 --interpolation bicubic --channels bgr",
        "--resize none --crop 8",
        "--resize 5 --crop 8",
    ]
    .into_iter()
    .enumerate()
    {
        let extract = format!("extract {{dir}}/images -o {{dir}}/store{i} {preprocessing}");
        place.frostline(&extract).exits(0);
        place
            .frostline(&format!("fit-head {{dir}}/store{i} -o {{dir}}/head{i}"))
            .exits(0);
        for resize in ["onnx", "matmul"] {
            let line = format!(
                "export --head {{dir}}/head{i} -o {{dir}}/model.onnx --input pixels --resize {resize} \
                 --format json"
            );
            let result = place.frostline(&line).exits(0).out;
            let result: serde_json::Value = serde_json::from_str(&result).unwrap();
            let agreement = &result["agreement"];
            let difference = agreement["largest_difference"].as_f64().unwrap();
            assert!(difference < 2e-3, "{preprocessing}, {resize}: {agreement}");
            assert_eq!(agreement["equal_labels"], 16, "{preprocessing}, {resize}");
        }
    }
    let extract = "extract {dir}/images -o {dir}/lanczos --interpolation lanczos";
    place.frostline(extract).exits(0);
    place
        .frostline("fit-head {dir}/lanczos -o {dir}/lanczos.head")
        .exits(0);
    let line = "export --head {dir}/lanczos.head -o {dir}/new.onnx --input";
    place.frostline(&format!("{line} pixels")).exits(1).says(&[
        "cannot resize with the interpolation `lanczos`",
        "use --input crop",
    ]);
    assert!(!place.folder().join("new.onnx").exists());
    place.frostline(&format!("{line} crop")).exits(0);
}

#[test]
fn a_backbone_is_written_in_16_or_8_bits() {
    let Some(place) = Place::fitted() else { return };
    let export = "export --head {dir}/head -o {dir}/model.onnx --verify {dir}/images --precision";
    place
        .frostline(&format!("{export} fp16"))
        .exits(0)
        .says(&["backbone in fp16", "16 of 16 images (4 generated)"]);
    let refused = place.frostline(&format!("{export} int8")).exits(2);
    refused.says(&["needs images to calibrate on", "--calibration IMAGES"]);
    let few = format!("{export} int8 --calibration {{dir}}/images");
    place
        .frostline(&few)
        .exits(1)
        .says(&[
            "`--precision` int8 needs at least 100 images in `--calibration`, but there are 12 usable ones",
        ]);
    two_classes(&place.folder().join("many"), 50, 0);
    for input in ["tensor", "pixels"] {
        let many = format!("{export} int8 --calibration {{dir}}/many --input {input}");
        place
            .frostline(&many)
            .exits(0)
            .says(&["backbone in int8", "100.0 % by the network (12 images)"]);
    }
    let graph = read(&place.path("model.onnx")).graph.unwrap();
    let count = |operator: &str| {
        let nodes = graph.node.iter();
        nodes
            .filter(|node| node.op_type.as_deref() == Some(operator))
            .count()
    };
    // The image; weights and bias; nothing after the only convolution but the flattened output.
    assert!(count("QuantizeLinear") >= 1 && count("DequantizeLinear") >= 3);
}

#[test]
fn layouts_have_the_files_of_their_readers() {
    let Some(place) = Place::fitted() else { return };
    let export = "export --head {dir}/head -o {dir}/";
    place
        .frostline(&format!("{export}hub --layout hf"))
        .exits(0);
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(place.path(name)).unwrap()).unwrap()
    };
    let config = json("hub/config.json");
    assert_eq!(
        config["id2label"],
        serde_json::json!({"0": "blue", "1": "red"})
    );
    let processor = json("hub/preprocessor_config.json");
    assert_eq!(
        processor["size"],
        serde_json::json!({"height": 8, "width": 8})
    );
    assert_eq!(
        processor["image_mean"],
        serde_json::json!([0.485, 0.456, 0.406])
    );
    let model = read(&place.path("hub/onnx/model.onnx"));
    assert_eq!(outputs(&model), ["probabilities", "logits"]);
    let input = &model.graph.as_ref().unwrap().input[0];
    assert_eq!(input.name.as_deref(), Some("pixel_values"));

    // Of two exports at once, all files are of one.
    let mut other = HeadFile::read(place.path("head")).unwrap();
    other.classes = ClassIndex::from_ordered(["azure".to_owned(), "rose".to_owned()]).unwrap();
    other.write(place.path("other")).unwrap();
    let hub = |head: &str| {
        let line = format!("export --head {{dir}}/{head} -o {{dir}}/hub --layout hf");
        place.command(&line).spawn().unwrap()
    };
    for mut export in [hub("head"), hub("other")] {
        assert!(export.wait().unwrap().success());
    }
    let first = json("hub/config.json")["id2label"]["0"].clone();
    let bytes = fs::read(place.path("hub/onnx/model.onnx")).unwrap();
    let names = format!("{{0: '{}'", first.as_str().unwrap());
    let has_names = bytes
        .windows(names.len())
        .any(|part| part == names.as_bytes());
    assert!(has_names, "{first} is not of the network's head");

    let triton = format!("{export}models/colours --layout triton --input pixels");
    place.frostline(&triton).exits(0);
    let config = fs::read_to_string(place.path("models/colours/config.pbtxt")).unwrap();
    assert!(config.starts_with("name: \"colours\"\n") && config.contains("dims: [ -1, -1, 3 ]"));
    let labels = fs::read_to_string(place.path("models/colours/labels.txt")).unwrap();
    assert_eq!(labels, "blue\nred\n");
    assert!(place.folder().join("models/colours/1/model.onnx").is_file());
    // It replaces its own files, and no others. A model has the name of its folder, whatever the path.
    let again = triton.replace("colours", "colours/1/..");
    place.frostline(&again).exits(0);
    let again = fs::read_to_string(place.path("models/colours/config.pbtxt")).unwrap();
    assert_eq!(config, again);
    fs::write(place.path("models/colours/labels.txt"), [0, 1, 2]).unwrap();
    place
        .frostline(&triton)
        .exits(1)
        .says(&["labels.txt` already exists and is a binary file"]);

    let pixels = format!("{export}new --layout hf --input pixels");
    place
        .frostline(&pixels)
        .exits(1)
        .says(&["cannot write the layout `hf`: its reader preprocesses images"]);
    place
        .frostline(&format!("{export}new.onnx --layout hf"))
        .exits(2)
        .says(&["writes a folder"]);
}

#[test]
fn files_next_to_a_network_are_replaced_if_an_export_wrote_it() {
    let Some(place) = Place::fitted() else { return };
    for (layout, name, text) in [
        ("hf", "config.json", "{}\n"),
        ("triton", "labels.txt", "mine\n"),
    ] {
        fs::create_dir(place.folder().join(layout)).unwrap();
        let foreign = place.folder().join(layout).join(name);
        fs::write(&foreign, text).unwrap();
        let export = format!("export --head {{dir}}/head -o {{dir}}/{layout} --layout {layout}");
        place.frostline(&export).exits(1).says(&[
            &format!("{name}` already exists, and is not from an earlier export"),
            "add --overwrite",
        ]);
        assert_eq!(fs::read_to_string(&foreign).unwrap(), text);
        place.frostline(&format!("{export} --overwrite")).exits(0);
        place.frostline(&export).exits(0);
    }
}

#[test]
fn unusable_images_do_not_count() {
    let Some(place) = Place::fitted() else { return };
    for i in 0..6 {
        fs::write(place.path(&format!("images/red/bad{i}.png")), "no image").unwrap();
    }
    // 12 of 18 images can be used.
    let export = "export --head {dir}/head -o {dir}/model.onnx --verify {dir}";
    place
        .frostline(&format!("{export}/images"))
        .exits(3)
        .says(&["16 of 16 images (4 generated)"]);
    fs::rename(place.path("images/red"), place.path("images/reed")).unwrap();
    place
        .frostline(&format!("{export}/images"))
        .exits(3)
        .says(&[
            "by the network (6 images)",
            "warning: 6 images of classes that the head does not have",
        ]);
    fs::create_dir_all(place.folder().join("bad/red")).unwrap();
    fs::write(place.path("bad/red/0.png"), "no image").unwrap();
    place
        .frostline(&format!("{export}/bad"))
        .exits(1)
        .says(&["none of the images can be used"]);
}

/// ONNX Runtime moves a `Transpose` through the crop in front of layers in 8 bits.
#[test]
fn whole_images_are_cropped_in_front_of_8_bits() {
    let Some(place) = Place::fitted() else { return };
    two_classes(&place.folder().join("many"), 50, 0);
    place
        .frostline("extract {dir}/many -o {dir}/cropped --resize 9 --crop 8")
        .exits(0);
    place
        .frostline("fit-head {dir}/cropped -o {dir}/cropping")
        .exits(0);
    let export = "export --head {dir}/cropping -o {dir}/model.onnx --input pixels --precision int8 \
                  --calibration {dir}/many --verify {dir}/many";
    place
        .frostline(export)
        .exits(0)
        .says(&["100.0 % by the network (100 images, 100 of them training images)"]);
}

/// Returns the code block of a language in `docs/export.md`.
fn reader(language: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/export.md");
    let text = fs::read_to_string(page).unwrap();
    let (_, block) = text.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// Runs a reader of the documentation; `None` if its packages are not installed.
fn read_with(program: &str, check: &[&str], args: &[String]) -> Option<String> {
    let can_run = Command::new(program).args(check).output();
    if !can_run.is_ok_and(|ran| ran.status.success()) {
        eprintln!("not tested: {program} cannot run {check:?}");
        return None;
    }
    let ran = Command::new(program).args(args).output().unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Some(String::from_utf8(ran.stdout).unwrap())
}

/// `FROSTLINE_PYTHON` chooses another Python than `python3`, and `NODE_PATH` the packages of Node.
#[test]
fn the_readers_of_the_documentation_find_the_same_classes() {
    let Some(place) = Place::fitted() else { return };
    let export = "export --head {dir}/head -o {dir}/model.onnx --input pixels";
    place.frostline(export).exits(0);
    let path = |name: &str| place.path(name);
    fs::write(path("read.py"), reader("python")).unwrap();
    fs::write(path("read.js"), reader("js")).unwrap();
    let images = [path("images/blue/0.png"), path("images/red/1.png")];
    let expected = |line: &str, image: &str, class: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields[..2], [image, class], "{line}");
        assert!(fields[2].parse::<f64>().unwrap() > 0.5, "{line}");
    };
    let python = std::env::var("FROSTLINE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let [py, js] = [
        vec![path("read.py"), path("model.onnx")],
        vec![
            path("read.js"),
            path("model.onnx"),
            "[\"blue\",\"red\"]".to_owned(),
        ],
    ]
    .map(|args| [args, images.to_vec()].concat());
    let packages = ["-c", "import numpy, onnxruntime, PIL"];
    let modules = ["-e", "require('onnxruntime-node'); require('sharp')"];
    for (program, check, args) in [(&*python, packages, py), ("node", modules, js)] {
        let Some(read) = read_with(program, &check, &args) else {
            continue;
        };
        let lines: Vec<&str> = read.lines().collect();
        expected(lines[0], &images[0], "blue");
        expected(lines[1], &images[1], "red");
    }
}
