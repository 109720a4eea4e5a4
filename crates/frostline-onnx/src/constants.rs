//! Tensors that do not depend on the image: weights, and what is computed from them.

use super::graph::{Attribute, Weight};
use super::links::{Links, Maker};

/// The maximum number of nodes between a weight and its use; this also ends cycles.
const FARTHEST: usize = 8;

impl<'m> Links<'m> {
    /// Returns the dimensions of a weight, or of what simple nodes compute from one.
    pub(super) fn weight_dims(&self, tensor: &str) -> Option<Vec<i64>> {
        self.dims_within(tensor, FARTHEST)
    }

    fn dims_within(&self, tensor: &str, steps: usize) -> Option<Vec<i64>> {
        if let Some(weight) = self.stored(tensor) {
            return Some(weight.dims.clone());
        }
        let node = self.node(tensor)?;
        let steps = steps.checked_sub(1)?;
        let input = node.inputs.first()?;
        match node.operator.as_str() {
            "Identity" | "Cast" | "DequantizeLinear" => self.dims_within(input, steps),
            "ConstantOfShape" => self.integers(input),
            "Reshape" => self.integers(node.inputs.get(1)?),
            "Expand" => {
                let (dims, target) = (
                    self.dims_within(input, steps)?,
                    self.integers(node.inputs.get(1)?)?,
                );
                Some(broadcast(dims, target))
            }
            "Unsqueeze" => {
                let mut dims = self.dims_within(input, steps)?;
                // Since opset 13, the axes are an input.
                let inserted = match node.inputs.get(1) {
                    Some(axes) => self.integers(axes)?,
                    None => node.ints("axes")?.to_vec(),
                };
                for axis in inserted {
                    let axis = usize::try_from(axis).ok()?;
                    (axis <= dims.len()).then(|| dims.insert(axis, 1))?;
                }
                Some(dims)
            }
            "Transpose" => {
                let dims = self.dims_within(input, steps)?;
                match node.ints("perm") {
                    None => Some(dims.into_iter().rev().collect()),
                    Some(perm) => perm
                        .iter()
                        .map(|&axis| dims.get(usize::try_from(axis).ok()?).copied())
                        .collect(),
                }
            }
            _ => None,
        }
    }

    /// Returns the values of a short list of integers.
    pub(super) fn integers(&self, tensor: &str) -> Option<Vec<i64>> {
        let mut tensor = tensor;
        for _ in 0..FARTHEST {
            if let Some(weight) = self.stored(tensor) {
                return weight.integers.clone();
            }
            let node = self.node(tensor)?;
            match node.operator.as_str() {
                "Identity" | "Cast" => tensor = node.inputs.first()?,
                "Constant" => return node.ints("value_ints").map(<[i64]>::to_vec),
                _ => return None,
            }
        }
        None
    }

    /// Returns the weight with this name, from the list of weights or a `Constant` node.
    pub(super) fn stored(&self, tensor: &str) -> Option<&'m Weight> {
        match self.maker(tensor)? {
            Maker::Weight(i) => Some(&self.graph.weights[i]),
            Maker::Input(_) => None,
            Maker::Node(i) => match self.graph.nodes[i].attribute("value")? {
                Attribute::Tensor(weight) if self.graph.nodes[i].operator == "Constant" => {
                    Some(weight)
                }
                _ => None,
            },
        }
    }
}

/// Returns the dimensions of two tensors that are broadcast to each other.
fn broadcast(a: Vec<i64>, b: Vec<i64>) -> Vec<i64> {
    let (mut long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let ahead = long.len() - short.len();
    for (length, other) in long[ahead..].iter_mut().zip(short) {
        *length = other.max(*length);
    }
    long
}
