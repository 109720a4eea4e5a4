//! Checks what a cut keeps of a network, and what it drops.

use std::path::PathBuf;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, GraphProto, ModelProto,
    StringStringEntryProto,
};

use crate::Network;
use crate::tests::sample::{
    cut, cut_with, dims_of, fingerprint, info, model, names_of, node, nodes_of, numbers, open,
    parse, weight, with_graph, write, write_within, written, zoo,
};

#[test]
fn what_does_not_lead_to_the_layer_is_left_out() {
    let model = cut(&zoo(), "penultimate");
    assert_eq!(
        (model.ir_version, model.opset_import[0].version),
        (Some(4), Some(7))
    );
    let graph = model.graph.unwrap();
    assert_eq!(
        nodes_of(&graph),
        [
            "Conv data conv.w -> conv",
            "GlobalAveragePool conv -> pool",
            "Reshape pool frostline.target.2 -> flat",
            "Gemm flat fc1.w fc1.b -> fc1",
            "Relu fc1 -> features",
        ]
    );
    assert_eq!(
        names_of(&graph.initializer),
        ["conv.w", "fc1.w", "fc1.b", "frostline.target.2"]
    );
    assert_eq!(graph.input.len(), 1);
    assert_eq!(dims_of(&graph.input[0]), ["N", "3", "9", "9"]);
    assert_eq!(graph.output[0].name.as_deref(), Some("features"));
    assert_eq!(dims_of(&graph.output[0]), ["N", "6"]);
}

#[test]
fn weights_are_the_same_bytes_and_the_classifier_is_gone() {
    let before = zoo().graph.unwrap();
    let after = cut(&zoo(), "penultimate").graph.unwrap();
    let fc1 = |graph: &GraphProto| {
        let weight = graph
            .initializer
            .iter()
            .find(|w| w.name.as_deref() == Some("fc1.w"));
        let weight = weight.unwrap();
        (weight.dims.clone(), weight.raw_data.clone())
    };
    assert_eq!(fc1(&after), fc1(&before));
    let written = written(&zoo());
    let path = written.folder.path().join("cut.onnx");
    let network = Network::read(&written.path, open).unwrap();
    write(&network.cut(&"penultimate".into()).unwrap(), &path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let holds = |number: f32| bytes.windows(4).any(|four| four == number.to_le_bytes());
    assert!(holds(0.25) && holds(0.5) && !holds(77.0) && !holds(99.0));
    let again = written.folder.path().join("again.onnx");
    write(&network.cut(&"penultimate".into()).unwrap(), &again).unwrap();
    assert_eq!(std::fs::read(again).unwrap(), bytes);
}

#[test]
fn a_shared_target_stays_for_those_who_have_no_batch() {
    let nodes = vec![
        node("Reshape", &["kernel", "target"], &["shaped"]),
        node("GlobalAveragePool", &["data"], &["pool"]),
        node("Reshape", &["pool", "target"], &["flat"]),
        node("Mul", &["flat", "shaped"], &["features"]),
        node("MatMul", &["features", "w"], &["y"]),
    ];
    let weights = vec![
        weight("kernel", &[3], 2.0),
        numbers("target", &[1, 3]),
        weight("w", &[3, 5], 1.0),
    ];
    let input = vec![info("data", DataType::FLOAT, &[1, 3, 9, 9])];
    let graph = cut(&model(8, 13, nodes, weights, input, &["y"]), "penultimate")
        .graph
        .unwrap();
    assert_eq!(
        names_of(&graph.initializer),
        ["kernel", "target", "frostline.target.2"]
    );
    assert_eq!(graph.initializer[1].int64_data, [1, 3]);
    assert_eq!(graph.initializer[2].int64_data, [-1, 3]);
    assert_eq!(nodes_of(&graph)[0], "Reshape kernel target -> shaped");
}

#[test]
fn a_target_in_a_node_goes_with_its_node() {
    let mut whole = zoo();
    let graph = whole.graph.as_mut().unwrap();
    graph
        .initializer
        .retain(|weight| weight.name.as_deref() != Some("target"));
    graph
        .input
        .retain(|input| input.name.as_deref() != Some("target"));
    let mut constant = node("Constant", &[], &["target"]);
    constant.attribute.push(AttributeProto {
        name: Some("value".to_owned()),
        t: Some(numbers("", &[1, -1])),
        r#type: Some(AttributeType::TENSOR),
        ..AttributeProto::default()
    });
    graph.node.insert(2, constant);
    let graph = cut(&whole, "penultimate").graph.unwrap();
    assert_eq!(
        nodes_of(&graph)[2],
        "Reshape pool frostline.target.3 -> flat"
    );
    let target = graph.initializer.last().unwrap();
    // The number of remaining values is unknown, so the batch is copied.
    assert_eq!(target.int64_data, [0, -1]);
}

#[test]
fn what_an_inner_graph_takes_from_outside_is_kept() {
    let branch = |name: &str| GraphProto {
        node: vec![node("Mul", &["conv", name], &["branch"])],
        output: vec![info("branch", DataType::FLOAT, &[])],
        ..GraphProto::default()
    };
    let mut choice = node("If", &["yes"], &["chosen"]);
    choice = with_graph(choice, "then_branch", branch("two"));
    choice = with_graph(choice, "else_branch", branch("three"));
    let nodes = vec![
        node("Conv", &["data", "conv.w"], &["conv"]),
        choice,
        node("GlobalAveragePool", &["chosen"], &["pool"]),
        node("Flatten", &["pool"], &["flat"]),
        node("MatMul", &["flat", "w"], &["y"]),
    ];
    let weights = ["conv.w", "yes", "two", "three", "w", "unused"];
    let dims = |name| {
        if name == "conv.w" {
            vec![4, 3, 1, 1]
        } else {
            vec![4, 5]
        }
    };
    let weights = weights.map(|name| weight(name, &dims(name), 1.0)).to_vec();
    let input = vec![info("data", DataType::FLOAT, &[1, 3, 9, 9])];
    let graph = cut(&model(8, 13, nodes, weights, input, &["y"]), "penultimate")
        .graph
        .unwrap();
    assert_eq!(
        names_of(&graph.initializer),
        ["conv.w", "yes", "two", "three"]
    );
    assert_eq!(graph.node.last().unwrap().output, ["pool"]);
}

#[test]
fn weights_in_files_beside_come_into_the_model() {
    let mut whole = zoo();
    let graph = whole.graph.as_mut().unwrap();
    let fc1 = &mut graph.initializer[2];
    let numbers = fc1.raw_data.take().unwrap().into_inner();
    let entry = |(key, value): (&str, &str)| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    };
    fc1.external_data = [("location", "fc1.bin"), ("offset", "4")]
        .map(entry)
        .to_vec();
    fc1.data_location = Some(DataLocation::EXTERNAL);
    let written = written(&whole);
    let beside = written.folder.path().join("fc1.bin");
    std::fs::write(&beside, [b"gap!", numbers.as_slice(), b"more"].concat()).unwrap();
    let path = written.folder.path().join("cut.onnx");
    let network = Network::read(&written.path, open).unwrap();
    let cut = network.cut(&"penultimate".into()).unwrap();
    assert_eq!(write(&cut, &path).unwrap(), None);
    let graph = parse(&std::fs::read(&path).unwrap()).graph.unwrap();
    let fc1 = &graph.initializer[1];
    assert_eq!(fc1.raw_data.as_ref().unwrap().borrow().as_slice(), numbers);
    assert!(fc1.external_data.is_empty() && fc1.data_location.is_none());

    std::fs::write(&beside, &numbers[..20]).unwrap();
    let message = write(&cut, &path).unwrap_err().to_string();
    assert!(
        message.contains("fc1.bin") && message.contains("`fc1.w` ends at byte 196, but"),
        "{message}"
    );
    std::fs::remove_file(&beside).unwrap();
    let message = network.cut(&"penultimate".into()).unwrap_err().to_string();
    assert!(
        message.contains("` does not exist") && message.contains("fc1.bin"),
        "{message}"
    );
}

