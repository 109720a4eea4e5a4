//! Finds the axis of a layer that holds its channels, by following the graph from the nodes that define it,
//! never by comparing lengths.
//!
//! `Conv` returns (N, C, …) by definition, preprocessing defines the layout of the image, `Transpose` moves
//! axes, and most nodes keep them. If the effect of a node is uncertain, the axes of its output are unknown.

use std::collections::HashMap;

use super::external;
use super::graph::{Names, Network, Node};
use super::links::Links;
use super::shapes::ELEMENTWISE;
use crate::error::Result;

/// The number of axes of a layer, and which of them holds the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChannelAxis {
    /// The number of axes, including the batch.
    rank: usize,
    /// The axis of the channels; axis 0 is the batch.
    axis: usize,
    /// The number of channels, if it is certain.
    length: Option<i64>,
}

/// Operators besides [`ELEMENTWISE`] that keep the axes of their first input.
const KEEPING: Names = Names(
    "Abs AveragePool CumSum Erf Exp GlobalAveragePool GlobalMaxPool GroupNormalization Log LogSoftmax \
     LpPool MaxPool Neg Pad QuantizeLinear DequantizeLinear RMSNormalization Reciprocal Resize \
     SimplifiedLayerNormalization Softmax Softsign Sqrt ThresholdedRelu Upsample FastGelu QuickGelu \
     Sin Cos Floor Ceil Round",
);
/// The maximum number of nodes to look at for one that defines the axis of the channels; this also ends
/// cycles.
const MOST_LOOKS: usize = 256;
/// Operators on several inputs with the same axes.
const MERGING: Names = Names("Add Sum Sub Mul Div Pow Max Min Mean");

impl Network {
    /// Returns the axis of the channels of a layer with `rank` axes, if those of the input are on axis
    /// `of_input`; `None` if the graph does not determine it.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if weights in external files overlap or are reused too
    /// often, or the graph is invalid.
    pub fn channel_axis(&self, layer: &str, of_input: usize, rank: usize) -> Result<Option<usize>> {
        external::check(self)?;
        let links = Links::new(&self.graph).map_err(|problem| problem.at(&self.path))?;
        let followed = links.channels(of_input).get(layer).copied();
        let followed = followed.filter(|known| known.rank == rank);
        let defined = || links.defined_axis(layer, rank, &mut MOST_LOOKS.clone());
        Ok(followed.map(|known| known.axis).or_else(defined))
    }
}

type Known<'m> = HashMap<&'m str, ChannelAxis>;

