//! Checks the new graph, and where its layers read their weights.

use std::path::Path;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, ModelProto, StringStringEntryProto,
    TensorProto,
};

use super::Rewritten;
use super::layers::ConvLayer;
use crate::tests::sample::{
    Written, info, model, names_of, node, nodes_of, numbers, open, parse, weight, with_int,
    with_ints, written,
};
use crate::{Convolutions, Network};
use frostline_kernels::{Activation, InputOrder, Layout, Pooling, Stored};

/// Returns a network like those of the Model Zoo: format 3 with weights among the inputs, opset 7 and a batch
/// of 1. Two convolutions, the second followed by a pooling, and a large linear layer.
fn zoo() -> ModelProto {
    let pool = with_ints(
        node("MaxPool", &["relu2"], &["pool"]),
        "kernel_shape",
        &[2, 2],
    );
    let dense = node("Gemm", &["flat", "fc.w", "fc.b"], &["fc"]);
    let nodes = vec![
        with_ints(
            node("Conv", &["data", "conv1.w"], &["conv1"]),
            "pads",
            &[1; 4],
        ),
        node("Relu", &["conv1"], &["relu1"]),
        with_ints(
            node("Conv", &["relu1", "conv2.w", "conv2.b"], &["conv2"]),
            "pads",
            &[1; 4],
        ),
        node("Relu", &["conv2"], &["relu2"]),
        with_ints(pool, "strides", &[2, 2]),
        node("Dropout", &["pool"], &["dropped"]),
        node("Reshape", &["dropped", "target"], &["flat"]),
        with_int(dense, "transB", 1),
        node("Relu", &["fc"], &["features"]),
    ];
    let weights = vec![
        weight("conv1.w", &[32, 3, 3, 3], 0.25),
        weight("conv2.w", &[32, 32, 3, 3], 0.5),
        weight("conv2.b", &[32], 0.75),
        numbers("target", &[1, 512]),
        weight("fc.w", &[512, 512], 0.125),
        weight("fc.b", &[512], 1.5),
    ];
    let mut inputs = vec![info("data", DataType::FLOAT, &[1, 3, 8, 8])];
    inputs.extend(weights.iter().map(|weight| {
        let name = weight.name.as_deref().unwrap();
        info(name, weight.data_type.unwrap(), &weight.dims)
    }));
    model(3, 7, nodes, weights, inputs, &["features"])
}

fn rewrite(path: &Path, wanted: Convolutions) -> crate::Result<Option<Rewritten>> {
    Network::read(path, open)?.rewrite([3, 8, 8], wanted)
}

fn rewritten(model: &ModelProto, wanted: Convolutions) -> (Written, Option<Rewritten>) {
    let written = written(model);
    let rewritten = rewrite(&written.path, wanted).unwrap();
    (written, rewritten)
}

/// Returns the nodes of the new graph.
fn nodes(model: &ModelProto) -> Vec<String> {
    let (_written, rewritten) = rewritten(model, Convolutions::Winograd);
    nodes_of(
        &parse(&rewritten.unwrap().graph.to_bytes().unwrap())
            .graph
            .unwrap(),
    )
}

#[test]
fn layers_take_what_follows_them() {
    let (_written, rewritten) = rewritten(&zoo(), Convolutions::Auto);
    let rewritten = rewritten.unwrap();
    let model = parse(&rewritten.graph.to_bytes().unwrap());
    let opsets = model.opset_import.iter();
    let opsets: Vec<_> = opsets
        .map(|set| (set.domain.as_deref(), set.version))
        .collect();
    assert_eq!(opsets, [(None, Some(7)), (Some("frostline"), Some(1))]);
    let graph = model.graph.unwrap();
    assert_eq!(
        nodes_of(&graph),
        [
            "Conv3x3 data -> relu1/channels_last",
            "Conv3x3 relu1/channels_last -> pool/channels_last",
            "Dropout pool/channels_last -> dropped/channels_last",
            "Reshape dropped/channels_last target -> flat",
            "Linear flat -> features",
        ]
    );
    // The weights of the layers are neither initializers nor inputs, and no other weight is an input.
    assert_eq!(names_of(&graph.initializer), ["target"]);
    let inputs = graph
        .input
        .iter()
        .map(|input| input.name.as_deref().unwrap());
    assert_eq!(inputs.collect::<Vec<_>>(), ["data"]);
    let [first, second] = rewritten.convolutions.as_slice() else {
        panic!("expected two convolutions");
    };
    let about = |layer: &ConvLayer| (layer.input, layer.activation, layer.pooling);
    assert_eq!(
        about(first),
        (Layout::ChannelsFirst, Activation::Relu, Pooling::None)
    );
    assert_eq!(
        about(second),
        (Layout::ChannelsLast, Activation::Relu, Pooling::Max2)
    );
    assert_eq!(
        (first.bias.is_none(), first.weight.read(open).unwrap()),
        (true, vec![0.25; 864])
    );
    assert_eq!(
        second.bias.as_ref().unwrap().read(open).unwrap(),
        [0.75; 32]
    );
    let linear = &rewritten.linears[0];
    assert_eq!(
        (linear.stored, linear.order, linear.activation),
        (
            Stored::OutputsFirst,
            InputOrder::ChannelsLast { channels: 32 },
            Activation::Relu
        )
    );
    assert_eq!(linear.weight.read(open).unwrap(), vec![0.125; 512 * 512]);
}

