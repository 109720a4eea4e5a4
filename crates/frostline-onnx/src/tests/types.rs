//! Inputs and outputs that are not 32-bit floats.

use rten_onnx::onnx::{DataType, GraphProto, ModelProto};

use crate::tests::sample::{cut, dims_of, info, model, node, nodes_of, refusal, weight, zoo};

fn with_input(element: DataType, dims: &[i64]) -> ModelProto {
    let mut whole = zoo();
    whole.graph.as_mut().unwrap().input[0] = info("data", element, dims);
    whole
}

/// Returns the number of the type that a node converts to.
fn converts_to(graph: &GraphProto, node: usize) -> Option<i64> {
    graph.node[node]
        .attribute
        .iter()
        .find(|a| a.name.as_deref() == Some("to"))?
        .i
}

fn element_of(graph: &GraphProto) -> [DataType; 2] {
    [&graph.input[0], &graph.output[0]].map(|info| {
        let tensor = info.r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
        tensor.elem_type.unwrap()
    })
}

#[test]
fn other_types_are_converted_at_both_ends() {
    for element in [DataType::FLOAT16, DataType::UINT8, DataType::DOUBLE] {
        let graph = cut(&with_input(element, &[1, 3, 9, 9]), "penultimate")
            .graph
            .unwrap();
        let nodes = nodes_of(&graph);
        assert_eq!(nodes[0], "Cast data_float32 -> data");
        assert_eq!(nodes[6], "Cast features -> features_float32");
        assert_eq!(converts_to(&graph, 0), Some(i64::from(element.0)));
        assert_eq!(converts_to(&graph, 6), Some(1));
        assert_eq!(element_of(&graph), [DataType::FLOAT; 2]);
        assert_eq!(dims_of(&graph.input[0]), ["N", "3", "9", "9"]);
    }
}

#[test]
fn a_layer_that_the_file_calls_float_is_left_alone() {
    let mut whole = with_input(DataType::UINT8, &[1, 9, 9, 3]);
    let graph = whole.graph.as_mut().unwrap();
    graph.value_info = vec![info("features", DataType::FLOAT, &[1, 6])];
    let graph = cut(&whole, "penultimate").graph.unwrap();
    assert_eq!(graph.output[0].name.as_deref(), Some("features"));
    assert!(graph.value_info.is_empty());
}

#[test]
fn weights_of_half_precision_make_their_layer_one_of_it() {
    let mut whole = zoo();
    whole.graph.as_mut().unwrap().initializer[2].data_type = Some(DataType::FLOAT16);
    let graph = cut(&whole, "penultimate").graph.unwrap();
    assert_eq!(graph.output[0].name.as_deref(), Some("features_float32"));
    assert_eq!(graph.input[0].name.as_deref(), Some("data"));
}

#[test]
fn an_input_that_takes_no_picture_is_named() {
    let text = refusal(&with_input(DataType::INT64, &[1, 3, 9, 9]), "penultimate");
    assert!(
        text.contains("its input `data` is not of type float32, float16"),
        "{text}"
    );
    let text = refusal(&with_input(DataType::FLOAT, &[1, 243]), "penultimate");
    assert!(
        text.contains("has rank 2, but image inputs have rank 4"),
        "{text}"
    );
}

#[test]
fn two_inputs_are_refused_unless_one_leads_elsewhere() {
    let inputs = || {
        ["a", "b"]
            .map(|name| info(name, DataType::FLOAT, &[1, 3, 9, 9]))
            .to_vec()
    };
    let nodes = || {
        vec![
            node("GlobalAveragePool", &["a"], &["pool"]),
            node("Add", &["pool", "b"], &["sum"]),
            node("Flatten", &["sum"], &["flat"]),
            node("MatMul", &["flat", "w"], &["y"]),
        ]
    };
    let weights = || vec![weight("w", &[243, 5], 1.0)];
    let both = model(8, 13, nodes(), weights(), inputs(), &["y"]);
    let text = refusal(&both, "penultimate");
    assert!(
        text.contains("the layer depends on 2 inputs (`a`, `b`)"),
        "{text}"
    );
    let graph = cut(&both, "pool").graph.unwrap();
    assert_eq!(graph.input.len(), 1);
}

#[test]
fn a_free_batch_keeps_its_name() {
    let mut whole = zoo();
    let graph = whole.graph.as_mut().unwrap();
    let tensor = graph.input[0]
        .r#type
        .as_mut()
        .unwrap()
        .tensor_type
        .as_mut()
        .unwrap();
    let dims = &mut tensor.shape.as_mut().unwrap().dim;
    (dims[0].dim_value, dims[0].dim_param) = (None, Some("images".to_owned()));
    (dims[2].dim_value, dims[2].dim_param) = (None, Some("N".to_owned()));
    let graph = cut(&whole, "penultimate").graph.unwrap();
    assert_eq!(dims_of(&graph.input[0]), ["images", "3", "N", "9"]);
    // An unnamed batch gets a name that no other dimension has.
    let graph = whole.graph.as_mut().unwrap();
    let tensor = graph.input[0]
        .r#type
        .as_mut()
        .unwrap()
        .tensor_type
        .as_mut()
        .unwrap();
    tensor.shape.as_mut().unwrap().dim[0].dim_param = None;
    let graph = cut(&whole, "penultimate").graph.unwrap();
    assert_eq!(dims_of(&graph.input[0]), ["batch", "3", "N", "9"]);
}
