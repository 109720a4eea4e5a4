//! Determines the shapes of layers without running them.

use super::graph::{Dim, Names, Node};
use super::links::Links;

/// The maximum number of nodes to look at for a known shape, over all paths.
const MOST_LOOKS: usize = 256;

/// Operators whose output has the shape of their first input.
pub(super) const ELEMENTWISE: Names = Names(
    "Relu LeakyRelu PRelu Elu Selu Clip Sigmoid HardSigmoid HardSwish Tanh Softplus Mish Dropout \
     Identity Cast LRN BatchNormalization InstanceNormalization LayerNormalization Gelu",
);

impl Links<'_> {
    /// Returns the lengths of a layer's dimensions after the batch: as declared in the file, or as far as its
    /// nodes determine them.
    pub(super) fn image_dims(&self, layer: &str) -> Option<Vec<Dim>> {
        self.dims_from(layer, &mut MOST_LOOKS.clone())
    }

    fn dims_from(&self, layer: &str, looks: &mut usize) -> Option<Vec<Dim>> {
        if let Some(dims) = self.graph.info(layer).and_then(|info| info.dims.as_ref()) {
            return Some(dims.split_first()?.1.to_vec());
        }
        let node = self.node(layer)?;
        *looks = looks.checked_sub(1)?;
        let mut input = || self.dims_from(node.inputs.first()?, looks);
        match node.operator.as_str() {
            operator if ELEMENTWISE.contains(operator) => input(),
            "Add" | "Sum" | "Sub" | "Mul" | "Div" => {
                let rank = self.rank_of_sum(node, looks)?;
                Some((1..rank).map(|_| any()).collect())
            }
            "Conv" => {
                let weight = self.weight_dims(node.inputs.get(1)?)?;
                let (channels, kernel) = (weight.first()?, weight.get(2..)?);
                let places = kernel.iter().map(|_| any());
                Some([length(*channels)].into_iter().chain(places).collect())
            }
            "MaxPool" | "AveragePool" => with_places(input()?, any),
            "GlobalAveragePool" | "GlobalMaxPool" => with_places(input()?, || Dim::Fixed(1)),
            "Concat" if node.ints("axis") == Some(&[1]) => {
                let mut dims = input()?;
                *dims.first_mut()? = any();
                Some(dims)
            }
            "Gemm" => Some(vec![self.rows_of_gemm(node).map_or_else(any, length)]),
            "Flatten" if node.ints("axis").is_none_or(|axis| axis == [1]) => Some(vec![any()]),
            "Reshape" => {
                let target = self.integers(node.inputs.get(1)?)?;
                Some(target.split_first()?.1.iter().map(|&n| length(n)).collect())
            }
            _ => None,
        }
    }

    /// Returns the number of dimensions of a sum or product; a weight may have fewer than the other inputs.
    fn rank_of_sum(&self, node: &Node, looks: &mut usize) -> Option<usize> {
        let mut rank = |input: &String| {
            if self.is_live(input) {
                self.dims_from(input, looks).map(|dims| dims.len() + 1)
            } else {
                self.weight_dims(input).map(|dims| dims.len())
            }
        };
        node.inputs
            .iter()
            .try_fold(0, |most, input| Some(most.max(rank(input)?)))
    }

    /// Returns the number of values that a `Gemm` returns for each image.
    fn rows_of_gemm(&self, gemm: &Node) -> Option<i64> {
        let weight = self.weight_dims(gemm.inputs.get(1)?)?;
        let given = if gemm.ints("transB") == Some(&[1]) {
            weight.first()
        } else {
            weight.last()
        };
        given.copied()
    }

    /// Returns a layer's shape for messages: `(N, 512, ?, ?)`.
    pub(super) fn shape_text(&self, layer: &str) -> Option<String> {
        let dims = self.image_dims(layer)?;
        let dims = dims.iter().map(|dim| match dim {
            Dim::Fixed(length) => format!(", {length}"),
            Dim::Free(_) => ", ?".to_owned(),
        });
        Some(format!("(N{})", dims.collect::<String>()))
    }
}

fn any() -> Dim {
    Dim::Free(String::new())
}

fn length(n: i64) -> Dim {
    match u64::try_from(n) {
        Ok(n) if n > 0 => Dim::Fixed(n),
        _ => any(),
    }
}

/// Keeps the length of the channels and replaces those of the positions.
fn with_places(mut dims: Vec<Dim>, place: impl Fn() -> Dim) -> Option<Vec<Dim>> {
    for dim in dims.get_mut(1..)? {
        *dim = place();
    }
    Some(dims)
}
