//! A node of an old version of ONNX's operators and its raised form compute the same with ONNX Runtime.

use std::fs::{self, File};
use std::path::Path;

use frostline::backbones::{
    Device, DeviceRequest, FeatureLayer, OnnxBackbone, Pool, RuntimeLibrary,
};
use frostline::images::{Crop, Preprocessing, Resize};
use frostline::{Home, RunOptions};
use frostline_onnx::{Batch, Network};
use rten_onnx::onnx::{AttributeProto, AttributeType, DataType, NodeProto, TensorProto};

use crate::fuzz_seeds::onnx_messages::{
    bytes, info, model, node, numbers, weight, with_float, with_int, with_ints,
};
use crate::harness::installed_home;

/// Nodes with their weights, from `x` (N, 3, 4, 6) to `y`.
#[derive(Clone)]
struct Case {
    opset: i64,
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
    /// The operators of the raised network.
    raised: &'static [&'static str],
}

fn case(opset: i64, node: NodeProto, raised: &'static [&'static str]) -> Case {
    Case {
        opset,
        nodes: vec![node],
        weights: Vec::new(),
        raised,
    }
}

fn with_text(mut node: NodeProto, name: &str, text: &str) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        s: Some(text.to_owned()),
        r#type: Some(AttributeType::STRING),
        ..AttributeProto::default()
    });
    node
}

fn with_floats(mut node: NodeProto, name: &str, values: &[f32]) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: Some(name.to_owned()),
        floats: values.to_vec(),
        r#type: Some(AttributeType::FLOATS),
        ..AttributeProto::default()
    });
    node
}

fn of(operator: &str) -> NodeProto {
    node(operator, &["x"], &["y"])
}

/// Returns a list of floats that is a weight.
fn floats(name: &str, values: &[f32]) -> TensorProto {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    let mut weight = weight(name, &[values.len() as i64], 0.0);
    weight.raw_data = Some(std::cell::RefCell::new(bytes.collect()));
    weight
}

fn normalised() -> NodeProto {
    let inputs = ["x", "scale", "shift", "mean", "variance"];
    node("BatchNormalization", &inputs, &["y"])
}

/// One case for each entry of the table that changes a node.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let four = || {
        let names = ["scale", "shift", "mean", "variance"];
        let values = [1.5, 0.25, -0.5, 2.0];
        let weights = names.iter().zip(values);
        weights
            .map(|(name, value)| weight(name, &[3], value))
            .collect::<Vec<_>>()
    };
    let mut cases = vec![
        Case {
            weights: four(),
            ..case(
                7,
                with_int(normalised(), "spatial", 1),
                &["BatchNormalization"],
            )
        },
        Case {
            weights: four(),
            ..case(
                14,
                with_int(normalised(), "training_mode", 0),
                &["BatchNormalization"],
            )
        },
        case(
            7,
            with_float(with_float(of("Clip"), "min", -0.5), "max", 0.75),
            &["Clip"],
        ),
        case(10, with_float(of("Clip"), "max", 0.25), &["Clip"]),
        case(
            7,
            with_float(node("Dropout", &["x"], &["y", "mask"]), "ratio", 0.5),
            &["Identity"],
        ),
        case(13, of("Dropout"), &["Dropout"]),
        case(
            7,
            with_float(
                with_ints(of("Pad"), "pads", &[0, 0, 1, 2, 0, 0, 0, 1]),
                "value",
                0.5,
            ),
            &["Pad"],
        ),
        case(
            10,
            with_text(
                with_ints(of("Pad"), "pads", &[0, 0, 1, 2, 0, 0, 0, 1]),
                "mode",
                "reflect",
            ),
            &["Pad"],
        ),
        case(
            12,
            with_int(with_ints(of("ReduceSum"), "axes", &[2, 3]), "keepdims", 0),
            &["ReduceSum"],
        ),
        case(
            9,
            with_ints(
                with_ints(with_ints(of("Slice"), "starts", &[1, 0]), "ends", &[3, -1]),
                "axes",
                &[2, 3],
            ),
            &["Slice"],
        ),
        case(
            12,
            with_int(of("Softmax"), "axis", 2),
            &["Flatten", "Softmax", "Shape", "Reshape"],
        ),
        case(
            7,
            of("LogSoftmax"),
            &["Flatten", "LogSoftmax", "Shape", "Reshape"],
        ),
        case(11, with_int(of("Softmax"), "axis", -1), &["Softmax"]),
        case(
            12,
            with_int(
                with_ints(node("Split", &["x"], &["y", "z"]), "split", &[2, 4]),
                "axis",
                3,
            ),
            &["Split"],
        ),
        case(
            13,
            with_int(node("Split", &["x"], &["y", "z"]), "axis", 3),
            &["Split"],
        ),
        case(
            9,
            with_int(
                with_int(node("TopK", &["x"], &["y", "i"]), "k", 2),
                "axis",
                3,
            ),
            &["TopK"],
        ),
        case(17, with_ints(of("ReduceL2"), "axes", &[3]), &["ReduceL2"]),
    ];
    for reduction in ["ReduceMean", "ReduceMax", "ReduceMin"] {
        cases.push(case(
            11,
            with_ints(of(reduction), "axes", &[2, 3]),
            &["Reduce"],
        ));
        cases.push(case(
            17,
            with_int(with_ints(of(reduction), "axes", &[-1]), "keepdims", 0),
            &["Reduce"],
        ));
    }
    for opset in [7, 12] {
        let twice = vec![
            with_ints(node("Unsqueeze", &["x"], &["u"]), "axes", &[1]),
            with_ints(node("Squeeze", &["u"], &["y"]), "axes", &[1]),
        ];
        let nodes = Case {
            nodes: twice,
            ..case(opset, of("Relu"), &["Unsqueeze", "Squeeze"])
        };
        cases.push(nodes);
    }
    for mode in ["nearest", "linear"] {
        for scales in [[1.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.5, 1.25]] {
            for opset in [7, 8] {
                let resize = with_text(of("Upsample"), "mode", mode);
                let resize = with_floats(resize, "scales", &scales);
                cases.push(case(opset, resize, &["Resize"]));
            }
            for (operator, opset) in [("Upsample", 9), ("Resize", 10)] {
                let resize = with_text(node(operator, &["x", "scales"], &["y"]), "mode", mode);
                cases.push(Case {
                    weights: vec![floats("scales", &scales)],
                    ..case(opset, resize, &["Resize"])
                });
            }
        }
    }
    cases
}

