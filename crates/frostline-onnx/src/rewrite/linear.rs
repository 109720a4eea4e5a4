//! Finding large linear layers.

use super::super::graph::Node;
use super::choice;
use super::convolution::activation;
use super::known::{FLATTEN, GEMM, GEMM_WITH_BIAS, MAT_MUL, RESHAPE, float, int};
use super::layers::LinearLayer;
use super::sizes::{Sizes, passes};
use super::tensors::Tensors;
use frostline_kernels::{Activation, InputOrder, LinearShape, Stored};

/// A linear layer that can be replaced, together with the activation behind it.
pub(super) struct FoundLinear<'m> {
    /// The number of its node.
    pub(super) node: usize,
    /// The numbers of the nodes behind it that go with it.
    pub(super) absorbed: Vec<usize>,
    pub(super) input: &'m str,
    pub(super) output: &'m str,
    /// What flattens images for it, and for it alone.
    pub(super) flatten: Option<Flatten>,
    pub(super) layer: LinearLayer,
}

/// A node that flattens images of this many channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flatten {
    pub(super) node: usize,
    pub(super) channels: usize,
}

/// All linear layers that are large enough to be replaced.
pub(super) fn found<'m>(tensors: &Tensors<'m>, sizes: &Sizes) -> Vec<FoundLinear<'m>> {
    let nodes = tensors.nodes().iter().enumerate();
    let all = nodes.filter_map(|(i, node)| FoundLinear::at(tensors, sizes, i, node));
    all.collect()
}

impl<'m> FoundLinear<'m> {
    fn at(tensors: &Tensors<'m>, sizes: &Sizes, i: usize, node: &'m Node) -> Option<Self> {
        let [input, weight, bias @ ..] = node.inputs.as_slice() else {
            return None;
        };
        let dims = tensors.links.weight_dims(weight)?;
        let &[rows, columns] = dims.as_slice() else {
            return None;
        };
        let (rows, columns) = (usize::try_from(rows).ok()?, usize::try_from(columns).ok()?);
        let stored = stored(tensors, node)?;
        let shape = match stored {
            Stored::OutputsFirst => LinearShape {
                inputs: columns,
                outputs: rows,
            },
            Stored::InputsFirst => LinearShape {
                inputs: rows,
                outputs: columns,
            },
        };
        if !choice::linear(shape) || !tensors.links.is_live(input) {
            return None;
        }
        let outputs = shape.outputs;
        let bias = match bias.first().map(String::as_str) {
            None | Some("") => None,
            Some(bias) => Some(
                tensors
                    .numbers(bias, &[outputs])
                    .or_else(|| tensors.numbers(bias, &[1, outputs]))?,
            ),
        };
        let layer = LinearLayer {
            shape,
            stored,
            order: InputOrder::AsStored,
            weight: tensors.numbers(weight, &[rows, columns])?,
            bias,
            activation: Activation::None,
        };
        let flatten = flatten(tensors, sizes, input, shape.inputs);
        let mut found = Self {
            node: i,
            absorbed: Vec::new(),
            input,
            output: &node.outputs[0],
            flatten,
            layer,
        };
        found.absorb(tensors);
        Some(found)
    }

    /// Takes the activation behind it.
    fn absorb(&mut self, tensors: &Tensors<'m>) {
        if let Some((i, node)) = tensors.only_reader(self.output)
            && let Some(activation) = activation(tensors, node)
            && node
                .inputs
                .first()
                .is_some_and(|input| input == self.output)
        {
            self.layer.activation = activation;
            self.absorbed.push(i);
            self.output = &node.outputs[0];
        }
    }
}

/// How the weights of a node lie, if it is a product of rows with them.
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

/// How many nodes are gone back over.
const FARTHEST: usize = 16;

/// Whether a tensor is known to have two dimensions.
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

/// The node that flattens images for the reader of `tensor` alone, if rows of `inputs` numbers are whole images.
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

/// Whether a node makes a matrix of images, whatever the order of their dimensions: a target of 0 would be one of them.
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
