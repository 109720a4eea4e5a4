//! A network in float16: weights and everything between input and output, which stay float32.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::Path;

use half::f16;
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, GraphProto, ModelProto, NodeProto,
    TensorProto,
};
use rten_onnx::protobuf::{DecodeMessage, ValueReader};

use super::files::Open;
use super::read::read_structure;
use super::write::to_bytes;
use crate::error::{Error, NetworkProblem, Result};

/// What is put behind a value's name where it is the float16 form of an input or output.
const SUFFIX: &str = "/float16";

/// Messages of protocol buffers are shorter than 2 GiB.
const LONGEST: u64 = 1 << 31;

/// The bytes of the network at `path` with float16 inside.
///
/// Each input is followed by a `Cast` to float16 and each output preceded by one back. Numbers beyond ±65504 become
/// infinite, which holding the features against float32 brings to light.
///
/// # Errors
/// [`Error::Io`]; [`Error::Network`] where the file cannot be read, has external data, or has graphs inside of nodes.
pub fn in_float16(path: &Path, open: Open) -> Result<Vec<u8>> {
    // What comes through has no length that lies: the decoder allocates what a length asks for.
    read_structure(path, open)?;
    let bytes = read(path, open).map_err(Error::io(path))?;
    let fault = |problem: String| NetworkProblem::NotInFloat16(problem).at(path);
    let mut model = ModelProto::decode(ValueReader::from_buf(&bytes[..]))
        .map_err(|error| fault(error.to_string()))?;
    drop(bytes);
    let graph = model.graph.take();
    let mut graph = graph.ok_or_else(|| fault("it holds no graph".to_owned()))?;
    convert(&mut graph).map_err(fault)?;
    model.graph = Some(graph);
    Ok(to_bytes(&model))
}

fn read(path: &Path, open: Open) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    if length > LONGEST {
        let text = format!("it has {length} bytes, more than the limit of {LONGEST}");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn convert(graph: &mut GraphProto) -> Result<(), String> {
    let kept = kept_in_float32(&graph.node);
    let mut weights = HashSet::new();
    for tensor in &mut graph.initializer {
        let name = tensor.name.clone().unwrap_or_default();
        if tensor.data_location == Some(DataLocation::EXTERNAL) {
            return Err(format!("its weight `{name}` lies in another file"));
        }
        if !kept.contains(&name) {
            halve(tensor);
        }
        weights.insert(name);
    }
    // Old files list their weights among the inputs: with the wrong type now, and without need.
    graph
        .input
        .retain(|input| !weights.contains(input.name.as_deref().unwrap_or_default()));
    // Shapes and types of what lies between are found anew.
    graph.value_info.clear();
    for node in &mut graph.node {
        halve_attributes(node)?;
    }
    cast_ends(graph);
    Ok(())
}

/// Weights that operators want in float32 whatever the data: scales and regions of a resize.
fn kept_in_float32(nodes: &[NodeProto]) -> HashSet<String> {
    let scales = |node: &NodeProto| match node.op_type.as_deref() {
        Some("Resize" | "Upsample") => node.input.iter().skip(1).cloned().collect(),
        _ => Vec::new(),
    };
    nodes.iter().flat_map(scales).collect()
}

/// Float32 to float16; tensors of other types stay.
fn halve(tensor: &mut TensorProto) {
    if tensor.data_type != Some(DataType::FLOAT) {
        return;
    }
    let half = |number: f32| f16::from_f32(number).to_le_bytes();
    let bytes: Vec<u8> = match tensor.raw_data.take() {
        Some(raw) => raw
            .into_inner()
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|&bytes| half(f32::from_le_bytes(bytes)))
            .collect(),
        None => std::mem::take(&mut tensor.float_data)
            .into_iter()
            .flat_map(half)
            .collect(),
    };
    tensor.data_type = Some(DataType::FLOAT16);
    tensor.raw_data = Some(bytes.into());
}

