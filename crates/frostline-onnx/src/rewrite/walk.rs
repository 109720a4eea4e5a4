//! Walking over a network from its input on, and deciding which order its tensors have.
//!
//! Our convolutions give their channels last. Nodes that look at each number alone follow them in that;
//! before any other node the tensor is turned round, and is then what the file says under the file's name. So
//! all that is not replaced stays as it is, and each tensor that turns up with its channels last has a name
//! of its own.

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
/// And back.
const TO_FIRST: [i64; 4] = [0, 3, 1, 2];

/// Operators on each number alone, of one tensor and maybe constants of one number.
const UNARY: Names = Names(
    "Relu LeakyRelu Elu Selu Clip Sigmoid HardSigmoid HardSwish Softplus Tanh Mish Gelu Identity \
     Dropout",
);
/// Operators on numbers at the same place of several tensors.
const BETWEEN: Names = Names("Add Sum Sub Mul Div Max Min Concat");

/// What a walk found: the new graph and its layers.
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
    /// The names under which tensors lie with their channels last.
    last: HashMap<&'m str, String>,
    /// Of these, the ones that were turned round to how the file has them.
    turned: HashSet<&'m str>,
    /// Flattening nodes whose rows are images with their channels last.
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
        // ONNX Runtime's own convolutions give another order still, from which it makes either in one go. The
        // picture has few channels, and is turned round in the layer.
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

    /// Whether a node is one that ONNX Runtime leaves out where it stands between others, and else may
    /// refuse.
    fn may_be_refused(&self, node: &Node) -> bool {
        is(node, "Dropout") && !self.tensors.takes(node, &DROPOUT)
            || is(node, "Identity") && !self.tensors.takes(node, &IDENTITY)
    }

    /// The images that a node reads, if it works on each number of them alone, and may follow those with
    /// their channels last.
    fn images_of(&self, node: &'m Node) -> Option<&'m [String]> {
        let images = match &*node.operator {
            _ if !is_standard(node) => return None,
            operator if UNARY.contains(operator) => &node.inputs[..node.inputs.len().min(1)],
            operator if BETWEEN.contains(operator) => &node.inputs,
            _ => return None,
        };
        let is_last = |input: &String| self.last.contains_key(input.as_str());
        let is_image = |input: &String| is_last(input) || self.sizes.get(input).is_some();
        // What is put together grows: turning the parts that are not ours, and then the whole, would cost
        // more than ours.
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

    /// A node on each number alone follows what it reads.
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

    /// Has a tensor be there with its channels last, and returns its name.
    fn turn_last(&mut self, tensor: &'m str) -> String {
        if let Some(name) = self.last.get(tensor) {
            return name.clone();
        }
        let output = self.name_last(tensor);
        self.turned.insert(tensor);
        self.add(New::Transpose(TO_LAST), [tensor.to_owned(), output.clone()]);
        output
    }

    /// Has a tensor be there as the file has it.
    fn turn_first(&mut self, tensor: &'m str) {
        if let Some(name) = self.last.get(tensor)
            && self.turned.insert(tensor)
        {
            self.add(New::Transpose(TO_FIRST), [name.clone(), tensor.to_owned()]);
        }
    }

    /// Names a tensor with its channels last, as nothing else in the network is called.
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
