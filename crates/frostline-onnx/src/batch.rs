//! Frees a network from the batch size that its file fixes.
//!
//! Exporters that traced a single image write its batch size of 1 into the targets of `Reshape`, (1, 4096)
//! where (N, 4096) is meant, and join a class token (1, 1, D) to the patches (1, T, D) where N copies of it
//! are meant. This module derives the changes from the graph alone; whether the images of a batch then give
//! the same rows as one by one is checked by running the network.

use super::graph::{Network, Node};
use super::links::{Links, Reach};

/// The first version of ONNX's operators whose `Slice` takes its limits as inputs.
const FIRST_SLICE: i64 = 10;

/// The batch size of a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Batch {
    /// Any; targets and constants that contain the file's batch size are rewritten.
    #[default]
    Free,
    /// That of the file, or 1 if it has none; nothing is rewritten.
    Fixed,
    /// That of the file, or any if it has none; nothing is rewritten.
    AsInFile,
}

impl Network {
    /// Returns whether an image's features depend on the others of its batch: the range of quantised values
    /// is that of the whole batch.
    #[must_use]
    pub fn mixes_images(&self) -> bool {
        let mut nodes = self.graph.nodes.iter();
        nodes.any(|node| node.operator.starts_with("DynamicQuantize"))
    }
}

/// A node that is rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rewrite {
    /// Its index in the graph.
    pub(super) node: usize,
    pub(super) change: Change,
}

/// How a node is rewritten for any batch size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A `Reshape` gets this target.
    Target(Vec<i64>),
    /// A `Reshape` gets the batch size as the first length of its target, and these lengths after it.
    BatchAnd(Vec<i64>),
    /// The inputs with these indices, constants with a leading length of 1, are repeated for each image.
    Repeat(Vec<usize>),
}

/// The changes that free the batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Freeing {
    /// In the order of the graph.
    pub(super) rewrites: Vec<Rewrite>,
    /// Nodes with a constant that may contain the batch size in a way that is unclear.
    pub(super) suspects: Vec<usize>,
}

impl Freeing {
    /// Returns the indices of the nodes that are rewritten.
    pub(super) fn rewritten(&self) -> Vec<usize> {
        self.rewrites.iter().map(|rewrite| rewrite.node).collect()
    }

    /// Returns the indices of the nodes whose target is replaced.
    pub(super) fn new_targets(&self) -> Vec<usize> {
        let replaced =
            |rewrite: &&Rewrite| matches!(rewrite.change, Change::Target(_) | Change::BatchAnd(_));
        let rewrites = self.rewrites.iter().filter(replaced);
        rewrites.map(|rewrite| rewrite.node).collect()
    }
}

