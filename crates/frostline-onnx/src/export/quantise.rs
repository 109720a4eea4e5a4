//! Quantises a network to 8 bits: pairs of `QuantizeLinear` and `DequantizeLinear` around the operators that
//! runtimes compute with integers (QDQ).
//!
//! Weights are symmetric, with a scale for each channel of the output; other tensors are asymmetric, with a
//! scale each, from ranges that were observed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::assemble::{copy_fields, damaged};
use crate::error::{NetworkProblem, Result};
use crate::graph::{Network, Node, WeightKind, element};
use crate::proto::{self, GRAPH_NAME, int, tensor};
use crate::rewrite::Tensors;
use crate::splice::{Message, Spliced};
use crate::wire::Wire;

/// The first version of ONNX's operators with a scale for each channel.
const FIRST_OPSET: i64 = 13;

/// The ranges of a network's tensors, by name: the smallest and the largest value.
pub type Ranges = BTreeMap<String, (f32, f32)>;

/// A tensor, and the outputs that are its smallest and its largest value.
pub type Observed = (String, [String; 2]);

/// What is quantised.
struct Chosen<'m> {
    tensors: Tensors<'m>,
    /// The tensors that depend on the image.
    live: BTreeSet<&'m str>,
    /// The nodes with weights, by their index.
    layers: HashMap<usize, Layer>,
}

/// The weights of a node.
struct Layer {
    dims: Vec<i64>,
    values: Vec<f32>,
    /// The axis of the output's channels.
    axis: usize,
    bias: Option<Vec<f32>>,
}

impl<'m> Chosen<'m> {
    fn of(network: &'m Network) -> Result<Self> {
        let refused = |why: &str| NetworkProblem::NotInInt8(why.to_owned()).at(&network.path);
        if network.opset().unwrap_or_default() < FIRST_OPSET {
            return Err(refused("its operators are older than version 13"));
        }
        let tensors = Tensors::of(network).ok_or_else(|| refused("it defines a tensor twice"))?;
        let mut chosen = Self {
            tensors,
            live: BTreeSet::new(),
            layers: HashMap::new(),
        };
        for (i, node) in network.graph.nodes.iter().enumerate() {
            chosen.choose(i, node);
        }
        if chosen.layers.is_empty() {
            return Err(refused(
                "it has no convolution or linear layer with constant weights",
            ));
        }
        Ok(chosen)
    }

    /// Chooses what of a node is quantised.
    fn choose(&mut self, index: usize, node: &'m Node) {
        let inputs = match (node.operator.as_str(), &node.inputs[..]) {
            ("Conv" | "Gemm" | "MatMul", [input, weight, rest @ ..]) => {
                let Some(layer) = self.layer(node, weight, rest.first()) else {
                    return;
                };
                self.layers.insert(index, layer);
                vec![input.as_str()]
            }
            // Sums of other tensors may be those of shapes.
            ("Add", [left, right])
                if [left, right].iter().any(|t| self.live.contains(t.as_str())) =>
            {
                vec![left.as_str(), right.as_str()]
            }
            ("GlobalAveragePool" | "MaxPool" | "AveragePool", [input]) => vec![input.as_str()],
            _ => return,
        };
        if !inputs.iter().all(|input| self.tensors.is_live(input)) {
            self.layers.remove(&index);
            return;
        }
        self.live.extend(inputs);
        let Some(output) = node.outputs.first() else {
            return;
        };
        // An activation is computed together with the node before it.
        let output = match self.tensors.only_reader(output) {
            Some((_, reader)) if matches!(reader.operator.as_str(), "Relu" | "Clip") => {
                &reader.outputs[0]
            }
            _ => output,
        };
        if !self.tensors.is_output(output) {
            self.live.insert(output);
        }
    }

    fn layer(&self, node: &Node, weight: &'m str, bias: Option<&'m String>) -> Option<Layer> {
        let (dims, values) = self.tensors.floats(weight)?;
        let factor = |name: &str| match node.attribute(name) {
            None => true,
            Some(crate::graph::Attribute::Float(factor)) => (*factor - 1.0).abs() < f32::EPSILON,
            Some(_) => false,
        };
        let axis = match node.operator.as_str() {
            "Conv" => 0,
            "Gemm" => {
                let plain = factor("alpha") && factor("beta") && node.ints("transA") != Some(&[1]);
                let transposed = node.ints("transB") == Some(&[1]);
                plain.then_some(usize::from(!transposed))?
            }
            _ => (dims.len() == 2).then_some(1)?,
        };
        let channels = *dims.get(axis)?;
        let bias = bias.filter(|bias| !bias.is_empty());
        let bias = bias.and_then(|bias| self.tensors.floats(bias));
        let bias = bias.filter(|(dims, _)| dims[..] == [channels]);
        Some(Layer {
            dims,
            values,
            axis,
            bias: bias.map(|(_, values)| values),
        })
    }
}

