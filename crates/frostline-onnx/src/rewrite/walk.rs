//! Walks over a network from its input on, and decides the layout of its tensors.
//!
//! frostline's convolutions return their channels last. Element-wise nodes keep the channels-last layout;
//! before any other node the tensor is transposed to the layout of the file, under its name in the file. So
//! everything that is not replaced is unchanged, and each tensor with its channels last has a unique name.

use std::collections::{HashMap, HashSet};

use super::super::graph::{Names, Node};
use super::super::links::Maker;
use super::convolution::FoundConv;
use super::known::{CONCAT, DROPOUT, IDENTITY, int, is, is_standard};
use super::layers::{ConvLayer, LinearLayer};
use super::linear::FoundLinear;
use super::sizes::Sizes;
use super::steps::{CONV, LINEAR, New, Step, without_constants};
use super::tensors::Tensors;
use frostline_kernels::{InputOrder, Layout};

/// Channels first to channels last.
const TO_LAST: [i64; 4] = [0, 2, 3, 1];
/// Channels last to channels first.
const TO_FIRST: [i64; 4] = [0, 3, 1, 2];

/// Element-wise operators on one tensor, possibly with constants of one number.
const UNARY: Names = Names(
    "Relu LeakyRelu Elu Selu Clip Sigmoid HardSigmoid HardSwish Softplus Tanh Mish Gelu Identity \
     Dropout",
);
/// Element-wise operators on several tensors, and concatenation.
const BETWEEN: Names = Names("Add Sum Sub Mul Div Max Min Concat");

/// The result of a walk: the new graph and its layers.
pub(super) struct Walked {
    pub(super) steps: Vec<Step>,
    pub(super) convolutions: Vec<ConvLayer>,
    pub(super) linears: Vec<LinearLayer>,
}

/// A walk over a network.
pub(super) struct Walk<'w, 'm> {
    tensors: &'w Tensors<'m>,
    sizes: &'w Sizes<'m>,
    walked: Walked,
    /// The names of the tensors' channels-last copies.
    last: HashMap<&'m str, String>,
    /// The tensors among these that are also available in the layout of the file.
    turned: HashSet<&'m str>,
    /// Flattening nodes whose rows are channels-last images.
    flattened_last: HashSet<usize>,
}

impl<'w, 'm> Walk<'w, 'm> {
    /// Walks over a network in which these layers are replaced.
    pub(super) fn over(
        tensors: &'w Tensors<'m>,
        sizes: &'w Sizes<'m>,
        convolutions: Vec<FoundConv<'m>>,
        linears: Vec<FoundLinear<'m>>,
    ) -> Walked {
        let absorbed = convolutions.iter().flat_map(|found| &found.absorbed);
        let absorbed = absorbed.chain(linears.iter().flat_map(|(found, _)| &found.absorbed));
        let absorbed: HashSet<usize> = absorbed.copied().collect();
        let flattens = linears.iter().filter_map(|(_, flatten)| *flatten);
        let flattens: HashSet<usize> = flattens.map(|flatten| flatten.node).collect();
        let mut convolutions = by_node(convolutions, |found| found.node);
        let mut linears = by_node(linears, |(found, _)| found.node);
        let mut walk = Self {
            tensors,
            sizes,
            walked: Walked {
                steps: Vec::new(),
                convolutions: Vec::new(),
                linears: Vec::new(),
            },
            last: HashMap::new(),
            turned: HashSet::new(),
            flattened_last: HashSet::new(),
        };
        for (i, node) in tensors.nodes().iter().enumerate() {
            if let Some(found) = convolutions.remove(&i) {
                walk.convolution(found);
            } else if let Some(found) = linears.remove(&i) {
                walk.linear(found);
            } else if !(absorbed.contains(&i)
                || walk.follow(i, node)
                || flattens.contains(&i) && walk.flatten(i, node))
            {
                walk.keep(i, node);
            }
        }
        walk.finish()
    }

    fn convolution(&mut self, mut found: FoundConv<'m>) {
        // ONNX Runtime's own convolutions use a third layout, from which it converts to either one directly.
        // The image has few channels, and is transposed in the layer.
        let made = matches!(self.tensors.links.maker(found.input), Some(Maker::Node(_)));
        let input = if made {
            found.layer.input = Layout::ChannelsLast;
            self.turn_last(found.input)
        } else {
            found.input.to_owned()
        };
        let output = self.name_last(found.output);
        let layer = self.walked.convolutions.len();
        self.add(New::Own(CONV, layer), [input, output]);
        self.walked.convolutions.push(found.layer);
    }