fn halve_attributes(node: &mut NodeProto) -> Result<(), String> {
    let operator = node.op_type.clone().unwrap_or_default();
    for attribute in &mut node.attribute {
        let name = attribute.name.clone().unwrap_or_default();
        if attribute.g.is_some() {
            return Err(format!("its node `{operator}` holds a graph of its own"));
        }
        match (operator.as_str(), name.as_str()) {
            ("Cast", "to") if attribute.i == Some(i64::from(DataType::FLOAT.0)) => {
                attribute.i = Some(i64::from(DataType::FLOAT16.0));
            }
            ("Constant", "value_float") => *attribute = constant(attribute.f.unwrap_or_default()),
            ("Constant" | "ConstantOfShape", "value") => attribute.t.iter_mut().for_each(halve),
            _ => {}
        }
    }
    Ok(())
}

/// The attribute of a constant that is one number.
fn constant(number: f32) -> AttributeProto {
    let tensor = TensorProto {
        data_type: Some(DataType::FLOAT16),
        raw_data: Some(f16::from_f32(number).to_le_bytes().to_vec().into()),
        ..TensorProto::default()
    };
    AttributeProto {
        name: Some("value".to_owned()),
        t: Some(tensor),
        r#type: Some(AttributeType::TENSOR),
        ..AttributeProto::default()
    }
}

/// Casts between the float32 of inputs and outputs and the float16 of all nodes.
fn cast_ends(graph: &mut GraphProto) {
    let names = |values: &[rten_onnx::onnx::ValueInfoProto]| -> HashSet<String> {
        let float = values.iter().filter(|value| {
            let tensor = value.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
            tensor.is_some_and(|tensor| tensor.elem_type == Some(DataType::FLOAT))
        });
        float.filter_map(|value| value.name.clone()).collect()
    };
    let (inputs, outputs) = (names(&graph.input), names(&graph.output));
    for node in &mut graph.node {
        for name in node.input.iter_mut().chain(&mut node.output) {
            if inputs.contains(name) || outputs.contains(name) {
                name.push_str(SUFFIX);
            }
        }
    }
    let mut ends: Vec<String> = inputs.into_iter().collect();
    ends.sort();
    let first = ends
        .into_iter()
        .map(|name| cast(&name, &format!("{name}{SUFFIX}"), DataType::FLOAT16));
    let nodes = std::mem::take(&mut graph.node);
    let mut ends: Vec<String> = outputs.into_iter().collect();
    ends.sort();
    let last = ends
        .into_iter()
        .map(|name| cast(&format!("{name}{SUFFIX}"), &name, DataType::FLOAT));
    graph.node = first.chain(nodes).chain(last).collect();
}

fn cast(from: &str, to: &str, kind: DataType) -> NodeProto {
    let attribute = AttributeProto {
        name: Some("to".to_owned()),
        i: Some(i64::from(kind.0)),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    };
    NodeProto {
        name: Some(format!("{to}/cast")),
        input: vec![from.to_owned()],
        output: vec![to.to_owned()],
        op_type: Some("Cast".to_owned()),
        attribute: vec![attribute],
        ..NodeProto::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::open;
    use crate::weights::Tensor;
    use crate::{Conv, GraphBuilder, encode_model};

    fn written() -> (tempfile::TempDir, std::path::PathBuf) {
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
        encode_model(&graph.finish(&y, &[4]), &mut file).unwrap();
        (folder, path)
    }

    #[test]
    fn weights_are_halved_and_the_ends_stay() {
        let (_folder, path) = written();
        let bytes = in_float16(&path, open).unwrap();
        let graph = ModelProto::decode(ValueReader::from_buf(&bytes[..]))
            .unwrap()
            .graph
            .unwrap();
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
        let error = in_float16(&path, open).unwrap_err().to_string();
        assert!(
            error.contains("x.onnx") && error.contains("not an ONNX network"),
            "{error}"
        );
    }
}
