//! Checks which layer a choice selects.

use rten_onnx::onnx::{DataType, ModelProto, NodeProto, TensorProto};

use crate::tests::sample::{cut, info, model, node, refusal, weight, zoo};

fn network(nodes: Vec<NodeProto>, weights: Vec<TensorProto>, outputs: &[&str]) -> ModelProto {
    let input = vec![info("data", DataType::FLOAT, &[1, 3, 9, 9])];
    model(8, 13, nodes, weights, input, outputs)
}

fn layer_of(model: &ModelProto, choice: &str) -> String {
    let graph = cut(model, choice).graph.unwrap();
    graph.output[0].name.clone().unwrap()
}

/// Returns a network whose classifier is a 1 × 1 convolution, followed by these operators.
fn convolutional(behind: &[&str]) -> ModelProto {
    let mut nodes = vec![
        node("Conv", &["data", "stem.w"], &["stem"]),
        node("Dropout", &["stem"], &["dropped"]),
        node("Conv", &["dropped", "last.w"], &["0"]),
    ];
    for (i, operator) in behind.iter().enumerate() {
        nodes.push(node(operator, &[&i.to_string()], &[&(i + 1).to_string()]));
    }
    let weights = vec![
        weight("stem.w", &[8, 3, 3, 3], 1.0),
        weight("last.w", &[5, 8, 1, 1], 1.0),
    ];
    network(nodes, weights, &[&behind.len().to_string()])
}

#[test]
fn the_last_classifier_is_found() {
    assert_eq!(layer_of(&zoo(), "penultimate"), "features");
    for behind in [
        &["Flatten"] as &[_],
        &[],
        &["Relu", "GlobalAveragePool", "Softmax"],
        &["Softmax", "Squeeze", "Identity"],
    ] {
        assert_eq!(
            layer_of(&convolutional(behind), "penultimate"),
            "stem",
            "{behind:?}"
        );
    }
}

#[test]
fn a_matrix_with_a_bias_is_a_classifier() {
    let nodes = vec![
        node("Conv", &["data", "stem.w"], &["stem"]),
        node("Flatten", &["stem"], &["flat"]),
        node("MatMul", &["flat", "w"], &["product"]),
        node("Add", &["b", "product"], &["sum"]),
        node("Softmax", &["sum"], &["prob"]),
    ];
    let weights = vec![
        weight("stem.w", &[8, 3, 9, 9], 1.0),
        weight("w", &[8, 5], 1.0),
        weight("b", &[5], 1.0),
    ];
    // Scores and probabilities come from one classifier.
    assert_eq!(
        layer_of(&network(nodes, weights, &["prob", "sum"]), "penultimate"),
        "stem"
    );
}

#[test]
fn without_a_softmax_an_averaged_convolution_may_be_the_features_themselves() {
    let text = refusal(
        &convolutional(&["Relu", "GlobalAveragePool"]),
        "penultimate",
    );
    assert!(
        text.contains("cannot be determined: its output `2` does not come from a classifier"),
        "{text}"
    );
    assert!(
        text.contains("`stem` ((N, 8, ?, ?); read by Conv `0`)"),
        "{text}"
    );
    assert!(text.contains("`2` ("), "{text}");
}

#[test]
fn a_classifier_with_an_activation_is_none() {
    let mut whole = zoo();
    let graph = whole.graph.as_mut().unwrap();
    graph.node.truncate(5);
    graph.output = vec![info("features", DataType::FLOAT, &[1, 6])];
    let text = refusal(&whole, "penultimate");
    assert!(
        text.contains("`pool` ((N, 8, 1, 1); read by Gemm `fc1`)"),
        "{text}"
    );
    assert!(text.contains("`features` ((N, 6); the output)"), "{text}");
}

#[test]
fn classifiers_of_two_layers_are_not_chosen_between() {
    let nodes = vec![
        node("Conv", &["data", "stem.w"], &["stem"]),
        node("Flatten", &["stem"], &["flat"]),
        node("MatMul", &["flat", "w"], &["early"]),
        node("Tanh", &["flat"], &["tanh"]),
        node("MatMul", &["tanh", "w"], &["late"]),
    ];
    let weights = vec![
        weight("stem.w", &[8, 3, 9, 9], 1.0),
        weight("w", &[8, 5], 1.0),
    ];
    let text = refusal(&network(nodes, weights, &["early", "late"]), "penultimate");
    assert!(
        text.contains("its classifiers read different layers"),
        "{text}"
    );
    assert!(
        text.contains("`stem` (") && text.contains("`tanh` ("),
        "{text}"
    );
}

#[test]
fn a_product_of_two_layers_is_no_classifier() {
    let nodes = vec![
        node("Flatten", &["data"], &["flat"]),
        node("Tanh", &["flat"], &["tanh"]),
        node("Transpose", &["flat"], &["turned"]),
        node("MatMul", &["tanh", "turned"], &["y"]),
    ];
    let text = refusal(&network(nodes, Vec::new(), &["y"]), "penultimate");
    assert!(text.contains("cannot be determined"), "{text}");
}

#[test]
fn layers_have_names_and_numbers() {
    assert_eq!(layer_of(&zoo(), "conv"), "conv");
    assert_eq!(layer_of(&zoo(), "1"), "pool");
    assert_eq!(layer_of(&zoo(), "prob"), "prob");
    // Number 2 is the convolution `0`, but a tensor has the name `2`.
    assert_eq!(layer_of(&convolutional(&["Relu", "Flatten"]), "2"), "2");
    let text = refusal(&zoo(), "8");
    assert!(text.contains("no layer `8`"), "{text}");
    assert!(refusal(&zoo(), "data").contains("no layer `data`"));
}

#[test]
fn a_layer_that_no_picture_changes_is_refused() {
    let nodes = vec![
        node("Relu", &["w"], &["constant"]),
        node("Flatten", &["data"], &["flat"]),
        node("MatMul", &["flat", "constant"], &["y"]),
    ];
    let text = refusal(
        &network(nodes, vec![weight("w", &[243, 5], 1.0)], &["y"]),
        "constant",
    );
    assert!(
        text.contains("`constant` does not depend on the input image"),
        "{text}"
    );
}