/// Cases for the operators that stay as they are, each in the oldest version that ONNX Runtime computes; `s`
/// is between 0 and 1.
#[expect(clippy::too_many_lines, reason = "a table")]
fn unchanged() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |opset, nodes: Vec<NodeProto>, weights| {
        let first = node("Sigmoid", &["x"], &["s"]);
        cases.push(Case {
            opset,
            nodes: [vec![first], nodes].concat(),
            weights,
            raised: &[],
        });
    };
    let unary = "Abs Asin Atan Ceil Cos Elu Exp Flatten Floor GlobalAveragePool GlobalMaxPool HardSigmoid \
                 Identity LeakyRelu Log LpNormalization Neg Reciprocal Relu Selu Sin Softplus Softsign Sqrt \
                 Tan Tanh";
    for operator in unary.split_whitespace() {
        add(7, vec![node(operator, &["s"], &["y"])], vec![]);
    }
    for (operator, opset) in [
        ("Asinh", 9),
        ("Cosh", 9),
        ("Erf", 9),
        ("HardSwish", 14),
        ("Round", 11),
        ("Sign", 9),
        ("Sinh", 9),
        ("ThresholdedRelu", 10),
    ] {
        add(opset, vec![node(operator, &["x"], &["y"])], vec![]);
    }
    for operator in "Add Sub Mul Div Max Min Sum Mean PRelu".split(' ') {
        let opset = if ["Max", "Min", "Sum", "Mean"].contains(&operator) {
            8
        } else {
            7
        };
        add(opset, vec![node(operator, &["x", "s"], &["y"])], vec![]);
    }
    add(7, vec![node("Pow", &["s", "x"], &["y"])], vec![]);
    add(
        10,
        vec![with_int(node("Mod", &["x", "s"], &["y"]), "fmod", 1)],
        vec![],
    );
    let cast = |from| with_int(node("Cast", &[from], &["y"]), "to", 1);
    for (operator, opset) in [("Greater", 7), ("Less", 7), ("Equal", 11)] {
        let compared = node(operator, &["x", "s"], &["c"]);
        let not = node("Not", &["c"], &["n"]);
        add(
            opset,
            vec![compared.clone(), not.clone(), cast("n")],
            vec![],
        );
        for both in ["And", "Or", "Xor"] {
            let both = node(both, &["c", "n"], &["b"]);
            add(
                opset,
                vec![compared.clone(), not.clone(), both, cast("b")],
                vec![],
            );
        }
    }
    let chosen = node("Where", &["c", "x", "s"], &["y"]);
    add(
        9,
        vec![node("Greater", &["x", "s"], &["c"]), chosen],
        vec![],
    );
    let turned = node("Transpose", &["s"], &["y"]);
    add(7, vec![with_ints(turned, "perm", &[0, 2, 3, 1])], vec![]);
    let window = |operator| with_ints(node(operator, &["s"], &["y"]), "kernel_shape", &[2, 3]);
    add(7, vec![window("AveragePool")], vec![]);
    add(8, vec![window("MaxPool")], vec![]);
    add(
        7,
        vec![with_int(node("LRN", &["s"], &["y"]), "size", 3)],
        vec![],
    );
    add(
        7,
        vec![with_int(node("Concat", &["x", "s"], &["y"]), "axis", 2)],
        vec![],
    );
    let kernel = || vec![weight("w", &[3, 3, 2, 2], 0.25)];
    add(7, vec![node("Conv", &["s", "w"], &["y"])], kernel());
    add(
        7,
        vec![node("ConvTranspose", &["s", "w"], &["y"])],
        kernel(),
    );
    add(
        7,
        vec![node("MatMul", &["s", "w"], &["y"])],
        vec![weight("w", &[6, 5], 0.5)],
    );
    let flat = node("Flatten", &["s"], &["f"]);
    let gemm = node("Gemm", &["f", "w", "b"], &["y"]);
    add(
        7,
        vec![flat, gemm],
        vec![weight("w", &[72, 2], 0.5), weight("b", &[2], 1.0)],
    );
    let normalised = node("InstanceNormalization", &["x", "w", "b"], &["y"]);
    add(
        7,
        vec![normalised],
        vec![weight("w", &[3], 2.0), weight("b", &[3], 1.0)],
    );
    let normalised = node("LayerNormalization", &["x", "w", "b"], &["y"]);
    add(
        17,
        vec![normalised],
        vec![weight("w", &[6], 2.0), weight("b", &[6], 1.0)],
    );
    for (operator, opset, list) in [
        ("Reshape", 7, &[0, 3, 24][..]),
        ("Tile", 7, &[1, 1, 2, 1]),
        ("Expand", 8, &[1, 3, 4, 6]),
    ] {
        add(
            opset,
            vec![node(operator, &["s", "k"], &["y"])],
            vec![numbers("k", list)],
        );
    }
    let gather = with_int(node("Gather", &["s", "k"], &["y"]), "axis", 3);
    add(7, vec![gather], vec![numbers("k", &[0, 2, 2])]);
    let deep = with_int(node("SpaceToDepth", &["s"], &["d"]), "blocksize", 2);
    let wide = with_int(node("DepthToSpace", &["d"], &["y"]), "blocksize", 2);
    add(7, vec![deep, wide], vec![]);
    // The shape of the image as a constant, and numbers up to its length.
    let shape = node("Shape", &["s"], &["n"]);
    let ones = node("ConstantOfShape", &["n"], &["o"]);
    let sum = node("Add", &["o", "s"], &["y"]);
    add(9, vec![shape, ones, sum], vec![]);
    let range = node("Range", &["zero", "six", "one"], &["r"]);
    let scalars =
        [("zero", 0.0), ("six", 6.0), ("one", 1.0)].map(|(name, value)| weight(name, &[], value));
    add(
        11,
        vec![range, node("Add", &["s", "r"], &["y"])],
        scalars.to_vec(),
    );
    let einsum = with_text(node("Einsum", &["s"], &["y"]), "equation", "abcd->adcb");
    add(12, vec![einsum], vec![]);
    let quantised = node("QuantizeLinear", &["x", "scale"], &["q"]);
    let back = node("DequantizeLinear", &["q", "scale"], &["y"]);
    add(10, vec![quantised, back], vec![weight("scale", &[], 0.02)]);
    let dynamic = node("DynamicQuantizeLinear", &["x"], &["q", "scale", "zero"]);
    let back = node("DequantizeLinear", &["q", "scale", "zero"], &["y"]);
    add(11, vec![dynamic, back], vec![]);
    cases
}