#[test]
fn a_model_too_long_for_one_file_has_its_large_weights_beside_it() {
    let mut whole = zoo();
    let graph = whole.graph.as_mut().unwrap();
    graph.initializer[2] = weight("fc1.w", &[600, 8], 0.5);
    let written = written(&whole);
    let path = written.folder.path().join("cut.onnx");
    let network = Network::read(&written.path, open).unwrap();
    let cut = network.cut(&"penultimate".into()).unwrap();
    let data = write_within(&cut, &path, 10_000).unwrap().unwrap();
    assert_eq!(data, written.folder.path().join("cut.onnx.data"));
    assert_eq!(
        std::fs::read(data).unwrap(),
        0.5_f32.to_le_bytes().repeat(4800)
    );
    let graph = parse(&std::fs::read(&path).unwrap()).graph.unwrap();
    let fc1 = graph
        .initializer
        .iter()
        .find(|w| w.name.as_deref() == Some("fc1.w"))
        .unwrap();
    let entries: Vec<_> = fc1
        .external_data
        .iter()
        .map(|entry| {
            (
                entry.key.as_deref().unwrap(),
                entry.value.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        entries,
        [
            ("location", "cut.onnx.data"),
            ("offset", "0"),
            ("length", "19200")
        ]
    );
    assert_eq!(fc1.data_location, Some(DataLocation::EXTERNAL));
    // Small weights stay where they are.
    assert!(graph.initializer[0].raw_data.is_some());
}

#[test]
fn a_cut_says_what_it_did() {
    cut_with(&zoo(), "penultimate", |cut| {
        let cut = cut.unwrap();
        assert_eq!(cut.sizes(), [(5, 8), (3, 6)]);
        assert_eq!(cut.rewritten(), ["Reshape `flat`"]);
        assert_eq!(
            (cut.image_input().batch, cut.image_input().image),
            (Some(1), [Some(3), Some(9), Some(9)])
        );
    });
}

#[test]
fn equal_networks_are_the_same_bytes_in_all_versions() {
    let mut other = zoo();
    let graph = other.graph.as_mut().unwrap();
    graph.input[0] = info("data", DataType::UINT8, &[-1, 9, 9, 3]);
    graph.initializer[2] = weight("fc1.w", &[600, 8], 0.5);
    let files = |model: &ModelProto, longest| {
        let written = written(model);
        let network = Network::read(&written.path, open).unwrap();
        let cut = network.cut(&"penultimate".into()).unwrap();
        let path = written.folder.path().join("cut.onnx");
        let data = write_within(&cut, &path, longest).unwrap();
        let bytes = |path: PathBuf| fingerprint(&std::fs::read(path).unwrap());
        (bytes(path), data.map(bytes))
    };
    assert_eq!(files(&zoo(), 1 << 20), (2_847_228_036_048_569_719, None));
    assert_eq!(
        files(&other, 10_000),
        (7_276_821_516_106_961_206, Some(16_351_197_832_776_962_341))
    );
}
