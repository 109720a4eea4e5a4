//! Nodes that become one layer.

use super::tensors::Tensors;
use crate::graph::Node;

/// A layer that replaces a node and the nodes absorbed after it.
pub(super) struct Found<'m, L> {
    /// The index of the layer's own node.
    pub(super) node: usize,
    /// The indices of the absorbed nodes.
    pub(super) absorbed: Vec<usize>,
    pub(super) input: &'m str,
    /// The output of the last of these nodes.
    pub(super) output: &'m str,
    pub(super) layer: L,
}

impl<'m, L> Found<'m, L> {
    /// Creates a layer for one node.
    pub(super) fn at(i: usize, node: &'m Node, layer: L) -> Self {
        Self {
            node: i,
            absorbed: Vec::new(),
            input: &node.inputs[0],
            output: &node.outputs[0],
            layer,
        }
    }

    /// Absorbs the only reader of the output, if `what` accepts it.
    pub(super) fn next<T>(
        &mut self,
        tensors: &Tensors<'m>,
        what: impl FnOnce(&Node) -> Option<T>,
    ) -> Option<T> {
        let (i, node) = tensors.only_reader(self.output)?;
        node.inputs.first().filter(|input| *input == self.output)?;
        let what = what(node)?;
        self.absorbed.push(i);
        self.output = &node.outputs[0];
        Some(what)
    }
}
