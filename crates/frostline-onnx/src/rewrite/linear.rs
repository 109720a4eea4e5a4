//! Finds large linear layers.

use super::super::graph::Node;
use super::choice;
use super::convolution::activation;
use super::found::Found;
use super::known::{FLATTEN, GEMM, GEMM_WITH_BIAS, MAT_MUL, RESHAPE, float, int};
use super::layers::LinearLayer;
use super::sizes::{Sizes, passes};
use super::tensors::Tensors;
use frostline_kernels::{Activation, InputOrder, LinearShape, Stored};

/// A linear layer that can be replaced, with the activation it absorbs, and the node that flattens images for
/// it alone.
pub(super) type FoundLinear<'m> = (Found<'m, LinearLayer>, Option<Flatten>);

/// A node that flattens images with this many channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flatten {
    pub(super) node: usize,
    pub(super) channels: usize,
}

/// Returns all linear layers that are large enough to be replaced.
pub(super) fn found<'m>(tensors: &Tensors<'m>, sizes: &Sizes) -> Vec<FoundLinear<'m>> {
    let nodes = tensors.nodes().iter().enumerate();
    let all = nodes.filter_map(|(i, node)| {
        let mut found = Found::at(i, node, layer(tensors, node)?);
        if let Some(activation) = found.next(tensors, |node| activation(tensors, node)) {
            found.layer.activation = activation;
        }
        let flatten = flatten(tensors, sizes, found.input, found.layer.shape.inputs);
        Some((found, flatten))
    });
    all.collect()
}

/// Returns the layer of a node, if it is a large linear one.
fn layer<'m>(tensors: &Tensors<'m>, node: &'m Node) -> Option<LinearLayer> {
    let [input, weight, bias @ ..] = node.inputs.as_slice() else {
        return None;
    };
    let dims = tensors.links.weight_dims(weight)?;
    let &[rows, columns] = dims.as_slice() else {
        return None;
    };
    let (rows, columns) = (usize::try_from(rows).ok()?, usize::try_from(columns).ok()?);
    let stored = stored(tensors, node)?;
    let (inputs, outputs) = match stored {
        Stored::OutputsFirst => (columns, rows),
        Stored::InputsFirst => (rows, columns),
    };
    let shape = LinearShape { inputs, outputs };
    if !choice::linear(shape) || !tensors.links.is_live(input) {
        return None;
    }
    let bias = match bias.first().map(String::as_str) {
        None | Some("") => None,
        Some(bias) => Some(
            tensors
                .numbers(bias, &[outputs])
                .or_else(|| tensors.numbers(bias, &[1, outputs]))?,
        ),
    };
    Some(LinearLayer {
        shape,
        stored,
        order: InputOrder::AsStored,
        weight: tensors.numbers(weight, &[rows, columns])?,
        bias,
        activation: Activation::None,
    })
}

/// Returns the order of a node's weights, if it multiplies rows by them.
fn stored<'m>(tensors: &Tensors<'m>, node: &'m Node) -> Option<Stored> {
    if tensors.takes(node, &MAT_MUL) {
        return is_matrix(tensors, &node.inputs[0]).then_some(Stored::InputsFirst);
    }
    let one = |name| float(node, name, 1.0) == Some(1.0);
    let plain = (tensors.takes(node, &GEMM) || tensors.takes(node, &GEMM_WITH_BIAS))
        && one("alpha")
        && one("beta")
        && int(node, "transA", 0)? == 0;
    match (plain, int(node, "transB", 0)?) {
        (true, 0) => Some(Stored::InputsFirst),
        (true, 1) => Some(Stored::OutputsFirst),
        _ => None,
    }
}

/// The maximum number of nodes to walk back.
const FARTHEST: usize = 16;

/// Returns whether a tensor is known to have two dimensions.
fn is_matrix<'m>(tensors: &Tensors<'m>, mut tensor: &'m str) -> bool {
    for _ in 0..FARTHEST {
        let Some(node) = tensors.links.node(tensor) else {
            return false;
        };
        match node.operator.as_str() {
            "Gemm" | "Flatten" => return true,
            "Reshape" => return flattens(tensors, node),
            "Relu" | "Clip" | "Dropout" | "Identity" | "BatchNormalization" => {
                tensor = match node.inputs.first() {
                    Some(input) => input,
                    None => return false,
                };
            }
            _ => return false,
        }
    }
    false
}

/// Returns the node that flattens images for the reader of `tensor` alone, if rows of `inputs` values are
/// whole images.
fn flatten<'m>(
    tensors: &Tensors<'m>,
    sizes: &Sizes,
    mut tensor: &'m str,
    inputs: usize,
) -> Option<Flatten> {
    for _ in 0..FARTHEST {
        tensors.only_reader(tensor)?;
        let node = tensors.links.node(tensor)?;
        if !passes(tensors, node) {
            let [channels, height, width] = sizes.get(node.inputs.first()?)?;
            let whole = channels * height * width == inputs;
            return (whole && flattens(tensors, node)).then_some(Flatten {
                node: tensors
                    .nodes()
                    .iter()
                    .position(|other| std::ptr::eq(other, node))?,
                channels,
            });
        }
        tensor = node.inputs.first()?;
    }
    None
}

/// Returns whether a node turns each image into a row, whatever the order of its dimensions; a target of 0
/// would copy one of them.
fn flattens(tensors: &Tensors, node: &Node) -> bool {
    if tensors.takes(node, &FLATTEN) {
        return int(node, "axis", 1) == Some(1);
    }
    let target = node
        .inputs
        .get(1)
        .and_then(|target| tensors.links.integers(target));
    let matrix = matches!(target.as_deref(), Some(&[_, length]) if length != 0);
    tensors.takes(node, &RESHAPE) && matrix
}
