//! What takes the place of a node.

use crate::graph::{Names, Node};
use crate::proto::int;
use crate::splice::Message;

/// A node to write in place of one or several.
pub(in crate::export) struct NewNode {
    pub(in crate::export) operator: String,
    pub(in crate::export) inputs: Vec<String>,
    pub(in crate::export) outputs: Vec<String>,
    /// The attributes of the old node that are not copied.
    pub(in crate::export) dropped: Names,
    /// New attributes.
    pub(in crate::export) added: Vec<Message>,
}

/// What takes the place of a node.
pub(in crate::export) enum Lifted {
    /// The node itself.
    Same,
    /// A changed copy of the node.
    Changed(NewNode),
    /// Other nodes, complete.
    Nodes(Vec<Message>),
}

/// Copies a node with more inputs, and without the attributes that they replace.
pub(in crate::export) fn changed<const N: usize>(
    node: &Node,
    dropped: &'static str,
    more: [Option<String>; N],
    added: Vec<Message>,
) -> Lifted {
    let mut inputs = node.inputs.clone();
    inputs.extend(more.into_iter().map(Option::unwrap_or_default));
    while inputs.last().is_some_and(String::is_empty) {
        inputs.pop();
    }
    Lifted::Changed(NewNode {
        operator: node.operator.clone(),
        inputs,
        outputs: node.outputs.clone(),
        dropped: Names(dropped),
        added,
    })
}

/// The lengths became an input in version 13, and the number of parts an attribute in 18.
pub(in crate::export) fn split(node: &Node, lengths: Option<String>) -> Lifted {
    let added = match lengths {
        None => vec![int("num_outputs", node.outputs.len() as i64)],
        Some(_) => vec![],
    };
    changed(node, "split", [lengths], added)
}