impl Network {
    /// Returns the network with two more outputs for each tensor that [`quantised`](Self::quantised) needs
    /// the range of: its smallest and largest value. Also returns the tensors, each with the names of
    /// these outputs.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if nothing in it can be quantised.
    pub fn observed(&self) -> Result<(Spliced, Vec<Observed>)> {
        let chosen = Chosen::of(self)?;
        let mut body = Message::of([&self.graph.body]);
        let mut observed = Vec::new();
        for (i, tensor) in chosen.live.iter().enumerate() {
            let ends = ["Min", "Max"].map(|end| {
                let name = format!("frostline.{end}.{i}");
                let attributes = vec![int("keepdims", 0)];
                let reduce = format!("Reduce{end}");
                body.message(1, proto::node(&reduce, &name, &[tensor], &name, attributes));
                body.message(12, proto::value_info(&name, Some(&[])));
                name
            });
            observed.push(((*tensor).to_owned(), ends));
        }
        let mut model = self.head(self.ir_version);
        model.message(7, body);
        let model = model.spliced(vec![self.path.clone()], self.open);
        Ok((model, observed))
    }

    /// Returns the network in 8 bits. It starts and ends with `float32`.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if nothing in it can be quantised, or a range is missing;
    /// [`Error::Io`](crate::Error::Io) and [`Error::File`](crate::Error::File) if its file has changed.
    pub fn quantised(&self, ranges: &Ranges) -> Result<Spliced> {
        let chosen = Chosen::of(self)?;
        let mut writer = Writer {
            chosen: &chosen,
            steps: HashMap::new(),
            nodes: Message::default(),
            weights: Message::default(),
        };
        for tensor in &chosen.live {
            let range = ranges
                .get(*tensor)
                .filter(|(low, high)| low.is_finite() && high.is_finite());
            let missing =
                || NetworkProblem::NotInInt8(format!("the range of `{tensor}` is unknown"));
            let range = *range.ok_or_else(|| missing().at(&self.path))?;
            writer.steps.insert(tensor, Step::of(range));
        }
        writer.write(self)
    }
}

/// The scale of a tensor, and the byte that stands for 0.
#[derive(Clone, Copy)]
struct Step {
    scale: f32,
    zero: u8,
}

impl Step {
    /// Spreads a range, extended to 0, over all bytes.
    fn of((low, high): (f32, f32)) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE);
        Self {
            scale,
            zero: (-low / scale).round().clamp(0.0, 255.0) as u8,
        }
    }
}

struct Writer<'c, 'm> {
    chosen: &'c Chosen<'m>,
    steps: HashMap<&'m str, Step>,
    nodes: Message,
    weights: Message,
}

/// Returns the name of a tensor after it was quantised and dequantised.
fn rounded(tensor: &str) -> String {
    format!("{tensor}.rounded")
}

