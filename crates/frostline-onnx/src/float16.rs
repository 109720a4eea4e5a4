//! Converts a network to float16. Inputs and outputs stay float32.

use std::collections::{BTreeSet, HashSet};

use half::f16;

use super::assemble::{copy_fields, damaged};
use super::graph::{
    Attribute, Graph, Network, Node, NodeAttribute, Payload, Weight, WeightKind, element,
};
use super::proto::{GRAPH_NAME, cast, int, tensor, value};
use super::splice::{Extent, Message};
use super::wire::{Fault, Wire};
use crate::error::{NetworkProblem, Result};

/// The suffix of the float16 copy of an input or output.
const SUFFIX: &str = "/float16";

impl Network {
    /// Returns the bytes of the network in float16, with float32 inputs and outputs.
    ///
    /// A `Cast` to float16 follows each input, and one back to float32 precedes each output. Values beyond
    /// ±65504 become infinite, which shows when the features are compared with those in float32.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if it has external data or nodes with subgraphs;
    /// [`Error::Io`](crate::Error::Io) and [`Error::File`](crate::Error::File) if its file is too large or
    /// has changed.
    pub fn in_float16(&self) -> Result<Vec<u8>> {
        let path = &self.path;
        check(&self.graph).map_err(|problem| NetworkProblem::NotInFloat16(problem).at(path))?;
        let message = converted(self).map_err(|fault| damaged(path, fault))?;
        message.spliced(vec![path.clone()], self.open).to_bytes()
    }
}

/// Refuses external data and subgraphs.
fn check(graph: &Graph) -> Result<(), String> {
    let elsewhere = |weight: &Weight| matches!(weight.payload, Payload::External(_));
    let constants = graph.nodes.iter().flat_map(Node::constants);
    if let Some(weight) = graph.weights.iter().chain(constants).find(|w| elsewhere(w)) {
        return Err(format!("its weight `{}` is in another file", weight.name));
    }
    let has_graph = |node: &&Node| {
        node.attributes
            .iter()
            .any(|a| matches!(a.value, Attribute::Graph))
    };
    match graph.nodes.iter().find(has_graph) {
        Some(node) => Err(format!("its node `{}` contains a subgraph", node.operator)),
        None => Ok(()),
    }
}

fn converted(model: &Network) -> Result<Message, Fault> {
    let mut message = model.head(model.ir_version);
    message.message(7, graph(model)?);
    Ok(message)
}

fn graph(model: &Network) -> Result<Message, Fault> {
    let graph = &model.graph;
    let mut message = Message::default();
    message.text(2, GRAPH_NAME);
    let ends = Ends::of(graph);
    for input in &ends.inputs {
        let output = format!("{input}{SUFFIX}");
        message.message(1, convert([input, &output], element::FLOAT16));
    }
    let mut wire = Wire::open(&model.path, model.open)?;
    let kept = kept_in_float32(&graph.nodes);
    for node in &graph.nodes {
        let is_kept = node.outputs.iter().any(|output| kept.contains(&**output));
        let converted = if is_kept && is_constant(node) {
            copied(node, &ends, &mut wire)?
        } else {
            halved_node(node, &ends, &mut wire)?
        };
        message.message(1, converted);
    }
    for output in &ends.outputs {
        let input = format!("{output}{SUFFIX}");
        message.message(1, convert([&input, output], element::FLOAT));
    }
    for weight in &graph.weights {
        match weight.kind {
            WeightKind::Dense if kept.contains(&*weight.name) => message.message(5, same(weight)),
            WeightKind::Dense => message.message(5, halved(weight)),
            WeightKind::Sparse => message.message(15, same(weight)),
        }
    }
    // Old files list their weights among the inputs, which is not needed and would now declare the wrong
    // type. Runtimes infer the shapes and types of intermediate tensors again.
    let weights = weights_of(graph);
    let inputs = graph.inputs.iter();
    let inputs = inputs.filter(|input| !weights.contains(&*input.name));
    for end in inputs.chain(&graph.outputs) {
        message.copy(0, &end.whole);
    }
    Ok(message)
}

fn weights_of(graph: &Graph) -> HashSet<&str> {
    graph.weights.iter().map(|weight| &*weight.name).collect()
}

/// The float32 inputs and outputs, which keep their type.
struct Ends<'m> {
    inputs: BTreeSet<&'m str>,
    outputs: BTreeSet<&'m str>,
}

