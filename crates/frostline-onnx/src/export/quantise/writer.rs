//! Writes a quantised network.

use std::collections::{BTreeSet, HashMap};

use super::choice::{Chosen, Layer};
use super::steps::{Rounded, Step, rounded_bias};
use crate::assemble::{copy_fields, damaged};
use crate::error::Result;
use crate::graph::{Network, Node, WeightKind, element};
use crate::proto::{self, GRAPH_NAME, int, tensor};
use crate::splice::{Message, Spliced};
use crate::wire::{Fault, Wire};

pub(super) struct Writer<'c, 'm> {
    chosen: &'c Chosen<'m>,
    steps: HashMap<&'m str, Step>,
    nodes: Message,
    weights: Message,
    /// The tensors of the network that are still read.
    read: BTreeSet<&'m str>,
}

/// Returns the name of a tensor after it was quantised and dequantised.
fn rounded(tensor: &str) -> String {
    format!("{tensor}.rounded")
}

impl<'c, 'm> Writer<'c, 'm> {
    pub(super) fn new(chosen: &'c Chosen<'m>, steps: HashMap<&'m str, Step>) -> Self {
        Self {
            chosen,
            steps,
            nodes: Message::default(),
            weights: Message::default(),
            read: BTreeSet::new(),
        }
    }

    /// Writes a network whose tensors were chosen.
    pub(super) fn write(mut self, network: &'m Network) -> Result<Spliced> {
        let fault = |fault| damaged(&network.path, fault);
        let wire = &mut Wire::open(&network.path, network.open).map_err(fault)?;
        for input in &network.graph.inputs {
            self.round(&input.name);
        }
        for (i, node) in network.graph.nodes.iter().enumerate() {
            self.add_node(i, node, wire).map_err(fault)?;
        }
        let mut graph = Message::default();
        graph.text(2, GRAPH_NAME);
        graph.append(self.nodes);
        for weight in &network.graph.weights {
            if self.read.contains(weight.name.as_str()) {
                let field = match weight.kind {
                    WeightKind::Dense => 5,
                    WeightKind::Sparse => 15,
                };
                graph.message(field, crate::float16::same(weight));
            }
        }
        graph.append(self.weights);
        let ends = network.graph.inputs.iter().chain(&network.graph.outputs);
        ends.for_each(|end| graph.copy(0, &end.whole));
        let mut model = network.head(network.ir_version);
        model.message(7, graph);
        Ok(model.spliced(vec![network.path.clone()], network.open))
    }

    /// Adds a node, which reads rounded tensors, and the rounding of its outputs.
    fn add_node(&mut self, index: usize, node: &'m Node, wire: &mut Wire) -> Result<(), Fault> {
        let mut inputs = node.inputs.clone();
        if let Some(layer) = self.chosen.layers.get(&index) {
            let scale = self.steps[node.inputs[0].as_str()].scale;
            self.add_layer(index, layer, scale, &mut inputs);
        }
        for input in &mut inputs {
            if self.steps.contains_key(input.as_str()) {
                *input = rounded(input);
            }
        }
        let unchanged = node
            .inputs
            .iter()
            .zip(&inputs)
            .filter(|(old, new)| old == new);
        let read = unchanged.map(|(old, _)| old).chain(&node.captured);
        self.read.extend(read.map(String::as_str));
        let mut copied = Message::default();
        if inputs == node.inputs {
            copied.copy(0, &node.body);
        } else {
            copied.texts(1, inputs.iter().map(String::as_str));
            copy_fields(&mut copied, wire, node, &[1])?;
        }
        self.nodes.message(1, copied);
        node.outputs.iter().for_each(|output| self.round(output));
        Ok(())
    }

    /// Adds the pair of nodes that rounds a tensor, if it is quantised.
    fn round(&mut self, tensor: &str) {
        let Some(step) = self.steps.get(tensor).copied() else {
            return;
        };
        let [bytes, scale, zero] =
            ["bytes", "scale", "zero"].map(|part| format!("{tensor}.{part}"));
        self.floats(&scale, &[], &[step.scale]);
        self.blob(&zero, &[], element::UINT8, vec![step.zero]);
        let inputs = [tensor, &scale, &zero];
        let to = proto::node("QuantizeLinear", &bytes, &inputs, &bytes, vec![]);
        self.nodes.message(1, to);
        self.dequantise(&rounded(tensor), [&bytes, &scale, &zero], None);
    }

    fn dequantise(&mut self, output: &str, inputs: [&str; 3], axis: Option<usize>) {
        let axis = axis.map(|axis| int("axis", axis as i64));
        let axis = axis.into_iter().collect();
        let node = proto::node("DequantizeLinear", output, &inputs, output, axis);
        self.nodes.message(1, node);
    }

    /// Adds the weights of a node in 8 bits, and its bias in 32 bits.
    fn add_layer(&mut self, index: usize, layer: &Layer, input: f32, inputs: &mut [String]) {
        let name = |part: &str| format!("frostline.int8.{index}.{part}");
        let Rounded { bytes, scales } = layer.rounded();
        let weight = (&layer.dims[..], element::INT8, bytes);
        inputs[1] = self.constant(&name("weight"), weight, &scales, layer.axis);
        if let Some(bias) = &layer.bias {
            let scales: Vec<f32> = scales.iter().map(|scale| scale * input).collect();
            let bytes = rounded_bias(bias, &scales);
            let bias = (&[scales.len() as i64][..], element::INT32, bytes);
            inputs[2] = self.constant(&name("bias"), bias, &scales, 0);
        }
    }

    /// Adds a constant of integers with a scale for each place of an axis, and returns its values.
    fn constant(
        &mut self,
        name: &str,
        (dims, kind, bytes): (&[i64], i32, Vec<u8>),
        scales: &[f32],
        axis: usize,
    ) -> String {
        let [scale, zero, values] =
            ["scale", "zero", "values"].map(|part| format!("{name}.{part}"));
        let width = if kind == element::INT8 { 1 } else { 4 };
        let channels = [scales.len() as i64];
        self.blob(name, dims, kind, bytes);
        self.floats(&scale, &channels, scales);
        self.blob(&zero, &channels, kind, vec![0; width * scales.len()]);
        self.dequantise(&values, [name, &scale, &zero], Some(axis));
        values
    }

    fn floats(&mut self, name: &str, dims: &[i64], values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.blob(name, dims, element::FLOAT, bytes.collect());
    }

    fn blob(&mut self, name: &str, dims: &[i64], element: i32, bytes: Vec<u8>) {
        let mut weight = tensor(name, dims, element);
        weight.blob(9, bytes);
        self.weights.message(5, weight);
    }
}
