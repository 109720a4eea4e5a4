//! Finding 3×3 convolutions with what follows them.

use std::collections::HashSet;

use super::super::graph::{Attribute, Node};
use super::choice::Faster;
use super::layers::{ConvLayer, Norm};
use super::tensors::{Tensors, all, auto_pad, int, is};
use crate::kernels::{Activation, ConvShape, Layout, Pooling};

/// A convolution that can be replaced, together with nodes behind it.
pub(super) struct FoundConv<'m> {
    /// The number of the convolution's node.
    pub(super) node: usize,
    /// The numbers of the nodes behind it that go with it.
    pub(super) absorbed: Vec<usize>,
    pub(super) input: &'m str,
    /// What the last of these nodes gives.
    pub(super) output: &'m str,
    pub(super) layer: ConvLayer,
}

/// All convolutions that can be replaced, and are the faster for it, which `faster` tells of their shape and their own
/// output.
pub(super) fn found<'m>(
    tensors: &Tensors<'m>,
    faster: impl Fn(&ConvShape, &str) -> Faster,
) -> Vec<FoundConv<'m>> {
    let nodes = tensors.nodes().iter().enumerate();
    let mut all: Vec<(Faster, FoundConv)> = nodes
        .filter_map(|(i, node)| {
            let found = FoundConv::at(tensors, i, node)?;
            Some((faster(&found.layer.shape, &node.outputs[0]), found))
        })
        .collect();
    let always = all.iter().filter(|(faster, _)| *faster == Faster::Always);
    let always: HashSet<usize> = always.map(|(_, found)| found.node).collect();
    all.retain(|(faster, found)| match faster {
        Faster::Always => true,
        Faster::BeforeOurs => tensors.is_read_only_by(found.output, &always),
        Faster::Never => false,
    });
    all.into_iter().map(|(_, found)| found).collect()
}

impl<'m> FoundConv<'m> {
    fn at(tensors: &Tensors<'m>, i: usize, node: &'m Node) -> Option<Self> {
        let [input, weight, bias @ ..] = node.inputs.as_slice() else {
            return None;
        };
        let [output] = node.outputs.as_slice() else {
            return None;
        };
        let once = all(node, "strides", 1, true) && all(node, "dilations", 1, true);
        if !is(node, "Conv")
            || !once
            || int(node, "group", 1)? != 1
            || !tensors.links.is_live(input)
        {
            return None;
        }
        let dims = tensors.links.weight_dims(weight)?;
        let dims: Vec<usize> = dims.iter().map(|&dim| dim as usize).collect();
        let &[out_channels, in_channels, 3, 3] = dims.as_slice() else {
            return None;
        };
        let shape = ConvShape {
            in_channels,
            out_channels,
            pads: pads(node)?,
        };
        if in_channels * out_channels == 0 {
            return None;
        }
        let layer = ConvLayer {
            shape,
            input: Layout::ChannelsFirst,
            weight: tensors.numbers(weight, &dims)?,
            bias: match bias.first().map(String::as_str) {
                None | Some("") => None,
                Some(bias) => Some(tensors.numbers(bias, &[out_channels])?),
            },
            norm: None,
            activation: Activation::None,
            pooling: Pooling::None,
        };
        let mut found = Self {
            node: i,
            absorbed: Vec::new(),
            input,
            output,
            layer,
        };
        found.absorb(tensors);
        Some(found)
    }

    /// Takes the nodes behind it that it can do itself: a norm, then an activation, then a pooling.
    fn absorb(&mut self, tensors: &Tensors<'m>) {
        let shape = self.layer.shape;
        self.layer.norm = self.next(tensors, |node| norm(tensors, node, shape));
        let activation = self.next(tensors, |node| activation(tensors, node));
        self.layer.activation = activation.unwrap_or(Activation::None);
        let pooling = self.next(tensors, |node| {
            halves(tensors, node).then_some(Pooling::Max2)
        });
        self.layer.pooling = pooling.unwrap_or(Pooling::None);
    }