impl<'m> Ends<'m> {
    fn of(graph: &'m Graph) -> Self {
        let weights = weights_of(graph);
        let float = |infos: &'m [super::graph::ValueInfo]| {
            let infos = infos.iter();
            let float = infos.filter(|info| info.element == Some(element::FLOAT));
            float.map(|info| &*info.name)
        };
        Self {
            inputs: float(&graph.inputs)
                .filter(|name| !weights.contains(name))
                .collect(),
            outputs: float(&graph.outputs).collect(),
        }
    }

    /// Returns a tensor's name between the casts.
    fn renamed(&self, tensor: &str) -> String {
        let is_end = self.inputs.contains(tensor) || self.outputs.contains(tensor);
        format!("{tensor}{}", if is_end { SUFFIX } else { "" })
    }
}

fn convert(ends: [&str; 2], element: i32) -> Message {
    cast(&format!("{}/cast", ends[1]), ends, element)
}

/// Returns the constants that operators need in float32 for any data type: scales and regions of a resize.
fn kept_in_float32(nodes: &[Node]) -> HashSet<&str> {
    let resizes = nodes
        .iter()
        .filter(|node| matches!(&*node.operator, "Resize" | "Upsample"));
    let scales = resizes.flat_map(|node| node.inputs.iter().skip(1));
    scales.map(String::as_str).collect()
}

fn is_constant(node: &Node) -> bool {
    matches!(&*node.operator, "Constant" | "ConstantOfShape")
}

fn halved_node(node: &Node, ends: &Ends, wire: &mut Wire) -> Result<Message, Fault> {
    let mut message = without_attributes(node, ends, wire)?;
    for attribute in &node.attributes {
        match halved_attribute(node, attribute) {
            Some(halved) => message.message(5, halved),
            None => message.copy(0, &attribute.whole),
        }
    }
    // Its default is a zero in float32.
    if node.operator == "ConstantOfShape" && node.attribute("value").is_none() {
        message.message(5, value(halves(&[1], &[0.0])));
    }
    Ok(message)
}

/// Copies a node with the names between the casts.
fn copied(node: &Node, ends: &Ends, wire: &mut Wire) -> Result<Message, Fault> {
    let mut message = without_attributes(node, ends, wire)?;
    for attribute in &node.attributes {
        message.copy(0, &attribute.whole);
    }
    Ok(message)
}

fn without_attributes(node: &Node, ends: &Ends, wire: &mut Wire) -> Result<Message, Fault> {
    let mut message = Message::default();
    for input in &node.inputs {
        message.text(1, &ends.renamed(input));
    }
    for output in &node.outputs {
        message.text(2, &ends.renamed(output));
    }
    copy_fields(&mut message, wire, node, &[1, 2, 5])?;
    Ok(message)
}

/// Returns the float16 form of an attribute, if it changes.
fn halved_attribute(node: &Node, attribute: &NodeAttribute) -> Option<Message> {
    match (&*node.operator, &*attribute.name, &attribute.value) {
        ("Cast", "to", Attribute::Int(to)) if *to == i64::from(element::FLOAT) => {
            Some(int("to", element::FLOAT16.into()))
        }
        ("Constant", "value_float", Attribute::Float(number)) => {
            Some(value(halves(&[], &[*number])))
        }
        ("Constant", "value_floats", Attribute::Floats(numbers)) => {
            Some(value(halves(&[numbers.len() as i64], numbers)))
        }
        ("Constant" | "ConstantOfShape", "value", Attribute::Tensor(weight)) => {
            Some(value(halved(weight)))
        }
        _ => None,
    }
}

/// Returns a tensor of float16 with these values.
fn halves(dims: &[i64], numbers: &[f32]) -> Message {
    let mut message = tensor("", dims, element::FLOAT16);
    let bytes = numbers.iter().flat_map(|&n| f16::from_f32(n).to_le_bytes());
    message.blob(9, bytes.collect());
    message
}

/// Copies a weight unchanged.
pub(super) fn same(weight: &Weight) -> Message {
    let mut message = Message::of(&weight.kept);
    if let Payload::Raw(span) = &weight.payload {
        message.payload(9, Extent::of(span));
    }
    message
}

