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
