//! Frees a network from the batch size that its file fixes.
//!
//! Exporters that traced a single image write its batch size of 1 into the targets of `Reshape`: (1, 4096)
//! where (N, 4096) is meant. This module derives the new target from the old one alone; whether the images of
//! a batch then give the same rows as one by one is checked by running the network.

use super::graph::Node;
use super::links::{Links, Reach};

/// A `Reshape` whose target is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rewrite {
    /// Its index in the graph.
    pub(super) node: usize,
    /// The target for any batch size.
    pub(super) target: Vec<i64>,
}

/// The changes that free the batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Freeing {
    /// In the order of the graph.
    pub(super) rewrites: Vec<Rewrite>,
    /// Nodes with a constant target that may contain the batch size in a way that is unclear.
    pub(super) suspects: Vec<usize>,
}

impl Freeing {
    /// Returns the indices of the nodes whose target is replaced.
    pub(super) fn rewritten(&self) -> Vec<usize> {
        self.rewrites.iter().map(|rewrite| rewrite.node).collect()
    }
}

impl Links<'_> {
    /// Searches the nodes that lead to a layer for targets that contain the batch size.
    pub(super) fn free_batch(&self, reach: &Reach, batch: i64) -> Freeing {
        let mut freeing = Freeing::default();
        for (i, node) in reach.nodes_of(self.graph) {
            match self.target(node, batch) {
                Some(Target::Rewritten(target)) => {
                    freeing.rewrites.push(Rewrite { node: i, target });
                }
                Some(Target::Unclear) => freeing.suspects.push(i),
                Some(Target::Free) | None => {}
            }
        }
        freeing
    }

    /// Classifies a node's constant target, if it has one and its data depends on the image.
    fn target(&self, node: &Node, batch: i64) -> Option<Target> {
        let [data, target, ..] = node.inputs.as_slice() else {
            return None;
        };
        if !self.is_live(data) || self.is_live(target) {
            return None;
        }
        let zero_is_zero = node.ints("allowzero") == Some(&[1]);
        match (node.operator.as_str(), self.integers(target)) {
            ("Reshape", Some(target)) => Some(for_any_batch(&target, batch, zero_is_zero)),
            ("Reshape", None) | ("Expand" | "Tile", _) => Some(Target::Unclear),
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// It does not contain the batch size.
    Free,
    /// It contains the batch size, and becomes this target.
    Rewritten(Vec<i64>),
    /// It cannot be determined.
    Unclear,
}

/// Returns the target of a `Reshape` for any batch: 0 copies the input's length, −1 stands for what remains.
fn for_any_batch(target: &[i64], batch: i64, zero_is_zero: bool) -> Target {
    let Some((&first, rest)) = target.split_first() else {
        return Target::Unclear;
    };
    let open = rest.contains(&-1);
    let with = |first: i64| {
        let mut target = target.to_vec();
        target[0] = first;
        Target::Rewritten(target)
    };
    match first {
        -1 => Target::Free,
        0 if !zero_is_zero => Target::Free,
        _ if !(open || zero_is_zero && rest.contains(&0)) => with(-1),
        _ if first == batch && !zero_is_zero => with(0),
        _ => Target::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_hold_the_batch() {
        let rewritten = |target: &[i64], batch| for_any_batch(target, batch, false);
        assert_eq!(rewritten(&[1, 4096], 1), Target::Rewritten(vec![-1, 4096]));
        assert_eq!(rewritten(&[1, -1], 1), Target::Rewritten(vec![0, -1]));
        assert_eq!(
            rewritten(&[8, 4, 28, 56, 56], 8),
            Target::Rewritten(vec![-1, 4, 28, 56, 56])
        );
        // Windows: 49 per image.
        assert_eq!(rewritten(&[49, 512], 1), Target::Rewritten(vec![-1, 512]));
        assert_eq!(rewritten(&[49, -1], 1), Target::Unclear);
        assert_eq!(rewritten(&[-1, 4096], 1), Target::Free);
        assert_eq!(rewritten(&[0, -1], 1), Target::Free);
        assert_eq!(rewritten(&[], 1), Target::Unclear);
    }

    #[test]
    fn a_zero_that_means_zero_is_left_alone() {
        assert_eq!(for_any_batch(&[1, -1], 1, true), Target::Unclear);
        assert_eq!(for_any_batch(&[0, -1], 1, true), Target::Unclear);
        assert_eq!(
            for_any_batch(&[1, 7], 1, true),
            Target::Rewritten(vec![-1, 7])
        );
    }
}
