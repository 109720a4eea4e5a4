//! Seeds for networks.

#[path = "../../../crates/frostline-onnx/src/tests/messages.rs"]
pub(crate) mod messages;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, GraphProto, ModelProto, NodeProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};

use self::messages::{
    bytes, info, node, numbers, weight, with_float, with_graph, with_int, with_ints, zoo,
};
use super::{Seed, Wanted};

pub(super) fn seeds(target: &str) -> Vec<Seed> {
    let mut seeds = whole();
    // A network in which nothing can be replaced, for whatever reason, is left to ONNX Runtime.
    let if_refused = |wanted: Wanted, target_refuses: bool| match wanted {
        Wanted::Refused if !target_refuses => Wanted::Unharmed,
        wanted => wanted,
    };
    for (faults, refusing) in [
        (faults_of_files(), &["onnx_import", "onnx_cut"][..]),
        (faults_of_graphs(), &["onnx_cut"]),
    ] {
        seeds.extend(faults.into_iter().map(|seed| Seed {
            wanted: if_refused(seed.wanted, refusing.contains(&target)),
            ..seed
        }));
    }
    seeds
}

fn whole() -> Vec<Seed> {
    vec![
        Seed::accepted(
            "convolutions, a norm, a pooling, a classifier",
            bytes(&convolutions(1e-5)),
        ),
        Seed::accepted(
            "format 3 with a batch of 1 and weights among the inputs",
            bytes(&zoo(1)),
        ),
        Seed::accepted("tokens with a class token", bytes(&tokens())),
        Seed::accepted("a node with subgraphs", bytes(&with_branches())),
    ]
}

fn faults_of_files() -> Vec<Seed> {
    let mut fixed = zoo(1 << 31);
    fixed.ir_version = Some(8);
    vec![
        Seed::unharmed(
            "an epsilon of NaN was accepted",
            bytes(&convolutions(f32::NAN)),
        ),
        Seed::unharmed("a kernel of 2³¹ was accepted", bytes(&with_kernel(1 << 31))),
        Seed::unharmed("a kernel of -1", bytes(&with_kernel(-1))),
        Seed::unharmed("a batch of 2³¹ crashed the program", bytes(&fixed)),
        Seed::unharmed("a weight of NaN became 0", bytes(&with_weight(f32::NAN))),
        Seed::unharmed(
            "dimensions of 2⁶² with 4 bytes of data",
            bytes(&with_dims(&[1 << 62, 1 << 62])),
        ),
        Seed::unharmed("negative dimensions", bytes(&with_dims(&[-1, 4]))),
        Seed::refused(
            "a weight outside the folder",
            bytes(&external("../../secret", 0)),
        ),
        Seed::refused(
            "a weight in a missing file",
            bytes(&external("weights.data", 1 << 60)),
        ),
        Seed::refused("a weight with a length of 2⁶⁴ - 1 bytes", lying_length()),
        Seed::refused("deeply nested graphs", deep_graphs()),
        Seed::refused(
            "no graph",
            bytes(&ModelProto {
                ir_version: Some(8),
                ..ModelProto::default()
            }),
        ),
    ]
}

/// Faults that are found only when the graph is traversed.
fn faults_of_graphs() -> Vec<Seed> {
    vec![
        Seed::refused(
            "a constant in an external file",
            bytes(&external_constant()),
        ),
        Seed::refused("a graph with a cycle", bytes(&cycle())),
    ]
}

/// Two 3 × 3 convolutions with a norm and poolings, and a linear layer.
fn convolutions(epsilon: f32) -> ModelProto {
    let norm = node(
        "BatchNormalization",
        &["conv1", "scale", "shift", "mean", "variance"],
        &["norm"],
    );
    let pool = with_ints(
        node("MaxPool", &["relu"], &["pool"]),
        "kernel_shape",
        &[2, 2],
    );
    let nodes = vec![
        convolution(&["data", "w1"], "conv1"),
        with_float(norm, "epsilon", epsilon),
        node("Relu", &["norm"], &["relu"]),
        with_ints(pool, "strides", &[2, 2]),
        convolution(&["pool", "w2", "b2"], "conv2"),
        node("GlobalAveragePool", &["conv2"], &["mean2"]),
        node("Flatten", &["mean2"], &["flat"]),
        with_int(
            node("Gemm", &["flat", "fc.w", "fc.b"], &["logits"]),
            "transB",
            1,
        ),
        node("Softmax", &["logits"], &["prob"]),
    ];
    let weights = vec![
        weight("w1", &[4, 3, 3, 3], 0.25),
        weight("scale", &[4], 1.0),
        weight("shift", &[4], 0.0),
        weight("mean", &[4], 0.5),
        weight("variance", &[4], 2.0),
        weight("w2", &[4, 4, 3, 3], 0.5),
        weight("b2", &[4], 0.5),
        weight("fc.w", &[5, 4], 0.5),
        weight("fc.b", &[5], 0.5),
    ];
    model(
        8,
        13,
        nodes,
        weights,
        vec![info("data", DataType::FLOAT, &[-1, 3, 32, 32])],
    )
}

