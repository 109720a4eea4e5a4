//! Links between tensors and nodes: what defines each tensor, what reads it, and what leads to a layer.

use std::collections::HashMap;

use super::graph::{Graph, Node, ValueInfo, Weight};
use crate::error::NetworkProblem;

/// The index of the target among the inputs of a `Reshape`.
const TARGET: usize = 1;

/// What defines a tensor, by its index in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    Input(usize),
    Weight(usize),
    Node(usize),
}

/// A graph with links between its tensors and nodes.
#[derive(Debug)]
pub(super) struct Links<'m> {
    pub(super) graph: &'m Graph,
    makers: HashMap<&'m str, Maker>,
    readers: HashMap<&'m str, Vec<usize>>,
    /// For each node, whether its outputs depend on the image.
    live: Vec<bool>,
}

/// What leads to a layer: a flag for each node, weight and input.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) nodes: Vec<bool>,
    pub(super) weights: Vec<bool>,
    pub(super) inputs: Vec<bool>,
}

impl Reach {
    /// Returns the nodes that lead to the layer, each with its index.
    pub(super) fn nodes_of<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = (usize, &'g Node)> {
        kept(&graph.nodes, &self.nodes)
    }

    /// Returns the weights that lead to the layer.
    pub(super) fn weights_of<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = &'g Weight> {
        kept(&graph.weights, &self.weights).map(|(_, weight)| weight)
    }

    /// Returns the inputs that lead to the layer.
    pub(super) fn inputs_of<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = &'g ValueInfo> {
        kept(&graph.inputs, &self.inputs).map(|(_, input)| input)
    }
}

fn kept<'g, T>(all: &'g [T], kept: &[bool]) -> impl Iterator<Item = (usize, &'g T)> {
    all.iter().enumerate().filter(|(i, _)| kept[*i])
}

impl<'m> Links<'m> {
    /// Links the tensors of a graph; fails if a tensor is defined twice.
    pub(super) fn new(graph: &'m Graph) -> Result<Self, NetworkProblem> {
        let mut links = Self {
            graph,
            makers: HashMap::new(),
            readers: HashMap::new(),
            live: Vec::new(),
        };
        for (i, weight) in graph.weights.iter().enumerate() {
            links.add(&weight.name, Maker::Weight(i))?;
        }
        for (i, input) in graph.inputs.iter().enumerate() {
            // Old files also list their weights among the inputs.
            if !links.is_weight(&input.name) {
                links.add(&input.name, Maker::Input(i))?;
            }
        }
        for (i, node) in graph.nodes.iter().enumerate() {
            for output in node.makes() {
                links.add(output, Maker::Node(i))?;
            }
            for tensor in node.needs() {
                links.readers.entry(tensor).or_default().push(i);
            }
        }
        links.live = links.follow_inputs();
        Ok(links)
    }

    fn add(&mut self, tensor: &'m str, maker: Maker) -> Result<(), NetworkProblem> {
        match self.makers.insert(tensor, maker) {
            None => Ok(()),
            Some(_) => Err(NetworkProblem::DuplicateTensor(tensor.to_owned())),
        }
    }

    pub(super) fn maker(&self, tensor: &str) -> Option<Maker> {
        self.makers.get(tensor).copied()
    }