    fn linear(&mut self, (mut found, flatten): FoundLinear<'m>) {
        if let Some(flatten) = flatten
            && self.flattened_last.contains(&flatten.node)
        {
            found.layer.order = InputOrder::ChannelsLast {
                channels: flatten.channels,
            };
        }
        let layer = self.walked.linears.len();
        let ends = [found.input, found.output].map(str::to_owned);
        self.add(New::Own(LINEAR, layer), ends);
        self.walked.linears.push(found.layer);
    }

    fn add(&mut self, what: New, ends: [String; 2]) {
        self.walked.steps.push(Step::New(what, ends));
    }

    /// Returns whether ONNX Runtime may refuse a node, unless it removes it from between other nodes.
    fn may_be_refused(&self, node: &Node) -> bool {
        is(node, "Dropout") && !self.tensors.takes(node, &DROPOUT)
            || is(node, "Identity") && !self.tensors.takes(node, &IDENTITY)
    }

    /// Returns the images that a node reads, if it is element-wise and can keep the channels-last layout.
    fn images_of(&self, node: &'m Node) -> Option<&'m [String]> {
        let images = match &*node.operator {
            _ if !is_standard(node) => return None,
            operator if UNARY.contains(operator) => &node.inputs[..node.inputs.len().min(1)],
            operator if BETWEEN.contains(operator) => &node.inputs,
            _ => return None,
        };
        let is_last = |input: &String| self.last.contains_key(input.as_str());
        let is_image = |input: &String| is_last(input) || self.sizes.get(input).is_some();
        // The result of a concatenation is large: transposing the parts that are not frostline's, and then
        // the result, would cost more than it saves.
        let joins = || {
            self.tensors.takes(node, &CONCAT)
                && int(node, "axis", 0) == Some(1)
                && images.iter().all(is_last)
        };
        let all = images.iter().any(is_last)
            && images.iter().all(is_image)
            && matches!(&node.outputs[..], [output] if self.tensors.may_be_float(output))
            && !self.may_be_refused(node)
            && (!is(node, "Concat") || joins());
        all.then_some(images)
    }

    /// Lets an element-wise node keep the layout of its inputs; returns whether it does.
    fn follow(&mut self, i: usize, node: &'m Node) -> bool {
        let Some(images) = self.images_of(node) else {
            return false;
        };
        let mut inputs: Vec<String> = images.iter().map(|input| self.turn_last(input)).collect();
        inputs.extend_from_slice(&node.inputs[images.len()..]);
        let output = self.name_last(&node.outputs[0]);
        self.walked.steps.push(Step::Renamed {
            node: i,
            inputs,
            output,
            axis: is(node, "Concat").then_some(3),
        });
        true
    }

    fn flatten(&mut self, i: usize, node: &'m Node) -> bool {
        let Some(name) = self.last.get(node.inputs[0].as_str()) else {
            return false;
        };
        let mut inputs = node.inputs.clone();
        inputs[0].clone_from(name);
        let output = node.outputs[0].clone();
        self.walked.steps.push(Step::Renamed {
            node: i,
            inputs,
            output,
            axis: None,
        });
        self.flattened_last.insert(i)
    }

    fn keep(&mut self, i: usize, node: &'m Node) {
        node.needs().for_each(|tensor| self.turn_first(tensor));
        self.walked.steps.push(Step::Same(i));
    }

    /// Ensures a channels-last copy of the tensor exists; returns its name.
    fn turn_last(&mut self, tensor: &'m str) -> String {
        if let Some(name) = self.last.get(tensor) {
            return name.clone();
        }
        let output = self.name_last(tensor);
        self.turned.insert(tensor);
        self.add(New::Transpose(TO_LAST), [tensor.to_owned(), output.clone()]);
        output
    }

    /// Ensures the tensor exists in the layout of the file.
    fn turn_first(&mut self, tensor: &'m str) {
        if let Some(name) = self.last.get(tensor)
            && self.turned.insert(tensor)
        {
            self.add(New::Transpose(TO_FIRST), [name.clone(), tensor.to_owned()]);
        }
    }

    /// Gives the channels-last copy of a tensor a unique name.
    fn name_last(&mut self, tensor: &'m str) -> String {
        let mut name = format!("{tensor}/channels_last");
        while self.tensors.links.maker(&name).is_some() || self.tensors.is_read(&name) {
            name.push('_');
        }
        self.last.insert(tensor, name.clone());
        name
    }

    fn finish(mut self) -> Walked {
        for tensor in self.tensors.outputs() {
            self.turn_first(tensor);
        }
        let steps = std::mem::take(&mut self.walked.steps);
        Walked {
            steps: without_constants(steps, self.tensors),
            ..self.walked
        }
    }
}

fn by_node<T>(found: Vec<T>, node: impl Fn(&T) -> usize) -> HashMap<usize, T> {
    let found = found.into_iter();
    found.map(|found| (node(&found), found)).collect()
}