#[test]
fn what_else_reads_a_tensor_has_it_as_the_file_says() {
    let mut model = zoo();
    let graph = model.graph.as_mut().unwrap();
    graph.node.push(node("Softmax", &["relu1"], &["soft"]));
    graph
        .output
        .push(info("soft", DataType::FLOAT, &[1, 32, 8, 8]));
    graph
        .output
        .push(info("conv2", DataType::FLOAT, &[1, 32, 8, 8]));
    assert_eq!(
        nodes(&model),
        [
            "Conv3x3 data -> relu1/channels_last",
            "Conv3x3 relu1/channels_last -> conv2/channels_last",
            "Relu conv2/channels_last -> relu2/channels_last",
            "Transpose relu2/channels_last -> relu2",
            "MaxPool relu2 -> pool",
            "Dropout pool -> dropped",
            "Reshape dropped target -> flat",
            "Linear flat -> features",
            "Transpose relu1/channels_last -> relu1",
            "Softmax relu1 -> soft",
            "Transpose conv2/channels_last -> conv2",
        ]
    );
}

#[test]
fn names_that_are_taken_are_not_used() {
    let mut model = zoo();
    let graph = model.graph.as_mut().unwrap();
    graph
        .node
        .push(node("Relu", &["data"], &["relu1/channels_last"]));
    graph
        .output
        .push(info("relu1/channels_last", DataType::FLOAT, &[1, 3, 8, 8]));
    let nodes = nodes(&model);
    assert_eq!(nodes[0], "Conv3x3 data -> relu1/channels_last_");
    assert!(nodes.contains(&"Relu data -> relu1/channels_last".to_owned()));
}

/// Exporters store weights as bytes, as numbers, in `Constant` nodes, or in a file next to the model.
#[test]
fn weights_wherever_they_lie() {
    let numbers: Vec<f32> = (0..864).map(|i| i as f32 / 7.0).collect();
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let bare = || TensorProto {
        dims: vec![32, 3, 3, 3],
        data_type: Some(DataType::FLOAT),
        name: Some("conv1.w".to_owned()),
        ..TensorProto::default()
    };
    let check = |change: &dyn Fn(&mut ModelProto)| {
        let mut model = zoo();
        let weights = &mut model.graph.as_mut().unwrap().initializer;
        weights.retain(|weight| weight.name.as_deref() != Some("conv1.w"));
        change(&mut model);
        let written = written(&model);
        std::fs::write(
            written.folder.path().join("data"),
            [&[0; 8], &bytes[..]].concat(),
        )
        .unwrap();
        let rewritten = rewrite(&written.path, Convolutions::Winograd)
            .unwrap()
            .unwrap();
        assert_eq!(
            rewritten.convolutions[0].weight.read(open).unwrap(),
            numbers
        );
        let graph = parse(&rewritten.graph.to_bytes().unwrap()).graph.unwrap();
        assert_eq!(nodes_of(&graph)[0], "Conv3x3 data -> relu1/channels_last");
    };
    let add = |model: &mut ModelProto, weight| {
        model.graph.as_mut().unwrap().initializer.push(weight);
    };
    check(&|model| {
        let float_data = numbers.clone();
        add(
            model,
            TensorProto {
                float_data,
                ..bare()
            },
        );
    });
    check(&|model| {
        let entries = [("location", "data"), ("offset", "8"), ("length", "3456")];
        let entry = |(key, value): (&str, &str)| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        };
        let external_data = entries.map(entry).to_vec();
        let data_location = Some(DataLocation::EXTERNAL);
        add(
            model,
            TensorProto {
                external_data,
                data_location,
                ..bare()
            },
        );
    });
    check(&|model| {
        let raw_data = Some(bytes.clone().into());
        let mut constant = node("Constant", &[], &["conv1.w"]);
        constant.attribute.push(AttributeProto {
            name: Some("value".to_owned()),
            t: Some(TensorProto { raw_data, ..bare() }),
            r#type: Some(AttributeType::TENSOR),
            ..AttributeProto::default()
        });
        let graph = model.graph.as_mut().unwrap();
        graph
            .input
            .retain(|input| input.name.as_deref() != Some("conv1.w"));
        graph.node.insert(0, constant);
    });
}

