//! `export` writes networks that ONNX Runtime runs without frostline, and refuses what they cannot stand for.

use std::fs;

use rten_onnx::onnx::ModelProto;
use rten_onnx::protobuf::{DecodeMessage, ValueReader};

use crate::harness::{Place, two_classes};

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
        "--resize 10 --crop 8",
        "--resize 9 --crop 8 --interpolation bicubic --channels bgr",
        "--resize 12x10 --crop 8 --interpolation bicubic",
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
    let refused = place.frostline(&format!("{export} int8")).exits(1);
    refused.says(&[
        "`--precision` int8 needs at least 100 images in `--calibration`, but there are 0 usable ones",
    ]);
    let few = format!("{export} int8 --calibration {{dir}}/images");
    place
        .frostline(&few)
        .exits(1)
        .says(&["but there are 12 usable ones"]);
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
