//! The sizes of tensors with four dimensions, derived from that of the image.

use std::collections::HashMap;

use super::super::graph::{Dim, Node};
use super::super::shapes::ELEMENTWISE;
use super::known::{auto_pad, int, is};
use super::tensors::Tensors;

/// The three lengths after the batch.
type Lengths = [usize; 3];

/// Longer dimensions mean a damaged file, and are treated as unknown.
const LONGEST: usize = 1 << 20;

/// The sizes of tensors with four dimensions, in the layout of the network's file.
pub(crate) struct Sizes<'m> {
    known: HashMap<&'m str, Lengths>,
    empty: Option<&'m Node>,
}

impl<'m> Sizes<'m> {
    /// Computes all sizes for an image with these three lengths, unless the file fixes them.
    pub(crate) fn of(tensors: &Tensors<'m>, image: Lengths) -> Self {
        let mut sizes = Self {
            known: HashMap::new(),
            empty: None,
        };
        for input in &tensors.network.graph.inputs {
            let dims = input.dims.as_deref().and_then(|dims| dims.get(1..));
            if let Some(dims @ [_, _, _]) = dims {
                let fixed = |i: usize| match dims[i] {
                    Dim::Fixed(length) => length as usize,
                    Dim::Free(_) => image[i],
                };
                sizes.insert(&input.name, [fixed(0), fixed(1), fixed(2)]);
            }
        }
        for node in tensors.nodes() {
            if let (Some(output), Some(size)) = (node.outputs.first(), sizes.behind(tensors, node))
            {
                let is_empty = node.operator.ends_with("Pool") && size.contains(&0);
                sizes.empty = sizes.empty.or(is_empty.then_some(node));
                sizes.insert(output, size);
            }
        }
        sizes
    }

    fn insert(&mut self, tensor: &'m str, size: Lengths) {
        if size.iter().all(|&length| length <= LONGEST) {
            self.known.insert(tensor, size);
        }
    }

    /// Returns a tensor's three lengths after the batch.
    pub(super) fn get(&self, tensor: &str) -> Option<Lengths> {
        self.known.get(tensor).copied()
    }

    /// Returns a pooling whose window is larger than its input.
    pub(super) fn empty(&self) -> Option<&'m Node> {
        self.empty
    }

    /// Returns the height and width of a tensor whose channels come first.
    pub(crate) fn places(&self, tensor: &str) -> Option<[usize; 2]> {
        self.get(tensor).map(|[_, height, width]| [height, width])
    }

    fn behind(&self, tensors: &Tensors, node: &Node) -> Option<Lengths> {
        let size = self.get(node.inputs.first()?);
        match node.operator.as_str() {
            operator if ELEMENTWISE.contains(operator) => size,
            "Conv" => {
                let weight = tensors.links.weight_dims(node.inputs.get(1)?)?;
                let &[channels, _, height, width] = weight.as_slice() else {
                    return None;
                };
                let [height, width] = windows(node, size?, [height, width])?;
                Some([channels as usize, height, width])
            }
            "MaxPool" | "AveragePool" => {
                let &[height, width] = node.ints("kernel_shape")? else {
                    return None;
                };
                let [rows, columns] = windows(node, size?, [height, width])?;
                Some([size?[0], rows, columns])
            }
            "GlobalAveragePool" | "GlobalMaxPool" => Some([size?[0], 1, 1]),
            "Add" | "Sum" | "Sub" | "Mul" | "Div" | "Max" | "Min" => self.of_sum(tensors, node),
            "Concat" if int(node, "axis", 1)? == 1 => {
                let sizes = node.inputs.iter().map(|input| self.get(input));
                let sizes: Vec<Lengths> = sizes.collect::<Option<_>>()?;
                Some([sizes.iter().map(|size| size[0]).sum(), size?[1], size?[2]])
            }
            "Transpose" => {
                let &[0, a, b, c] = node.ints("perm")? else {
                    return None;
                };
                let at = |axis: i64| {
                    size?
                        .get(usize::try_from(axis.checked_sub(1)?).ok()?)
                        .copied()
                };
                Some([at(a)?, at(b)?, at(c)?])
            }
            _ => None,
        }
    }

    /// Returns the size of an element-wise result; inputs may be broadcast, but have at most four dimensions.
    fn of_sum(&self, tensors: &Tensors, node: &Node) -> Option<Lengths> {
        let size = |input: &String| {
            if tensors.links.is_live(input) {
                return self.get(input);
            }
            let dims = tensors.links.weight_dims(input)?;
            let dims = dims.iter().map(|&dim| usize::try_from(dim).ok());
            let dims: Vec<usize> = dims.collect::<Option<_>>()?;
            let ahead = 4_usize.checked_sub(dims.len())?;
            let all = [&vec![1; ahead], &dims[..]].concat();
            all[1..].try_into().ok()
        };
        let sizes: Vec<Lengths> = node.inputs.iter().map(size).collect::<Option<_>>()?;
        let most = |i: usize| sizes.iter().map(|size| size[i]).max();
        Some([most(0)?, most(1)?, most(2)?])
    }
}

/// Returns how many windows fit into an image, in both directions.
fn windows(node: &Node, [_, height, width]: Lengths, kernel: [i64; 2]) -> Option<[usize; 2]> {
    let pair = |name| match node.ints(name) {
        None => Some([1, 1]),
        Some(&[a, b]) => Some([a, b]),
        Some(_) => None,
    };
    let (strides, dilations) = (pair("strides")?, pair("dilations")?);
    let pads = match node.ints("pads") {
        None => [0; 4],
        Some(pads) => pads.try_into().ok()?,
    };
    // Wide enough for whatever a damaged file contains.
    let one = |axis: usize, length: usize| {
        let wide = |numbers: &[i64], i: usize| i128::from(numbers[i]);
        let (length, stride) = (length as i128, wide(&strides, axis));
        if stride < 1 {
            return None;
        }
        let reach = wide(&dilations, axis) * (wide(&kernel, axis) - 1);
        let up = i128::from(int(node, "ceil_mode", 0)?) * (stride - 1);
        let padded = length + wide(&pads, axis) + wide(&pads, axis + 2);
        let count = match auto_pad(node)? {
            "NOTSET" => (padded - reach - 1 + up) / stride + 1,
            "VALID" => (length - reach - 1 + up) / stride + 1,
            _ => (length + stride - 1) / stride,
        };
        // A negative count means that no window fits.
        usize::try_from(count.max(0)).ok()
    };
    Some([one(0, height)?, one(1, width)?])
}

/// Returns whether a node passes its first input on unchanged.
pub(super) fn passes(tensors: &Tensors, node: &Node) -> bool {
    // With a third input, `Dropout` may be in training mode.
    let same = is(node, "Identity") || is(node, "Dropout") && node.inputs.len() <= 2;
    same && tensors.has_one_output(node)
}
