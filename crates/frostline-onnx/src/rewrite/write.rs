//! Writes the new graph: ranges of the network's file, except for what is replaced. Field numbers are those
//! of `onnx.proto`.

use super::super::assemble::{IR_VERSION, copy_fields, damaged};
use super::super::graph::{Network, Node};
use super::super::links::Maker;
use super::super::proto::{int, ints, node, opset};
use super::super::splice::{Message, Spliced};
use super::super::wire::{Fault, Wire};
use super::steps::{DOMAIN, LAYER, New, Step, needed};
use super::tensors::Tensors;
use crate::error::Result;

/// Returns the network with these nodes, assembled from ranges of its file.
pub(super) fn graph(tensors: &Tensors, steps: &[Step]) -> Result<Spliced> {
    let Network { path, open, .. } = tensors.network;
    let message = model(tensors, steps).map_err(|fault| damaged(path, fault))?;
    Ok(message.spliced(vec![path.clone()], *open))
}

fn model(tensors: &Tensors, steps: &[Step]) -> Result<Message, Fault> {
    let network = tensors.network;
    let mut message = network.head(network.ir_version.max(IR_VERSION));
    message.message(8, opset(Some(DOMAIN), 1));
    message.message(7, body(tensors, steps)?);
    Ok(message)
}

/// Returns the graph: new nodes, the weights that they read, and everything else unchanged.
fn body(tensors: &Tensors, steps: &[Step]) -> Result<Message, Fault> {
    let graph = &tensors.network.graph;
    let mut wire = Wire::open(&tensors.network.path, tensors.network.open)?;
    let mut message = Message::default();
    for step in steps {
        message.message(1, node_of(step, tensors.nodes(), &mut wire)?);
    }
    let mut read = needed(steps, tensors.nodes());
    read.extend(tensors.outputs());
    let (mut weights, mut inputs) = (graph.weights.iter(), graph.inputs.iter());
    let mut rest = graph.body.clone();
    while let Some(field) = wire.field(&mut rest)? {
        let kept = match field.number {
            1 => false,
            // Weights of layers are dropped; unused ones stay, as ONNX Runtime may refuse them.
            5 | 15 => weights.next().is_some_and(|weight| {
                read.contains(weight.name.as_str()) || !tensors.is_read(&weight.name)
            }),
            11 => inputs
                .next()
                .is_some_and(|input| is_picture(tensors, &input.name)),
            _ => true,
        };
        if kept {
            message.copy(0, &field.whole);
        }
    }
    Ok(message)
}

/// Returns whether an input is not a weight. Old files list weights as inputs, so that runtimes cannot fold
/// them.
fn is_picture(tensors: &Tensors, input: &str) -> bool {
    matches!(tensors.links.maker(input), Some(Maker::Input(_)))
}

fn node_of(step: &Step, nodes: &[Node], wire: &mut Wire) -> Result<Message, Fault> {
    Ok(match step {
        Step::Same(i) => Message::of([&nodes[*i].body]),
        Step::Renamed {
            node,
            inputs,
            output,
            axis,
        } => renamed(&nodes[*node], (inputs, output), *axis, wire)?,
        Step::New(what, [input, output]) => new_node(what, input, output),
    })
}

/// Copies a node of the file with new inputs, a new output and, if given, a new `axis`.
fn renamed(
    node: &Node,
    (inputs, output): (&[String], &str),
    axis: Option<i64>,
    wire: &mut Wire,
) -> Result<Message, Fault> {
    let mut renamed = Message::default();
    renamed.texts(1, inputs.iter().map(String::as_str));
    renamed.text(2, output);
    // Inputs, outputs and, if the axis changes, the attributes.
    let replaced: &[u64] = if axis.is_some() { &[1, 2, 5] } else { &[1, 2] };
    copy_fields(&mut renamed, wire, node, replaced)?;
    if let Some(axis) = axis {
        renamed.message(5, int("axis", axis));
    }
    Ok(renamed)
}

fn new_node(what: &New, input: &str, output: &str) -> Message {
    let (operator, attribute) = match what {
        New::Transpose(perm) => ("Transpose", ints("perm", perm)),
        New::Own(operator, layer) => (*operator, int(LAYER, *layer as i64)),
    };
    // Prefixed, since the node that computes this tensor in another layout keeps its own name.
    let name = format!("frostline.{output}");
    let mut node = node(operator, &name, &[input], output, vec![attribute]);
    if let New::Own(..) = what {
        node.text(7, DOMAIN);
    }
    node
}
