//! Who makes each tensor of a graph, who needs it, and what leads to a layer.

use std::collections::HashMap;

use super::graph::{Graph, Node, ValueInfo, Weight};
use crate::error::NetworkProblem;

/// Which input of a reshape its target is.
const TARGET: usize = 1;

/// What makes a tensor, by its number in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    Input(usize),
    Weight(usize),
    Node(usize),
}

/// A graph with its tensors followed up.
#[derive(Debug)]
pub(super) struct Links<'m> {
    pub(super) graph: &'m Graph,
    makers: HashMap<&'m str, Maker>,
    readers: HashMap<&'m str, Vec<usize>>,
    /// For each node, whether the picture has a say in what it gives.
    live: Vec<bool>,
}

/// What leads to a layer: for each node, weight and input, whether it does.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) nodes: Vec<bool>,
    pub(super) weights: Vec<bool>,
    pub(super) inputs: Vec<bool>,
}

impl Reach {
    /// The nodes that lead to the layer, each with its number.
    pub(super) fn nodes_of<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = (usize, &'g Node)> {
        kept(&graph.nodes, &self.nodes)
    }

    /// The weights that lead to the layer.
    pub(super) fn weights_of<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = &'g Weight> {
        kept(&graph.weights, &self.weights).map(|(_, weight)| weight)
    }

    /// The inputs that lead to the layer.
    pub(super) fn inputs_of<'g>(&self, graph: &'g Graph) -> impl Iterator<Item = &'g ValueInfo> {
        kept(&graph.inputs, &self.inputs).map(|(_, input)| input)
    }
}

fn kept<'g, T>(all: &'g [T], kept: &[bool]) -> impl Iterator<Item = (usize, &'g T)> {
    all.iter().enumerate().filter(|(i, _)| kept[*i])
}

impl<'m> Links<'m> {
    /// Follows the tensors up; two makers of one tensor are a problem.
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
            // Old files list their weights among the inputs too.
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
            Some(_) => Err(NetworkProblem::MadeTwice(tensor.to_owned())),
        }
    }

    pub(super) fn maker(&self, tensor: &str) -> Option<Maker> {
        self.makers.get(tensor).copied()
    }

    /// The node that makes a tensor.
    pub(super) fn node(&self, tensor: &str) -> Option<&'m Node> {
        match self.maker(tensor)? {
            Maker::Node(i) => Some(&self.graph.nodes[i]),
            Maker::Input(_) | Maker::Weight(_) => None,
        }
    }

    fn is_weight(&self, tensor: &str) -> bool {
        matches!(self.maker(tensor), Some(Maker::Weight(_)))
    }

    /// Whether the picture has a say in a tensor.
    pub(super) fn is_live(&self, tensor: &str) -> bool {
        match self.maker(tensor) {
            Some(Maker::Node(i)) => self.live[i],
            Some(Maker::Input(_)) => true,
            Some(Maker::Weight(_)) | None => false,
        }
    }

    /// The numbers of the nodes that need a tensor.
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

    /// All that leads to a layer, but for the targets of the nodes that are `mended`, in order; a tensor that
    /// nobody makes is a problem, and so is a circle.
    pub(super) fn reach(&self, layer: &'m str, mended: &[usize]) -> Result<Reach, NetworkProblem> {
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
                    let mended = mended.binary_search(&i).is_ok();
                    let node = &self.graph.nodes[i];
                    let needs = node.needs().enumerate();
                    let needs = needs.filter(|(place, _)| !(mended && *place == TARGET));
                    behind.extend(needs.map(|(_, tensor)| (tensor, Some(i))));
                }
                None => {
                    let tensor = tensor.to_owned();
                    return Err(match reader.map(|i| self.graph.nodes[i].title()) {
                        Some(node) => NetworkProblem::MadeByNothing { node, tensor },
                        None => NetworkProblem::NoTensor(tensor),
                    });
                }
            }
        }
        self.refuse_circles(&reach)?;
        Ok(reach)
    }

    /// Takes nodes away whose tensors are all there, until none is left, or only a circle.
    fn refuse_circles(&self, reach: &Reach) -> Result<(), NetworkProblem> {
        let kept = |i: &usize| reach.nodes[*i];
        // A target that is mended is waited for by nobody.
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
            Some(i) if left > 0 => Err(NetworkProblem::Circle(nodes[i].title())),
            _ => Ok(()),
        }
    }
}
