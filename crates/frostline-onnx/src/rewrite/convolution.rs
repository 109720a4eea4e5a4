//! Finds 3×3 convolutions and the nodes that they absorb.

use std::collections::HashSet;

use super::super::graph::Node;
use super::choice::Faster;
use super::found::Found;
use super::known::{
    BATCH_NORM, CLIP, CLIP_BY_ATTRIBUTES, CONV, MAX_POOL, RELU, auto_pad, float, int, ints, is,
};
use super::layers::{ConvLayer, Norm};
use super::tensors::Tensors;
use frostline_kernels::{Activation, ConvShape, Layout, Pooling};

/// A convolution that can be replaced, with the nodes it absorbs.
pub(super) type FoundConv<'m> = Found<'m, ConvLayer>;

/// Returns all convolutions that can be replaced and are faster for it. `faster` decides by the shape, the
/// convolution's own output, and whether the result is concatenated with others.
pub(super) fn found<'m>(
    tensors: &Tensors<'m>,
    faster: impl Fn(&ConvShape, &str, bool) -> Faster,
) -> Vec<FoundConv<'m>> {
    let nodes = tensors.nodes().iter().enumerate();
    let mut all: Vec<(Faster, FoundConv)> = nodes
        .filter_map(|(i, node)| {
            let found = convolution(tensors, i, node)?;
            let joined = tensors
                .readers(found.output)
                .any(|reader| is(reader, "Concat"));
            Some((faster(&found.layer.shape, &node.outputs[0], joined), found))
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

/// Returns the convolution of a node, if its layer supports it, with the nodes it absorbs: a norm, then an
/// activation, then a pooling.
fn convolution<'m>(tensors: &Tensors<'m>, i: usize, node: &'m Node) -> Option<FoundConv<'m>> {
    let mut found = Found::at(i, node, layer(tensors, node)?);
    let shape = found.layer.shape;
    found.layer.norm = found.next(tensors, |node| norm(tensors, node, shape));
    if let Some(activation) = found.next(tensors, |node| activation(tensors, node)) {
        found.layer.activation = activation;
    }
    if let Some(pooling) = found.next(tensors, |node| pooling(tensors, node)) {
        found.layer.pooling = pooling;
    }
    Some(found)
}

/// Returns the layer of a 3×3 convolution with stride 1, which absorbs nothing yet.
fn layer<'m>(tensors: &Tensors<'m>, node: &'m Node) -> Option<ConvLayer> {
    let [input, weight, bias @ ..] = node.inputs.as_slice() else {
        return None;
    };
    let window = [
        ints(node, "kernel_shape", 3)?,
        ints(node, "strides", 1)?,
        ints(node, "dilations", 1)?,
    ];
    let plain = window == [[3, 3], [1, 1], [1, 1]] && int(node, "group", 1)? == 1;
    if !tensors.takes(node, &CONV) || !plain || !tensors.links.is_live(input) {
        return None;
    }
    let dims = tensors.links.weight_dims(weight)?;
    let &[out_channels, in_channels, 3, 3] = dims.as_slice() else {
        return None;
    };
    let [out_channels, in_channels] = [channels(out_channels)?, channels(in_channels)?];
    Some(ConvLayer {
        shape: ConvShape {
            in_channels,
            out_channels,
            pads: pads(node)?,
        },
        input: Layout::ChannelsFirst,
        weight: tensors.numbers(weight, &[out_channels, in_channels, 3, 3])?,
        bias: match bias.first().map(String::as_str) {
            None | Some("") => None,
            Some(bias) => Some(tensors.numbers(bias, &[out_channels])?),
        },
        norm: None,
        activation: Activation::None,
        pooling: Pooling::None,
    })
}

/// More channels than any network has. With one channel on the other side, weights would take a hundred times
/// their memory.
const MOST_CHANNELS: i64 = 1 << 14;

fn channels(length: i64) -> Option<usize> {
    let sane = (1..=MOST_CHANNELS).contains(&length);
    sane.then_some(length as usize)
}

/// More padding than this means a damaged file.
const MOST_PADS: i64 = 1 << 10;

/// Returns the zero padding at the top, left, bottom and right.
fn pads(node: &Node) -> Option<[usize; 4]> {
    match auto_pad(node)? {
        "NOTSET" => {
            let pads: [i64; 4] = ints(node, "pads", 0)?;
            let sane = pads.iter().all(|pad| (0..=MOST_PADS).contains(pad));
            sane.then(|| pads.map(|pad| pad as usize))
        }
        "VALID" => Some([0; 4]),
        // A kernel of 3 at stride 1 needs two zeros in total, so both modes pad one on each side.
        "SAME_UPPER" | "SAME_LOWER" => Some([1; 4]),
        _ => None,
    }
}

fn norm(tensors: &Tensors, node: &Node, shape: ConvShape) -> Option<Norm> {
    let [_, scale, shift, mean, variance] = node.inputs.as_slice() else {
        return None;
    };
    let of_network = int(node, "training_mode", 0)? == 0 && int(node, "spatial", 1)? == 1;
    // It has no effect, but must be a number.
    float(node, "momentum", 0.9)?;
    if !tensors.takes(node, &BATCH_NORM) || !of_network {
        return None;
    }
    let numbers = |tensor: &String| tensors.numbers(tensor, &[shape.out_channels]);
    Some(Norm {
        scale: numbers(scale)?,
        shift: numbers(shift)?,
        mean: numbers(mean)?,
        variance: numbers(variance)?,
        epsilon: float(node, "epsilon", 1e-5)?,
    })
}

/// Returns the activation of a node, if a layer supports it.
pub(super) fn activation(tensors: &Tensors, node: &Node) -> Option<Activation> {
    if tensors.takes(node, &RELU) {
        return Some(Activation::Relu);
    }
    let bounds = if tensors.takes(node, &CLIP) {
        let bound = |place: usize| match node.inputs.get(place).map(String::as_str) {
            None | Some("") => Some(None),
            Some(tensor) => Some(Some(tensors.scalar(tensor)?)),
        };
        [bound(1)?, bound(2)?]
    } else if tensors.takes(node, &CLIP_BY_ATTRIBUTES) {
        let bound = |name| match node.attribute(name) {
            None => Some(None),
            Some(_) => Some(Some(float(node, name, 0.0)?)),
        };
        [bound("min")?, bound("max")?]
    } else {
        return None;
    };
    match bounds {
        [Some(0.0), Some(6.0)] => Some(Activation::Relu6),
        [Some(0.0), None] => Some(Activation::Relu),
        _ => None,
    }
}

/// Returns the pooling of a node, if it is the maximum of 2×2 positions with stride 2 that drops an odd last
/// row or column.
fn pooling(tensors: &Tensors, node: &Node) -> Option<Pooling> {
    let halves = tensors.takes(node, &MAX_POOL)
        && node.attribute("kernel_shape").is_some()
        && ints(node, "kernel_shape", 0) == Some([2, 2])
        && ints(node, "strides", 1) == Some([2, 2])
        && ints(node, "pads", 0) == Some([0; 4])
        && ints(node, "dilations", 1) == Some([1, 1])
        && int(node, "ceil_mode", 0) == Some(0)
        && int(node, "storage_order", 0) == Some(0)
        && matches!(auto_pad(node), Some("NOTSET" | "VALID"));
    halves.then_some(Pooling::Max2)
}
