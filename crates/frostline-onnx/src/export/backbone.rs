//! Copies the backbone into an exported network; its tensors get new names where an output of the export has
//! the old one.

use std::collections::{HashMap, HashSet};

use super::plan::{Plan, Pool, output};
use crate::assemble::{converted, copy_fields, damaged};
use crate::cut::{Cut, unused};
use crate::error::{NetworkProblem, Result};
use crate::graph::{Network, Node, element};
use crate::input::Element;
use crate::splice::Message;
use crate::wire::Wire;

/// New names of the backbone's tensors.
#[derive(Debug, Default)]
pub(super) struct Renames(HashMap<String, String>);

impl Renames {
    /// Renames the tensors of a cut that have the name of an output, unless they are that output.
    pub(super) fn of(cut: &Cut<'_>, plan: &Plan<'_>, taken: &HashSet<&str>) -> Result<Self> {
        let is_features = plan.pooling.pool == Pool::Flatten && plan.pooling.rank == 2;
        let mut renames = HashMap::new();
        for name in plan.names() {
            let stays = name == output::FEATURES && is_features && cut.output() == name;
            if !stays && taken.contains(name) {
                cut.require_node_output(name)?;
                renames.insert(name.to_owned(), unused(&format!("{name}_"), taken));
            }
        }
        Ok(Self(renames))
    }

    pub(super) fn of_tensor<'a>(&'a self, tensor: &'a str) -> &'a str {
        self.0.get(tensor).map_or(tensor, String::as_str)
    }

    fn concern(&self, node: &Node) -> bool {
        let mut tensors = node.inputs.iter().chain(&node.outputs);
        !self.0.is_empty() && tensors.any(|tensor| self.0.contains_key(tensor))
    }
}

impl Cut<'_> {
    /// Refuses a tensor that is not the output of a node, or that a subgraph reads.
    fn require_node_output(&self, tensor: &str) -> Result<()> {
        let nodes = &self.network.graph.nodes;
        let is_made = nodes
            .iter()
            .flat_map(Node::makes)
            .any(|made| made == tensor);
        let mut captured = nodes.iter().flat_map(|node| &node.captured);
        if is_made && !captured.any(|captured| captured == tensor) {
            return Ok(());
        }
        Err(NetworkProblem::NameOfOutput(tensor.to_owned()).at(&self.network.path))
    }

    /// Adds the nodes of the backbone, with the casts at its ends.
    pub(super) fn add_backbone(&self, graph: &mut Message, renames: &Renames) -> Result<()> {
        let Network { path, open, .. } = self.network;
        let fault = |fault| damaged(path, fault);
        let wire = &mut Wire::open(path, *open).map_err(fault)?;
        if self.image_input.element != Element::Float32 {
            let ends = [self.ends.input.as_str(), &self.image_input.name];
            graph.message(1, converted(ends, self.image_input.element.number()));
        }
        for (_, node) in self.reach.nodes_of(&self.network.graph) {
            if !renames.concern(node) {
                graph.message(1, Message::of([&node.body]));
                continue;
            }
            let mut renamed = Message::default();
            renamed.texts(1, node.inputs.iter().map(|name| renames.of_tensor(name)));
            renamed.texts(2, node.outputs.iter().map(|name| renames.of_tensor(name)));
            copy_fields(&mut renamed, wire, node, &[1, 2]).map_err(fault)?;
            graph.message(1, renamed);
        }
        if self.ends.output != self.layer {
            let ends = [self.layer, &self.ends.output].map(|name| renames.of_tensor(name));
            graph.message(1, converted(ends, element::FLOAT));
        }
        Ok(())
    }
}