impl<'m> Links<'m> {
    /// Returns the axes of all tensors for which they are certain.
    pub(super) fn channels(&self, axis: usize) -> Known<'m> {
        let mut known = Known::new();
        let image = ChannelAxis {
            rank: 4,
            axis,
            length: Some(3),
        };
        let inputs = self.graph.inputs.iter().map(|input| &*input.name);
        known.extend(
            inputs
                .filter(|input| self.is_live(input))
                .map(|input| (input, image)),
        );
        // Nodes come after the nodes they read; where they do not, the axes stay unknown.
        for node in &self.graph.nodes {
            if let (Some(axes), Some(output)) = (self.axes_of(node, &known), node.outputs.first()) {
                known.insert(output, axes);
            }
        }
        known
    }

    /// Returns the axis of the channels of a tensor with `rank` axes, if a node before it defines it as the
    /// last one: a linear layer, or a layer norm over one axis.
    fn defined_axis(&self, tensor: &str, rank: usize, looks: &mut usize) -> Option<usize> {
        let node = self.node(tensor)?;
        *looks = looks.checked_sub(1)?;
        let weight = || self.weight_dims(node.inputs.get(1)?);
        let mut live = node.inputs.iter().filter(|input| self.is_live(input));
        let over_last = matches!(node.ints("axis"), None | Some([-1]));
        match node.operator.as_str() {
            "MatMul" => (weight()?.len() == 2).then_some(rank - 1),
            "LayerNormalization" if over_last => (weight()?.len() == 1).then_some(rank - 1),
            "SkipLayerNormalization" => Some(rank - 1),
            "Transpose" => {
                let before = self.defined_axis(node.inputs.first()?, rank, looks)? as i64;
                let perm = node.ints("perm").filter(|perm| perm.len() == rank)?;
                perm.iter().position(|&axis| axis == before)
            }
            // Broadcasting aligns the last axes.
            operator if MERGING.contains(operator) => {
                live.find_map(|input| self.defined_axis(input, rank, looks))
            }
            operator if ELEMENTWISE.contains(operator) || KEEPING.contains(operator) => {
                self.defined_axis(node.inputs.first()?, rank, looks)
            }
            _ => None,
        }
    }

    fn axes_of(&self, node: &Node, known: &Known) -> Option<ChannelAxis> {
        let first = || known.get(node.inputs.first()?.as_str()).copied();
        match node.operator.as_str() {
            "Conv" | "ConvInteger" => {
                let dims = self.weight_dims(node.inputs.get(1)?)?;
                Some(ChannelAxis {
                    rank: dims.len(),
                    axis: 1,
                    length: dims.first().copied(),
                })
            }
            "MatMul" => first()?.times(&self.weight_dims(node.inputs.get(1)?)?),
            "Transpose" => first()?.transposed(node.ints("perm")),
            "Reshape" => {
                first()?.reshaped(&self.integers(node.inputs.get(1)?)?, node.ints("allowzero"))
            }
            "Concat" => self
                .merged(node, known)
                .map(|axes| axes.joined(node.ints("axis"))),
            operator if MERGING.contains(operator) => self.merged(node, known),
            operator if ELEMENTWISE.contains(operator) || KEEPING.contains(operator) => first(),
            _ => None,
        }
    }

    /// Returns the axes that all known inputs share; a weight may be broadcast, but adds no axis.
    fn merged(&self, node: &Node, known: &Known) -> Option<ChannelAxis> {
        let inputs = node.inputs.iter();
        let inputs: Vec<_> = inputs.filter_map(|input| known.get(&**input)).collect();
        let axes = **inputs.first()?;
        let same = |other: &&ChannelAxis| (other.rank, other.axis) == (axes.rank, axes.axis);
        let weights = node.inputs.iter().filter(|input| !self.is_live(input));
        let mut ranks = weights.filter_map(|weight| Some(self.weight_dims(weight)?.len()));
        // A single channel may have been broadcast.
        let length = inputs.iter().filter_map(|axes| axes.length).max();
        let length = length.filter(|&length| length > 1);
        let all = inputs.iter().all(same) && ranks.all(|rank| rank <= axes.rank);
        all.then_some(ChannelAxis { length, ..axes })
    }
}

impl ChannelAxis {
    /// Returns the axes after multiplication by a weight (a, b): the last axis gets the length b.
    fn times(self, weight: &[i64]) -> Option<Self> {
        let &[_, columns] = weight else { return None };
        let is_last = self.axis + 1 == self.rank;
        let length = if is_last { Some(columns) } else { self.length };
        Some(Self { length, ..self })
    }

    fn transposed(self, perm: Option<&[i64]>) -> Option<Self> {
        let from = |axis| match perm {
            None => Some(self.rank - 1 - axis),
            Some(perm) => usize::try_from(*perm.get(axis)?).ok(),
        };
        let axis = (0..self.rank).find(|&axis| from(axis) == Some(self.axis))?;
        // The batch must stay the first axis.
        (from(0) == Some(0)).then_some(Self { axis, ..self })
    }

    /// Returns the axes after a reshape. Values keep their order, so an axis with the length of the channels,
    /// right after the batch or at the end, still holds the channels.
    fn reshaped(self, target: &[i64], allow_zero: Option<&[i64]>) -> Option<Self> {
        let copies = |at: usize| target[at] == 0 && at == self.axis && allow_zero != Some(&[1]);
        let is_channels = |at: usize| copies(at) || self.length.is_some_and(|n| n == target[at]);
        let rank = target.len();
        let axis = match self.axis {
            _ if rank < 3 => None,
            1 if is_channels(1) => Some(1),
            last if last + 1 == self.rank && is_channels(rank - 1) => Some(rank - 1),
            _ => None,
        }?;
        Some(Self { rank, axis, ..self })
    }

    /// Returns the axes after a concatenation along an axis.
    fn joined(self, along: Option<&[i64]>) -> Self {
        let rank = self.rank as i64;
        let along = along
            .and_then(|axis| axis.first())
            .map(|axis| axis.rem_euclid(rank));
        let kept = along.is_some_and(|along| along != self.axis as i64);
        Self {
            length: self.length.filter(|_| kept),
            ..self
        }
    }
}
