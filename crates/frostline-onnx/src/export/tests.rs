use rten_onnx::onnx::{DataType, GraphProto, ModelProto, NodeProto};

use super::*;
use crate::tests::sample::{
    dims_of, info, model, names_of, node, nodes_of, open, parse, weight, written,
};
use crate::{Batch, Network};

const WEIGHT: [f32; 4] = [1.0, 2.0, 3.0, 4.0];
const BIAS: [f32; 2] = [0.5, -0.5];

/// A head of two classes on two features.
fn plan(pool: Pool, rank: usize, axis: usize) -> Plan<'static> {
    Plan {
        input: Input::Tensor {
            image: [2, 4, 4],
            name: None,
        },
        pooling: Pooling {
            pool,
            rank,
            axis,
            prefix: 0,
        },
        head: Head {
            weight: &WEIGHT,
            bias: &BIAS,
        },
        outputs: Outputs {
            probabilities: true,
            ..Outputs::default()
        },
        rejection: None,
        metadata: vec![("names".to_owned(), "{0: 'a', 1: 'b'}".to_owned())],
        version: "0",
    }
}

fn exported(of: &ModelProto, layer: &str, plan: &Plan<'_>) -> Result<ModelProto> {
    let written = written(of);
    let network = Network::read(&written.path, open).unwrap();
    let cut = network.cut_with(&layer.into(), Batch::AsInFile).unwrap();
    let files = cut.export(plan, "x.data")?;
    Ok(parse(&files.model.to_bytes().unwrap()))
}

fn network(opset: i64, nodes: Vec<NodeProto>) -> ModelProto {
    let input = vec![info("data", DataType::FLOAT, &[0, 2, 4, 4])];
    model(3, opset, nodes, vec![], input, &["y"])
}

fn graph(opset: i64, layer: &str, plan: &Plan<'_>) -> GraphProto {
    let nodes = vec![
        node("Relu", &["data"], &["logits"]),
        node("GlobalAveragePool", &["logits"], &["y"]),
    ];
    let exported = exported(&network(opset, nodes), layer, plan).unwrap();
    // Version 18 of the operators belongs to version 8 of the file format.
    let ir_version = if opset < 18 { 4 } else { 8 };
    assert_eq!(exported.ir_version, Some(ir_version));
    exported.graph.unwrap()
}

#[test]
fn a_head_follows_the_layer() {
    let graph = graph(13, "y", &plan(Pool::Flatten, 4, 1));
    assert_eq!(
        nodes_of(&graph),
        [
            "Relu data -> logits",
            "GlobalAveragePool logits -> y",
            "Flatten y -> frostline.head.pooled",
            "Gemm frostline.head.pooled frostline.head.weight frostline.head.bias -> \
             frostline.head.logits",
            "Softmax frostline.head.logits -> probabilities",
        ]
    );
    assert_eq!(dims_of(&graph.input[0]), ["N", "2", "4", "4"]);
    assert_eq!(dims_of(&graph.output[0]), ["N", "2"]);
}

/// The backbone's tensor `logits` gets another name.
#[test]
fn outputs_have_their_names_and_axes_are_attributes_or_inputs() {
    let mut plan = plan(Pool::Mean, 4, 1);
    plan.outputs = Outputs {
        probabilities: true,
        logits: true,
        features: true,
    };
    let old = graph(17, "logits", &plan);
    assert_eq!(
        nodes_of(&old),
        [
            "Relu data -> logits_",
            "ReduceMean logits_ -> frostline.head.pooled",
            "Identity frostline.head.pooled -> features",
            "Gemm features frostline.head.weight frostline.head.bias -> logits",
            "Softmax logits -> probabilities",
        ]
    );
    let new = graph(18, "logits", &plan);
    assert_eq!(
        nodes_of(&new)[1],
        "ReduceMean logits_ frostline.head.pooled.axes -> frostline.head.pooled"
    );
    let outputs: Vec<_> = new
        .output
        .iter()
        .map(|info| info.name.as_deref().unwrap())
        .collect();
    assert_eq!(outputs, ["probabilities", "logits", "features"]);
}

