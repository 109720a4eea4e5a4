//! Copies the backbone into an exported network; its tensors get new names where an output of the export has
//! the old one.

use std::collections::{HashMap, HashSet};

use super::lift::{Lift, Lifted};
use super::plan::{Plan, Pool, output};
use crate::assemble::{converted, copy_fields, damaged};
use crate::cut::{Cut, unused};
use crate::error::{NetworkProblem, Result};
use crate::graph::{Network, Node, element};
use crate::input::Element;
use crate::rewrite::is_standard;
use crate::splice::Message;
use crate::wire::{Fault, Wire};

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

    /// Adds the nodes of the backbone, with the casts at its ends; they are raised if there is a `lift`.
    pub(super) fn add_backbone(
        &self,
        graph: &mut Message,
        renames: &Renames,
        mut lift: Option<&mut Lift<'_>>,
    ) -> Result<()> {
        let Network { path, open, .. } = self.network;
        let fault = |fault| damaged(path, fault);
        let wire = &mut Wire::open(path, *open).map_err(fault)?;
        if self.image_input.element != Element::Float32 {
            let ends = [self.ends.input.as_str(), &self.image_input.name];
            graph.message(1, converted(ends, self.image_input.element.number()));
        }
        for (i, node) in self.reach.nodes_of(&self.network.graph) {
            let lifted = match &mut lift {
                Some(lift) => lift.node(i, node).map_err(|problem| problem.at(path))?,
                None => Lifted::Same,
            };
            match lifted {
                Lifted::Same if !renames.concern(node) => {
                    graph.message(1, Message::of([&node.body]));
                }
                Lifted::Same => {
                    let same = (&node.inputs[..], &node.outputs[..]);
                    let copy = copied(node, same, renames, wire, &[1, 2]).map_err(fault)?;
                    graph.message(1, copy);
                }
                Lifted::Changed(new) => {
                    let ends = (&new.inputs[..], &new.outputs[..]);
                    let mut node_of =
                        copied(node, ends, renames, wire, &[1, 2, 4, 5]).map_err(fault)?;
                    node_of.text(4, &new.operator);
                    let kept = node.attributes.iter();
                    for attribute in kept.filter(|known| !new.dropped.contains(&known.name)) {
                        node_of.copy(0, &attribute.whole);
                    }
                    new.added
                        .into_iter()
                        .for_each(|added| node_of.message(5, added));
                    graph.message(1, node_of);
                }
                Lifted::Nodes(nodes) => nodes.into_iter().for_each(|node| graph.message(1, node)),
            }
        }
        if self.ends.output != self.layer {
            let ends = [self.layer, &self.ends.output].map(|name| renames.of_tensor(name));
            graph.message(1, converted(ends, element::FLOAT));
        }
        Ok(())
    }

    /// Returns what raises the network's nodes, if its version is below that of `wanted`.
    pub(super) fn lift<'n>(
        &'n self,
        taken: &'n HashSet<&'n str>,
        from: i64,
        wanted: i64,
    ) -> Result<Option<Lift<'n>>> {
        if from >= wanted {
            return Ok(None);
        }
        let graph = &self.network.graph;
        if self.network.has_functions {
            let mut nodes = graph.nodes.iter();
            let call = nodes.find(|node| !is_standard(node));
            let problem = NetworkProblem::NotLifted {
                node: call.map_or_else(|| "function".to_owned(), Node::title),
                from,
                to: wanted,
            };
            return Err(problem.at(&self.network.path));
        }
        let mut read: HashSet<&str> = graph.nodes.iter().flat_map(Node::needs).collect();
        read.insert(self.layer);
        let is_other =
            |number: i32| [element::FLOAT16, element::BFLOAT16, element::DOUBLE].contains(&number);
        Ok(Some(Lift {
            from,
            taken,
            read,
            is_float32: !graph.weights.iter().any(|weight| is_other(weight.element)),
            weights: Message::default(),
        }))
    }
}

/// Copies a node with other inputs and outputs, without the fields `replaced`.
fn copied(
    node: &Node,
    (inputs, outputs): (&[String], &[String]),
    renames: &Renames,
    wire: &mut Wire,
    replaced: &[u64],
) -> Result<Message, Fault> {
    let mut copied = Message::default();
    copied.texts(1, inputs.iter().map(|name| renames.of_tensor(name)));
    copied.texts(2, outputs.iter().map(|name| renames.of_tensor(name)));
    copy_fields(&mut copied, wire, node, replaced)?;
    Ok(copied)
}