    /// Returns the node that defines a tensor.
    pub(super) fn node(&self, tensor: &str) -> Option<&'m Node> {
        match self.maker(tensor)? {
            Maker::Node(i) => Some(&self.graph.nodes[i]),
            Maker::Input(_) | Maker::Weight(_) => None,
        }
    }

    fn is_weight(&self, tensor: &str) -> bool {
        matches!(self.maker(tensor), Some(Maker::Weight(_)))
    }

    /// Returns whether a tensor depends on the image.
    pub(super) fn is_live(&self, tensor: &str) -> bool {
        match self.maker(tensor) {
            Some(Maker::Node(i)) => self.live[i],
            Some(Maker::Input(_)) => true,
            Some(Maker::Weight(_)) | None => false,
        }
    }

    /// Returns the indices of the nodes that read a tensor.
    pub(super) fn readers(&self, tensor: &str) -> &[usize] {
        self.readers.get(tensor).map_or(&[], Vec::as_slice)
    }

    fn follow_inputs(&self) -> Vec<bool> {
        let mut live = vec![false; self.graph.nodes.len()];
        let inputs = self.graph.inputs.iter().map(|input| input.name.as_str());
        let mut ahead: Vec<&str> = inputs.filter(|name| !self.is_weight(name)).collect();
        while let Some(tensor) = ahead.pop() {
            for &i in self.readers(tensor) {
                if !live[i] {
                    live[i] = true;
                    ahead.extend(self.graph.nodes[i].makes());
                }
            }
        }
        live
    }

    /// Returns the nodes and tensors that a layer depends on. The targets of the `rewritten` nodes, whose
    /// indices are in ascending order, are not followed. Fails if a tensor is undefined or the graph has a
    /// cycle.
    pub(super) fn reach(
        &self,
        layer: &'m str,
        rewritten: &[usize],
    ) -> Result<Reach, NetworkProblem> {
        let mut reach = Reach {
            nodes: vec![false; self.graph.nodes.len()],
            weights: vec![false; self.graph.weights.len()],
            inputs: vec![false; self.graph.inputs.len()],
        };
        let mut behind: Vec<(&str, Option<usize>)> = vec![(layer, None)];
        while let Some((tensor, reader)) = behind.pop() {
            match self.maker(tensor) {
                Some(Maker::Weight(i)) => reach.weights[i] = true,
                Some(Maker::Input(i)) => reach.inputs[i] = true,
                Some(Maker::Node(i)) if reach.nodes[i] => {}
                Some(Maker::Node(i)) => {
                    reach.nodes[i] = true;
                    let rewritten = rewritten.binary_search(&i).is_ok();
                    let node = &self.graph.nodes[i];
                    let needs = node.needs().enumerate();
                    let needs = needs.filter(|(place, _)| !(rewritten && *place == TARGET));
                    behind.extend(needs.map(|(_, tensor)| (tensor, Some(i))));
                }
                None => {
                    let tensor = tensor.to_owned();
                    return Err(match reader.map(|i| self.graph.nodes[i].title()) {
                        Some(node) => NetworkProblem::UndefinedTensor { node, tensor },
                        None => NetworkProblem::NoTensor(tensor),
                    });
                }
            }
        }
        self.refuse_cycles(&reach)?;
        Ok(reach)
    }

    /// Refuses cycles: removes nodes whose inputs are all available until none is left, or only a cycle.
    fn refuse_cycles(&self, reach: &Reach) -> Result<(), NetworkProblem> {
        let kept = |i: &usize| reach.nodes[*i];
        // No node waits for a target that is replaced.
        let from_node =
            |tensor: &&str| matches!(self.maker(tensor), Some(Maker::Node(i)) if reach.nodes[i]);
        let nodes = &self.graph.nodes;
        let mut waits: Vec<usize> = nodes
            .iter()
            .map(|node| node.needs().filter(from_node).count())
            .collect();
        let mut ready: Vec<usize> = (0..nodes.len())
            .filter(kept)
            .filter(|&i| waits[i] == 0)
            .collect();
        let mut left = reach.nodes.iter().filter(|kept| **kept).count();
        while let Some(i) = ready.pop() {
            left -= 1;
            for tensor in nodes[i].makes() {
                for &reader in self.readers(tensor) {
                    waits[reader] -= 1;
                    if waits[reader] == 0 && reach.nodes[reader] {
                        ready.push(reader);
                    }
                }
            }
        }
        let stuck = (0..nodes.len()).find(|&i| reach.nodes[i] && waits[i] > 0);
        match stuck {
            Some(i) if left > 0 => Err(NetworkProblem::Cycle(nodes[i].title())),
            _ => Ok(()),
        }
    }
}