/// Converts a float32 weight to float16; copies weights of other types unchanged.
fn halved(weight: &Weight) -> Message {
    if weight.element != element::FLOAT {
        return same(weight);
    }
    let spans = match &weight.payload {
        Payload::Raw(span) => std::slice::from_ref(span),
        Payload::Fields | Payload::External(_) => &weight.floats,
    };
    let mut message = tensor(&weight.name, &weight.dims, element::FLOAT16);
    message.halved(9, spans.iter().map(Extent::of));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use rten_onnx::onnx::{
        AttributeProto, AttributeType, DataLocation, DataType, GraphProto, NodeProto, TensorProto,
    };

    use crate::tests::sample::{
        Written, info, model, node, open, parse, weight, with_float, with_graph, with_int, written,
    };
    use crate::weights::Tensor;
    use crate::{Conv, GraphBuilder};

    fn tiny() -> (tempfile::TempDir, std::path::PathBuf) {
        let mut graph = GraphBuilder::new(&[1, 2, 2]);
        let conv = Conv {
            weight: Tensor {
                shape: vec![1, 1, 1, 1],
                data: vec![1.0 / 3.0],
            },
            bias: Tensor {
                shape: vec![1],
                data: vec![-2.0],
            },
            stride: 1,
            padding: (0, 0),
            groups: 1,
        };
        let x = graph.conv("conv", &graph.input(), &conv);
        let y = graph.flatten("features", &x);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.onnx");
        let mut file = std::fs::File::create(&path).unwrap();
        graph.finish(&[(&y, &[4])]).write_to(&mut file).unwrap();
        (folder, path)
    }

    #[test]
    fn weights_are_halved_and_the_ends_stay() {
        let (_folder, path) = tiny();
        let bytes = in_float16(&path).unwrap();
        let graph = parse(&bytes).graph.unwrap();
        // 1/3 in binary16 is 0x3555, −2 is 0xc000 (IEEE 754).
        let raw = |i: usize| {
            graph.initializer[i]
                .raw_data
                .as_ref()
                .unwrap()
                .borrow()
                .clone()
        };
        assert_eq!((raw(0), raw(1)), (vec![0x55, 0x35], vec![0x00, 0xc0]));
        let nodes: Vec<_> = graph
            .node
            .iter()
            .map(|n| {
                (
                    n.op_type.as_deref().unwrap(),
                    n.input[0].as_str(),
                    n.output[0].as_str(),
                )
            })
            .collect();
        assert_eq!(
            nodes,
            [
                ("Cast", "input", "input/float16"),
                ("Conv", "input/float16", "conv"),
                ("Flatten", "conv", "features/float16"),
                ("Cast", "features/float16", "features"),
            ]
        );
    }

    #[test]
    fn what_is_no_network_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.onnx");
        std::fs::write(&path, [0x0a, 0xff, 0xff]).unwrap();
        let error = in_float16(&path).unwrap_err().to_string();
        assert!(
            error.contains("x.onnx") && error.contains("not an ONNX network"),
            "{error}"
        );
    }

    fn in_float16(path: &std::path::Path) -> Result<Vec<u8>> {
        Network::read(path, open)?.in_float16()
    }

    /// Writes a network with these nodes from `data` to `y`, and the weights `w` (two values of 1/3) and
    /// `scales`.
    fn with_nodes(nodes: Vec<NodeProto>) -> (Written, TensorProto) {
        let mut unpacked = weight("w", &[2], 1.0 / 3.0);
        unpacked.raw_data = None;
        unpacked.float_data = vec![1.0 / 3.0; 2];
        let weights = vec![unpacked.clone(), weight("scales", &[4], 2.0)];
        let input = vec![info("data", DataType::FLOAT, &[1, 3, 9, 9])];
        (
            written(&model(8, 13, nodes, weights, input, &["y"])),
            unpacked,
        )
    }

    #[test]
    fn constants_become_float16_and_scales_stay() {
        let mut constant = node("Constant", &[], &["c"]);
        constant = with_float(constant, "value_float", 0.5);
        let mut cast = node("Cast", &["data"], &["f"]);
        cast = with_int(cast, "to", 1);
        let resize = node("Resize", &["f", "", "scales"], &["r"]);
        let sum = node("Add", &["r", "c"], &["y"]);
        let (written, _) = with_nodes(vec![constant, cast, resize, sum]);
        let bytes = in_float16(&written.path).unwrap();
        let graph = parse(&bytes).graph.unwrap();
        let types: Vec<_> = graph.initializer.iter().map(|w| w.data_type).collect();
        assert_eq!(types, [Some(DataType::FLOAT16), Some(DataType::FLOAT)]);
        let raw = |tensor: &TensorProto| tensor.raw_data.as_ref().unwrap().borrow().clone();
        // 1/3 in binary16 is 0x3555, 1/2 is 0x3800 (IEEE 754); 2 in binary32 is 0x40000000.
        assert_eq!(raw(&graph.initializer[0]), [0x55, 0x35, 0x55, 0x35]);
        assert_eq!(raw(&graph.initializer[1]), [0, 0, 0, 0x40].repeat(4));
        let value = &graph.node[1].attribute[0];
        let scalar = value.t.as_ref().unwrap();
        assert_eq!(value.name.as_deref(), Some("value"));
        assert_eq!(
            (scalar.data_type, raw(scalar)),
            (Some(DataType::FLOAT16), vec![0, 0x38])
        );
        assert_eq!(graph.node[2].attribute[0].i, Some(10));
    }

    #[test]
    fn constants_are_converted_in_every_form_except_for_scales() {
        let floats = |name: &str, output: &str| {
            let mut constant = node("Constant", &[], &[output]);
            constant.attribute.push(AttributeProto {
                name: Some(name.to_owned()),
                floats: vec![0.5, 1.0 / 3.0],
                r#type: Some(AttributeType::FLOATS),
                ..AttributeProto::default()
            });
            constant
        };
        let nodes = vec![
            floats("value_floats", "c"),
            floats("value_floats", "by"),
            node("ConstantOfShape", &["c"], &["zeros"]),
            node("Resize", &["data", "", "by"], &["y"]),
        ];
        let (written, _) = with_nodes(nodes);
        let graph = parse(&in_float16(&written.path).unwrap()).graph.unwrap();
        let tensors = [1, 3].map(|i| graph.node[i].attribute[0].t.as_ref().unwrap());
        // 0.5 in binary16 is 0x3800, 1/3 is 0x3555 (IEEE 754).
        let wanted = [(vec![2], vec![0, 0x38, 0x55, 0x35]), (vec![1], vec![0, 0])];
        for (tensor, (dims, bytes)) in tensors.iter().zip(wanted) {
            assert_eq!(tensor.data_type, Some(DataType::FLOAT16));
            assert_eq!(tensor.dims, dims);
            assert_eq!(*tensor.raw_data.as_ref().unwrap().borrow(), bytes);
        }
        let scales = &graph.node[2].attribute[0];
        assert_eq!((scales.floats.len(), scales.t.is_none()), (2, true));
    }

    #[test]
    fn what_cannot_be_converted_is_named() {
        let inner = GraphProto {
            node: vec![node("Relu", &["data"], &["x"])],
            ..GraphProto::default()
        };
        let choice = with_graph(node("If", &["data"], &["y"]), "then_branch", inner);
        let (held, _) = with_nodes(vec![choice]);
        let error = in_float16(&held.path).unwrap_err().to_string();
        assert!(
            error.ends_with("cannot be converted to float16: its node `If` contains a subgraph"),
            "{error}"
        );
        let (_, mut elsewhere) = with_nodes(Vec::new());
        elsewhere.data_location = Some(DataLocation::EXTERNAL);
        let nodes = vec![node("Relu", &["data"], &["y"])];
        let written = written(&model(8, 13, nodes, vec![elsewhere], Vec::new(), &["y"]));
        let error = in_float16(&written.path).unwrap_err().to_string();
        assert!(
            error.ends_with("cannot be converted to float16: its weight `w` is in another file"),
            "{error}"
        );
    }

    /// A sparse file of 3 TiB would take half as much memory if its length were trusted.
    #[test]
    fn a_long_file_is_refused_before_memory_is_allocated() {
        let raw = [&[0x4a][..], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x60]].concat();
        let tensor = [&[0x08, 1, 0x10, 1, 0x42, 1, b'w'][..], &raw].concat();
        // The lengths of graph and tensor take six bytes each; they count the values and what comes before
        // them.
        let length = |n: u64| {
            (0..6).map(move |i| (n >> (7 * i)) as u8 & 0x7f | if i < 5 { 0x80 } else { 0 })
        };
        let node = [0x0a, 9, 0x12, 1, b'y', 0x22, 4, b'R', b'e', b'l', b'u'];
        let numbers = 3_u64 << 40;
        let in_graph = numbers + tensor.len() as u64;
        let mut start = vec![0x08, 8, 0x42, 2, 0x10, 13, 0x3a];
        start.extend(length(in_graph + 7 + node.len() as u64));
        start.extend(node);
        start.push(0x2a);
        start.extend(length(in_graph));
        start.extend(&tensor);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.onnx");
        std::fs::write(&path, &start).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(start.len() as u64 + numbers).unwrap();
        let Err(Error::Io { source, .. }) = in_float16(&path) else {
            panic!("the file is too long")
        };
        assert_eq!(source.kind(), std::io::ErrorKind::FileTooLarge);
    }
}