impl Links<'_> {
    /// Searches the nodes that lead to a layer for constants that contain the batch size; `batch` is that of
    /// the file, if it fixes one.
    pub(super) fn free_batch(&self, reach: &Reach, batch: Option<i64>, opset: i64) -> Freeing {
        let mut freeing = Freeing::default();
        for (i, node) in reach.nodes_of(self.graph) {
            let change = match self
                .target(node, batch.unwrap_or(1))
                .or_else(|| self.joined(node, batch, opset))
            {
                // In a file with a free batch size, a leading 1 is something else.
                Some(Fixed::In(Change::BatchAnd(_))) if batch.is_none() => continue,
                Some(Fixed::In(change)) => change,
                Some(Fixed::Unclear) => {
                    freeing.suspects.push(i);
                    continue;
                }
                Some(Fixed::Nowhere) | None => continue,
            };
            freeing.rewrites.push(Rewrite { node: i, change });
        }
        freeing
    }

    /// Classifies a node that joins constants to tensors that depend on the image, behind the batch. Joined
    /// tensors have the same leading length, so that of the constants is the batch size.
    fn joined(&self, node: &Node, batch: Option<i64>, opset: i64) -> Option<Fixed> {
        let behind_batch = node.ints("axis").is_some_and(|axis| axis != [0]);
        let constants = node.inputs.iter().enumerate();
        let constants = constants.filter(|(_, input)| !self.is_live(input));
        let constants: Vec<usize> = constants.map(|(i, _)| i).collect();
        let joins = (1..node.inputs.len()).contains(&constants.len());
        let batch = batch.filter(|_| node.operator == "Concat" && behind_batch && joins)?;
        Some(if batch == 1 && opset >= FIRST_SLICE {
            Fixed::In(Change::Repeat(constants))
        } else {
            Fixed::Unclear
        })
    }

    /// Classifies a node's constant target, if it has one and its data depends on the image.
    fn target(&self, node: &Node, batch: i64) -> Option<Fixed> {
        let [data, target, ..] = node.inputs.as_slice() else {
            return None;
        };
        if !self.is_live(data) || self.is_live(target) {
            return None;
        }
        let zero_is_zero = node.ints("allowzero") == Some(&[1]);
        match (node.operator.as_str(), self.integers(target)) {
            ("Reshape", Some(target)) => Some(for_any_batch(&target, batch, zero_is_zero)),
            // A leading 1 does not change the batch size.
            ("Expand" | "Tile", Some(target)) if target.first() == Some(&1) => Some(Fixed::Nowhere),
            ("Reshape", None) | ("Expand" | "Tile", _) => Some(Fixed::Unclear),
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Fixed {
    /// It does not contain the batch size.
    Nowhere,
    /// It contains the batch size, and is rewritten.
    In(Change),
    /// It cannot be determined.
    Unclear,
}

/// Returns the target of a `Reshape` for any batch: 0 copies the input's length, −1 stands for the rest.
fn for_any_batch(target: &[i64], batch: i64, zero_is_zero: bool) -> Fixed {
    let Some((&first, rest)) = target.split_first() else {
        return Fixed::Unclear;
    };
    let open = rest.contains(&-1);
    let with = |first: i64| {
        let mut target = target.to_vec();
        target[0] = first;
        Fixed::In(Change::Target(target))
    };
    match first {
        -1 => Fixed::Nowhere,
        0 if !zero_is_zero => Fixed::Nowhere,
        _ if !(open || zero_is_zero && rest.contains(&0)) => with(-1),
        _ if first == batch && !zero_is_zero => with(0),
        _ if first == batch => Fixed::In(Change::BatchAnd(rest.to_vec())),
        _ => Fixed::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_hold_the_batch() {
        let rewritten = |target: &[i64], batch| for_any_batch(target, batch, false);
        let to = |target: &[i64]| Fixed::In(Change::Target(target.to_vec()));
        assert_eq!(rewritten(&[1, 4096], 1), to(&[-1, 4096]));
        assert_eq!(rewritten(&[1, -1], 1), to(&[0, -1]));
        assert_eq!(rewritten(&[8, 4, 28, 56, 56], 8), to(&[-1, 4, 28, 56, 56]));
        // Windows: 49 per image.
        assert_eq!(rewritten(&[49, 512], 1), to(&[-1, 512]));
        assert_eq!(rewritten(&[49, -1], 1), Fixed::Unclear);
        assert_eq!(rewritten(&[-1, 4096], 1), Fixed::Nowhere);
        assert_eq!(rewritten(&[0, -1], 1), Fixed::Nowhere);
        assert_eq!(rewritten(&[], 1), Fixed::Unclear);
    }

    #[test]
    fn a_zero_that_means_zero_is_left_alone() {
        let batch_and = Fixed::In(Change::BatchAnd(vec![-1]));
        assert_eq!(for_any_batch(&[1, -1], 1, true), batch_and);
        assert_eq!(for_any_batch(&[0, -1], 1, true), Fixed::Unclear);
        let to = Fixed::In(Change::Target(vec![-1, 7]));
        assert_eq!(for_any_batch(&[1, 7], 1, true), to);
    }
}