impl Writer<'_, '_> {
    fn write(mut self, network: &Network) -> Result<Spliced> {
        let fault = |fault| damaged(&network.path, fault);
        let wire = &mut Wire::open(&network.path, network.open).map_err(fault)?;
        for input in &network.graph.inputs {
            self.round(&input.name);
        }
        let mut read: BTreeSet<&str> = BTreeSet::new();
        for (i, node) in network.graph.nodes.iter().enumerate() {
            let mut inputs = node.inputs.clone();
            if let Some(layer) = self.chosen.layers.get(&i) {
                let scale = self.steps[node.inputs[0].as_str()].scale;
                self.add_layer(i, layer, scale, &mut inputs);
            }
            for input in &mut inputs {
                if self.steps.contains_key(input.as_str()) {
                    *input = rounded(input);
                }
            }
            let same = node.inputs.iter().zip(&inputs);
            read.extend(
                same.filter(|(old, new)| old == new)
                    .map(|(old, _)| old.as_str()),
            );
            read.extend(node.captured.iter().map(String::as_str));
            if inputs == node.inputs {
                self.nodes.message(1, Message::of([&node.body]));
            } else {
                let mut copied = Message::default();
                copied.texts(1, inputs.iter().map(String::as_str));
                copy_fields(&mut copied, wire, node, &[1]).map_err(fault)?;
                self.nodes.message(1, copied);
            }
            for output in &node.outputs {
                self.round(output);
            }
        }
        let mut graph = Message::default();
        graph.text(2, GRAPH_NAME);
        graph.append(self.nodes);
        for weight in &network.graph.weights {
            if read.contains(weight.name.as_str()) {
                let field = if weight.kind == WeightKind::Dense {
                    5
                } else {
                    15
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

    /// Adds the pair of nodes that rounds a tensor, if it is quantised.
    fn round(&mut self, tensor: &str) {
        let Some(step) = self.steps.get(tensor).copied() else {
            return;
        };
        let [bytes, scale, zero] =
            ["bytes", "scale", "zero"].map(|part| format!("{tensor}.{part}"));
        self.floats(&scale, &[], &[step.scale]);
        self.blob(&zero, &[], element::UINT8, vec![step.zero]);
        let to = proto::node(
            "QuantizeLinear",
            &bytes,
            &[tensor, &scale, &zero],
            &bytes,
            vec![],
        );
        self.nodes.message(1, to);
        self.dequantise(&rounded(tensor), [&bytes, &scale, &zero], None);
    }

    fn dequantise(&mut self, output: &str, inputs: [&str; 3], axis: Option<usize>) {
        let axis = axis
            .map(|axis| int("axis", axis as i64))
            .into_iter()
            .collect();
        let node = proto::node("DequantizeLinear", output, &inputs, output, axis);
        self.nodes.message(1, node);
    }

    /// Adds the weights of a node in 8 bits, and its bias in 32 bits.
    fn add_layer(&mut self, index: usize, layer: &Layer, input: f32, inputs: &mut [String]) {
        let name = |part: &str| format!("frostline.int8.{index}.{part}");
        let channels = layer.dims[layer.axis] as usize;
        let inner: usize = layer.dims[layer.axis + 1..]
            .iter()
            .map(|&dim| dim as usize)
            .product();
        let channel = |at: usize| at / inner % channels;
        let mut scales = vec![0.0_f32; channels];
        for (at, value) in layer.values.iter().enumerate() {
            let largest = &mut scales[channel(at)];
            *largest = largest.max(value.abs());
        }
        for scale in &mut scales {
            *scale = (*scale / 127.0).max(f32::MIN_POSITIVE);
        }
        let round = |(at, value): (usize, &f32)| {
            (value / scales[channel(at)]).round().clamp(-127.0, 127.0) as i8
        };
        let bytes: Vec<u8> = layer
            .values
            .iter()
            .enumerate()
            .map(round)
            .map(i8::cast_unsigned)
            .collect();
        let dims = [channels as i64];
        self.blob(&name("weight"), &layer.dims, element::INT8, bytes);
        self.floats(&name("scale"), &dims, &scales);
        self.blob(&name("zero"), &dims, element::INT8, vec![0; channels]);
        let parts = [&*name("weight"), &*name("scale"), &*name("zero")];
        self.dequantise(&name("values"), parts, Some(layer.axis));
        inputs[1] = name("values");
        let Some(bias) = &layer.bias else { return };
        let scales: Vec<f32> = scales.iter().map(|scale| scale * input).collect();
        let round = |(value, scale): (&f32, &f32)| {
            let (value, scale) = (f64::from(*value), f64::from(*scale));
            (value / scale)
                .round()
                .clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32
        };
        let values = bias.iter().zip(&scales).map(round);
        let bytes = values.flat_map(i32::to_le_bytes).collect();
        self.blob(&name("bias"), &dims, element::INT32, bytes);
        self.floats(&name("bias.scale"), &dims, &scales);
        self.blob(
            &name("bias.zero"),
            &dims,
            element::INT32,
            vec![0; 4 * channels],
        );
        let parts = [&*name("bias"), &*name("bias.scale"), &*name("bias.zero")];
        self.dequantise(&name("bias.values"), parts, Some(0));
        inputs[2] = name("bias.values");
    }

    fn floats(&mut self, name: &str, dims: &[i64], values: &[f32]) {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.blob(name, dims, element::FLOAT, bytes);
    }

    fn blob(&mut self, name: &str, dims: &[i64], element: i32, bytes: Vec<u8>) {
        let mut weight = tensor(name, dims, element);
        weight.blob(9, bytes);
        self.weights.message(5, weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_zero_exactly() {
        let step = |low, high| {
            let step = Step::of((low, high));
            (step.scale, step.zero)
        };
        // 2.55 / 255 is 0.01; 0 is 100 steps above −1.
        let (scale, zero) = step(-1.0, 1.55);
        assert!((scale - 0.01).abs() < 1e-7);
        assert_eq!(zero, 100);
        // Ranges on one side of 0 are extended to it.
        assert_eq!(step(2.0, 5.1), (5.1 / 255.0, 0));
        assert_eq!(step(-5.1, -2.0), (5.1 / 255.0, 255));
        assert!(step(0.0, 0.0).0 > 0.0);
    }
}
