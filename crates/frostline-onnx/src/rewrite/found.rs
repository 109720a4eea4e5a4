//! Nodes that become one layer.

use super::tensors::Tensors;
use crate::graph::Node;

/// A layer that takes the place of a node, and of nodes behind it.
pub(super) struct Found<'m, L> {
    /// The number of the layer's own node.
    pub(super) node: usize,
    /// The numbers of the nodes behind it that go with it.
    pub(super) absorbed: Vec<usize>,
    pub(super) input: &'m str,
    /// What the last of these nodes gives.
    pub(super) output: &'m str,
    pub(super) layer: L,
}

impl<'m, L> Found<'m, L> {
    /// A layer of one node.
    pub(super) fn at(i: usize, node: &'m Node, layer: L) -> Self {
        Self {
            node: i,
            absorbed: Vec::new(),
            input: &node.inputs[0],
            output: &node.outputs[0],
            layer,
        }
    }

    /// Takes the node that alone reads the output, if `what` it does can be done.
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