fn normalisation() -> Normalisation {
    Normalisation {
        size: (5, 4),
        mean: [0.1, 0.2, 0.3],
        std: [0.4, 0.5, 0.6],
        scale: 255.0,
        colours: Colours::Bgr,
        channels_last: false,
    }
}

fn operators(graph: &GraphProto) -> Vec<&str> {
    let operators = graph.node.iter().map(|n| n.op_type.as_deref().unwrap());
    operators.collect()
}

const NORMALISATION: [&str; 6] = ["Gather", "Transpose", "Cast", "Div", "Sub", "Div"];

#[test]
fn pixels_are_normalised_in_the_order_of_the_preprocessing() {
    let mut plan = plan(Pool::Flatten, 4, 1);
    plan.input = Input::Crop(normalisation());
    let graph = graph(13, "y", &plan);
    assert_eq!(operators(&graph)[..6], NORMALISATION);
    assert_eq!(dims_of(&graph.input[0]), ["N", "4", "5", "3"]);
}

#[test]
fn a_normalisation_is_a_network_of_its_own() {
    let model = parse(&normalisation().network());
    let graph = model.graph.unwrap();
    assert_eq!(operators(&graph), NORMALISATION);
    assert_eq!(dims_of(&graph.input[0]), ["batch", "4", "5", "3"]);
    let output = graph.node[5].output.first().map(String::as_str);
    assert_eq!(output, Some(Normalisation::OUTPUT));
}

#[test]
fn rejection_adds_a_similarity_and_a_flag() {
    let mut plan = plan(Pool::Flatten, 4, 1);
    let rows = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8];
    plan.rejection = Some(Rejection {
        rows: &rows,
        k: 2,
        threshold: 0.5,
    });
    let graph = graph(13, "y", &plan);
    let bank = graph
        .initializer
        .iter()
        .find(|w| w.name.as_deref() == Some("frostline.head.bank"));
    assert_eq!(bank.unwrap().dims, [2, 3]);
    assert!(names_of(&graph.initializer).contains(&"frostline.head.largest.k"));
    let nodes = nodes_of(&graph);
    assert_eq!(
        nodes.last().unwrap(),
        "Less similarity frostline.head.threshold -> unknown"
    );
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let plan = plan(Pool::Flatten, 2, 1);
    let relu = |output| vec![node("Relu", &["data"], &[output])];
    let refused = |of: &ModelProto, layer| exported(of, layer, &plan).err().unwrap().to_string();
    let old = refused(&network(6, relu("y")), "y");
    assert!(
        old.ends_with("those of version 6, but at least version 7 is needed"),
        "{old}"
    );
    let input = vec![info("probabilities", DataType::FLOAT, &[0, 2, 4, 4])];
    let nodes = vec![node("Relu", &["probabilities"], &["y"])];
    let named = refused(&model(8, 13, nodes, vec![], input, &["y"]), "y");
    assert!(
        named.contains("`probabilities` has the name of an output"),
        "{named}"
    );
}

#[test]
fn large_weights_go_to_a_second_file() {
    let nodes = vec![
        node("Conv", &["data", "kernel"], &["c"]),
        node("Flatten", &["c"], &["y"]),
    ];
    let input = vec![info("data", DataType::FLOAT, &[0, 2, 4, 4])];
    // 16 · 2 · 4 · 4 values of 4 bytes, which is more than weights that stay in the model have.
    let kernel = vec![weight("kernel", &[16, 2, 4, 4], 0.5)];
    let written = written(&model(8, 13, nodes, kernel, input, &["y"]));
    let network = Network::read(&written.path, open).unwrap();
    let cut = network.cut_with(&"y".into(), Batch::AsInFile).unwrap();
    let plan = plan(Pool::Flatten, 2, 1);
    let files = cut.export_within(&plan, "model.onnx.data", 1024).unwrap();
    assert_eq!(files.data.unwrap().len(), 16 * 2 * 4 * 4 * 4);
    let graph = parse(&files.model.to_bytes().unwrap()).graph.unwrap();
    let place = &graph.initializer[0].external_data[0];
    let value = place.value.as_deref();
    assert_eq!(
        (place.key.as_deref(), value),
        (Some("location"), Some("model.onnx.data"))
    );
}