#[test]
fn nothing_is_replaced_without_need() {
    assert!(rewritten(&zoo(), Convolutions::Direct).1.is_none());
    // A convolution of three input channels alone does not pay off, and large linear layers are only replaced
    // along with convolutions.
    let mut few = zoo();
    let graph = few.graph.as_mut().unwrap();
    graph.node.drain(2..4);
    graph.node[2].input[0] = "relu1".to_owned();
    assert!(rewritten(&few, Convolutions::Auto).1.is_none());
}

/// Changes the first convolution of the zoo's network, or its weight; returns how many are replaced.
fn changed(change: impl FnOnce(&mut rten_onnx::onnx::NodeProto, &mut TensorProto)) -> usize {
    let mut model = zoo();
    let graph = model.graph.as_mut().unwrap();
    change(&mut graph.node[0], &mut graph.initializer[0]);
    let (_written, rewritten) = rewritten(&model, Convolutions::Winograd);
    rewritten.map_or(0, |rewritten| rewritten.convolutions.len())
}

/// ONNX Runtime 1.32 refuses each of these, or computes something else.
#[test]
fn what_is_not_known_is_left_to_onnx_runtime() {
    assert_eq!(changed(|_, _| {}), 2);
    let taken_with = |name: &'static str, numbers: &'static [i64]| {
        changed(move |node, _| {
            node.attribute
                .retain(|known| known.name.as_deref() != Some(name));
            *node = with_ints(std::mem::take(node), name, numbers);
        })
    };
    assert_eq!(taken_with("kernel_shape", &[3, 3]), 2);
    for (name, numbers) in [
        ("kernel_shape", &[1 << 31, 3][..]),
        ("kernel_shape", &[3]),
        ("kernel_shape", &[]),
        ("strides", &[1]),
        ("strides", &[1, 1, 1]),
        ("strides", &[]),
        ("dilations", &[2, 2]),
        ("group", &[1]),
        ("pads", &[1, 1]),
        ("pads", &[-1; 4]),
        ("output_shape", &[8, 8]),
    ] {
        assert_eq!(taken_with(name, numbers), 1, "{name} {numbers:?}");
    }
    let attribute =
        |change: fn(&mut AttributeProto)| changed(move |node, _| change(&mut node.attribute[0]));
    assert_eq!(attribute(|pads| pads.r#type = None), 1);
    assert_eq!(attribute(|pads| pads.r#type = Some(AttributeType::INT)), 1);
    assert_eq!(attribute(|pads| pads.i = Some(1)), 1);
    let twice = changed(|node, _| *node = with_ints(std::mem::take(node), "pads", &[1; 4]));
    assert_eq!(twice, 1);
    let biases =
        |n: usize| changed(move |node, _| node.input.extend(vec!["conv2.b".to_owned(); n]));
    assert_eq!([biases(1), biases(2)], [2, 1]);
    assert_eq!(
        changed(|node, _| node.domain = Some("custom".to_owned())),
        1
    );
    // Values stored twice, and a location that is not used.
    assert_eq!(changed(|_, weight| weight.float_data = vec![0.5; 864]), 1);
    let entry = StringStringEntryProto {
        key: Some("location".to_owned()),
        value: Some("nowhere".to_owned()),
    };
    assert_eq!(changed(|_, weight| weight.external_data = vec![entry]), 1);
}

/// NaN, infinite and too large weights are detected when they are read; the layer is then left to ONNX
/// Runtime.
#[test]
fn weights_that_are_no_numbers_are_told() {
    for (value, fits) in [
        (1e5, true),
        (f32::NAN, false),
        (f32::INFINITY, false),
        (-1e38, false),
    ] {
        let mut model = zoo();
        model.graph.as_mut().unwrap().initializer[1] = weight("conv2.w", &[32, 32, 3, 3], value);
        let (_written, rewritten) = rewritten(&model, Convolutions::Winograd);
        let layers = rewritten.unwrap().convolutions;
        assert!(layers[0].load(open).is_ok());
        let error = layers[1].load(open).err();
        assert_eq!(error.is_none(), fits, "{value}");
        assert_eq!(
            error.is_some_and(|error| super::is_too_large(&error)),
            !fits
        );
    }
}

/// The dilated 2×2 window is larger than its input: ONNX Runtime 1.32 divides by the length of the empty
/// output, which kills the process.
#[test]
fn a_pooling_that_leaves_nothing_is_refused() {
    let mut model = zoo();
    let graph = model.graph.as_mut().unwrap();
    let pool = std::mem::take(&mut graph.node[4]);
    graph.node[4] = with_ints(pool, "dilations", &[9, 9]);
    for wanted in [Convolutions::Direct, Convolutions::Auto] {
        let written = written(&model);
        let error = rewrite(&written.path, wanted).err().unwrap();
        let text = error.to_string();
        assert!(
            text.contains("MaxPool `pool` has a window that is larger than its input"),
            "{text}"
        );
    }
}