/// The start and end of a transformer: patches, a class token before them, and a classifier on that token.
fn tokens() -> ModelProto {
    let patches = node("Conv", &["data", "w"], &["patches"]);
    let nodes = vec![
        with_ints(patches, "strides", &[16, 16]),
        node("Reshape", &["patches", "target"], &["row"]),
        with_ints(node("Transpose", &["row"], &["tokens"]), "perm", &[0, 2, 1]),
        with_int(node("Concat", &["class", "tokens"], &["all"]), "axis", 1),
        with_int(node("Gather", &["all", "zero"], &["first"]), "axis", 1),
        node("Gemm", &["first", "fc"], &["prob"]),
    ];
    let mut zero = numbers("zero", &[0]);
    zero.dims = Vec::new();
    let weights = vec![
        weight("w", &[4, 3, 16, 16], 0.25),
        numbers("target", &[1, 4, 4]),
        weight("class", &[1, 1, 4], 0.5),
        zero,
        weight("fc", &[4, 5], 0.5),
    ];
    model(
        8,
        17,
        nodes,
        weights,
        vec![info("data", DataType::FLOAT, &[1, 3, 32, 32])],
    )
}

/// A network with an `If` before the classifier.
fn with_branches() -> ModelProto {
    let graph = GraphProto {
        node: vec![node("Relu", &["flat"], &["out"])],
        output: vec![info("out", DataType::FLOAT, &[-1, 8])],
        ..GraphProto::default()
    };
    let mut chosen = node("If", &["condition"], &["out"]);
    for name in ["then_branch", "else_branch"] {
        chosen = with_graph(chosen, name, graph.clone());
    }
    let nodes = vec![
        node("Conv", &["data", "w"], &["conv"]),
        node("GlobalAveragePool", &["conv"], &["mean"]),
        node("Flatten", &["mean"], &["flat"]),
        chosen,
        node("Gemm", &["out", "fc"], &["prob"]),
    ];
    let mut condition = numbers("condition", &[1]);
    condition.dims = Vec::new();
    let weights = vec![
        weight("w", &[8, 3, 1, 1], 0.5),
        condition,
        weight("fc", &[8, 5], 0.5),
    ];
    model(
        8,
        13,
        nodes,
        weights,
        vec![info("data", DataType::FLOAT, &[-1, 3, 8, 8])],
    )
}

/// Returns 2000 nested `GraphProto { node { attribute { g: GraphProto { … } } } }`, as plain bytes, because
/// the types that write networks would recurse as deeply.
fn deep_graphs() -> Vec<u8> {
    let mut graph = Vec::new();
    for _ in 0..2000 {
        graph = field(1, &field(5, &field(6, &graph)));
    }
    [&[8, 8], &field(7, &graph)[..]].concat()
}

fn with_kernel(kernel: i64) -> ModelProto {
    let mut model = convolutions(1e-5);
    let first = &mut graph(&mut model).node[0];
    *first = with_ints(first.clone(), "kernel_shape", &[kernel, kernel]);
    model
}

fn with_weight(number: f32) -> ModelProto {
    let mut model = convolutions(1e-5);
    graph(&mut model).initializer[0] = weight("w1", &[4, 3, 3, 3], number);
    model
}

fn with_dims(dims: &[i64]) -> ModelProto {
    let mut model = convolutions(1e-5);
    let last = &mut graph(&mut model).initializer[7];
    *last = weight("fc.w", &[1], 0.5);
    last.dims = dims.to_vec();
    model
}

fn external(location: &str, offset: u64) -> ModelProto {
    let mut model = convolutions(1e-5);
    graph(&mut model).initializer[0] = external_tensor("w1", location, offset);
    model
}

fn external_tensor(name: &str, location: &str, offset: u64) -> TensorProto {
    let entry = |key: &str, value: String| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value),
    };
    TensorProto {
        dims: vec![4, 3, 3, 3],
        data_type: Some(DataType::FLOAT),
        name: Some(name.to_owned()),
        data_location: Some(DataLocation::EXTERNAL),
        external_data: vec![
            entry("location", location.to_owned()),
            entry("offset", offset.to_string()),
            entry("length", "432".to_owned()),
        ],
        ..TensorProto::default()
    }
}

fn external_constant() -> ModelProto {
    let mut model = convolutions(1e-5);
    let graph = graph(&mut model);
    graph.initializer.remove(0);
    let mut constant = node("Constant", &[], &["w1"]);
    constant.attribute.push(AttributeProto {
        name: Some("value".to_owned()),
        t: Some(external_tensor("", "weights.data", 0)),
        r#type: Some(AttributeType::TENSOR),
        ..AttributeProto::default()
    });
    graph.node.insert(0, constant);
    model
}

/// Returns `ModelProto { graph { initializer { raw_data: … } } }` with lengths beyond the end of the file.
fn lying_length() -> Vec<u8> {
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    [&[8, 8, 0x3a], &most[..], &[0x2a], &most, &[0x4a], &most].concat()
}

fn cycle() -> ModelProto {
    let mut model = convolutions(1e-5);
    graph(&mut model).node[0].input = vec!["logits".to_owned(), "w1".to_owned()];
    model
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().expect("a model has a graph")
}

fn convolution(inputs: &[&str], output: &str) -> NodeProto {
    with_ints(node("Conv", inputs, &[output]), "pads", &[1, 1, 1, 1])
}

/// Builds a model with the output `prob` of five classes.
fn model(
    ir_version: i64,
    opset: i64,
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
    inputs: Vec<ValueInfoProto>,
) -> ModelProto {
    let output = info("prob", DataType::FLOAT, &[-1, 5]);
    messages::model(ir_version, opset, nodes, weights, inputs, vec![output])
}

/// Encodes a protobuf field that holds a message.
fn field(number: u8, message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = message.len();
    while length > 0x7f {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    [&bytes, message].concat()
}