fn features(home: &Path, file: &Path) -> Vec<f32> {
    let mut preprocessing = Preprocessing::default();
    preprocessing.resize = Resize::Exact(6, 4);
    preprocessing.crop = Crop::None;
    let home = Home::at(home);
    let library = RuntimeLibrary::find(&home).unwrap();
    let mut layer = FeatureLayer::default();
    layer.layer = Some("y".to_owned());
    layer.pool = Some(Pool::Flatten);
    let mut options = RunOptions::new(home);
    options.device = DeviceRequest::Exactly(Device::Cpu);
    let mut network =
        OnnxBackbone::load(&library, (file, None), &layer, &preprocessing, &options).unwrap();
    let values = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 40.0;
    let images: Vec<f32> = (0..2 * 72).map(values).collect();
    network.forward_at_once(&images, 2).unwrap()
}

#[test]
fn raised_nodes_compute_the_same() {
    let Some(home) = installed_home() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (i, case) in [cases(), unchanged()].concat().into_iter().enumerate() {
        let title = format!(
            "{}: {:?} of {}",
            i,
            case.nodes.last().unwrap().op_type,
            case.opset
        );
        let [old, new] = ["old", "new"].map(|name| folder.path().join(format!("{name}{i}.onnx")));
        let input = vec![info("x", DataType::FLOAT, &[-1, 3, 4, 6])];
        let output = vec![info("y", DataType::FLOAT, &[])];
        let mut written = model(8, case.opset, case.nodes, case.weights, input, output);
        // The output has any rank.
        written.graph.as_mut().unwrap().output[0]
            .r#type
            .as_mut()
            .unwrap()
            .tensor_type
            .as_mut()
            .unwrap()
            .shape = None;
        fs::write(&old, bytes(&written)).unwrap();
        let network = Network::read(&old, |path| File::open(path)).unwrap();
        let cut = network.cut_with(&"y".into(), Batch::AsInFile).unwrap();
        let raised = cut.raised("data").unwrap().model.to_bytes().unwrap();
        for operator in case.raised {
            let found = raised
                .windows(operator.len())
                .any(|part| part == operator.as_bytes());
            assert!(found, "{title}: {operator}");
        }
        fs::write(&new, raised).unwrap();
        let [old, new] = [old, new].map(|file| features(&home, &file));
        assert_eq!(old, new, "{title}");
    }
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.onnx");
    let refused = |opset, nodes: Vec<NodeProto>| {
        let input = vec![info("x", DataType::FLOAT, &[-1, 3, 4, 6])];
        let output = vec![info("y", DataType::FLOAT, &[-1, 3, 4, 6])];
        fs::write(
            &path,
            bytes(&model(
                8,
                opset,
                nodes,
                vec![numbers("k", &[1])],
                input,
                output,
            )),
        )
        .unwrap();
        let network = Network::read(&path, |path| File::open(path)).unwrap();
        let cut = network.cut_with(&"y".into(), Batch::AsInFile).unwrap();
        cut.raised("data").err().unwrap().to_string()
    };
    for (opset, refused_node, name) in [
        (11, of("Hardmax"), "Hardmax `y`"),
        (11, of("If"), "If `y`"),
        (11, of("Loop"), "Loop `y`"),
        (7, of("Upsample"), "Upsample `y`"),
        (
            12,
            with_text(
                of("Resize"),
                "coordinate_transformation_mode",
                "tf_half_pixel_for_nn",
            ),
            "Resize `y`",
        ),
        (
            7,
            with_int(normalised(), "spatial", 0),
            "BatchNormalization `y`",
        ),
    ] {
        let mut refused_node = refused_node;
        refused_node.input.truncate(1);
        let said = refused(opset, vec![refused_node]);
        let wanted =
            format!("its node {name} of operator version {opset} cannot be raised to version 18");
        assert!(said.ends_with(&wanted), "{said}");
    }
}

/// The body of a function in field 25 of the model: its name, and its domain `mine`.
const FUNCTION: &[u8] = b"\xca\x01\x0c\x0a\x04Half\x52\x04mine";

#[test]
fn a_function_is_refused_by_its_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.onnx");
    let mut call = of("Half");
    call.domain = Some("mine".to_owned());
    let [input, output] = ["x", "y"].map(|name| vec![info(name, DataType::FLOAT, &[-1, 3, 4, 6])]);
    let old = model(8, 14, vec![call], vec![], input, output);
    fs::write(&path, [&bytes(&old), FUNCTION].concat()).unwrap();
    let network = Network::read(&path, |path| File::open(path)).unwrap();
    let cut = network.cut_with(&"y".into(), Batch::AsInFile).unwrap();
    let said = cut.raised("data").err().unwrap().to_string();
    assert!(
        said.contains("its node Half `y` of operator version 14"),
        "{said}"
    );
}