    /// Takes the node that alone reads the output, if `what` it does can be done.
    fn next<T>(
        &mut self,
        tensors: &Tensors<'m>,
        what: impl FnOnce(&Node) -> Option<T>,
    ) -> Option<T> {
        let (i, node) = tensors.only_reader(self.output)?;
        let first = node
            .inputs
            .first()
            .is_some_and(|input| input == self.output);
        if !first || !tensors.has_one_output(node) {
            return None;
        }
        let what = what(node)?;
        self.absorbed.push(i);
        self.output = &node.outputs[0];
        Some(what)
    }
}

/// Rows and columns of zeros at the top, left, bottom and right.
fn pads(node: &Node) -> Option<[usize; 4]> {
    match auto_pad(node)? {
        "NOTSET" => match node.ints("pads") {
            None => Some([0; 4]),
            Some(&[top, left, bottom, right]) => {
                let pads = [top, left, bottom, right].map(|pad| usize::try_from(pad).ok());
                let [Some(top), Some(left), Some(bottom), Some(right)] = pads else {
                    return None;
                };
                Some([top, left, bottom, right])
            }
            Some(_) => None,
        },
        "VALID" => Some([0; 4]),
        // Two in all for a kernel of 3 at stride 1, so that there is no odd one to go anywhere.
        "SAME_UPPER" | "SAME_LOWER" => Some([1; 4]),
        _ => None,
    }
}

fn norm(tensors: &Tensors, node: &Node, shape: ConvShape) -> Option<Norm> {
    let [_, scale, shift, mean, variance] = node.inputs.as_slice() else {
        return None;
    };
    let of_network = int(node, "training_mode", 0)? == 0
        && int(node, "is_test", 1)? == 1
        && int(node, "spatial", 1)? == 1;
    if !is(node, "BatchNormalization") || !of_network {
        return None;
    }
    let epsilon = match node.attribute("epsilon") {
        None => 1e-5,
        Some(Attribute::Float(epsilon)) => *epsilon,
        Some(_) => return None,
    };
    let numbers = |tensor: &String| tensors.numbers(tensor, &[shape.out_channels]);
    Some(Norm {
        scale: numbers(scale)?,
        shift: numbers(shift)?,
        mean: numbers(mean)?,
        variance: numbers(variance)?,
        epsilon,
    })
}

/// The activation that a node is, if it is one that a layer can do.
pub(super) fn activation(tensors: &Tensors, node: &Node) -> Option<Activation> {
    if is(node, "Relu") {
        return Some(Activation::Relu);
    }
    if !is(node, "Clip") {
        return None;
    }
    // A bound was an attribute before opset 11, and is an input since; without one there is none.
    let bound = |place: usize, name| match (node.inputs.get(place), node.attribute(name)) {
        (Some(tensor), _) if !tensor.is_empty() => tensors.scalar(tensor),
        (_, Some(Attribute::Float(bound))) => Some(*bound),
        (_, Some(_)) => None,
        (_, None) => Some(f32::INFINITY),
    };
    match (bound(1, "min")?, bound(2, "max")?) {
        (0.0, 6.0) => Some(Activation::Relu6),
        (0.0, f32::INFINITY) => Some(Activation::Relu),
        _ => None,
    }
}

/// Whether a node takes the maxima of 2×2 positions, stride 2, and drops an odd last row or column.
fn halves(tensors: &Tensors, node: &Node) -> bool {
    is(node, "MaxPool")
        && node.ints("kernel_shape") == Some(&[2, 2])
        && node.ints("strides") == Some(&[2, 2])
        && all(node, "pads", 0, true)
        && all(node, "dilations", 1, true)
        && int(node, "ceil_mode", 0) == Some(0)
        && matches!(auto_pad(node), Some("NOTSET" | "VALID"))
        && tensors.has_one_output(node)
}
