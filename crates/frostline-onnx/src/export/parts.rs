//! The nodes and weights that an export adds, in the version of ONNX's operators that the network has.

use std::collections::HashSet;

use crate::cut::unused;
use crate::graph::element;
use crate::proto::{self, int, ints, tensor};
use crate::splice::Message;

/// The first version in which `Slice` takes its limits as inputs.
const SLICE_INPUTS: i64 = 10;
/// The first version in which all reductions take their axes as an input.
const REDUCE_INPUTS: i64 = 18;

/// Nodes and weights to add to a network.
pub(super) struct Parts<'n> {
    /// The first part of the names of its tensors.
    place: &'static str,
    opset: i64,
    /// The names of the network's tensors.
    taken: &'n HashSet<&'n str>,
    nodes: Message,
    weights: Message,
}

impl<'n> Parts<'n> {
    pub(super) fn new(place: &'static str, opset: i64, taken: &'n HashSet<&'n str>) -> Self {
        Self {
            place,
            opset,
            taken,
            nodes: Message::default(),
            weights: Message::default(),
        }
    }

    /// Returns the fields of a graph: the nodes, then the weights.
    pub(super) fn into_messages(self) -> (Message, Message) {
        (self.nodes, self.weights)
    }

    /// Returns a name that no tensor of the network has.
    fn name(&self, what: &str) -> String {
        unused(&format!("frostline.{}.{what}", self.place), self.taken)
    }

    /// Adds a node, and returns its output; `what` differs from node to node.
    pub(super) fn node(
        &mut self,
        operator: &str,
        what: &str,
        inputs: &[&str],
        attributes: Vec<Message>,
    ) -> String {
        let output = self.name(what);
        self.node_to(operator, &output, inputs, attributes);
        output
    }

    /// Adds a node with this output.
    pub(super) fn node_to(
        &mut self,
        operator: &str,
        output: &str,
        inputs: &[&str],
        attributes: Vec<Message>,
    ) {
        let node = proto::node(operator, output, inputs, output, attributes);
        self.nodes.message(1, node);
    }

    /// Adds a weight of `float32`, and returns its name.
    pub(super) fn floats(&mut self, what: &str, dims: &[i64], values: &[f32]) -> String {
        let name = self.name(what);
        self.weights.message(5, proto::floats(&name, dims, values));
        name
    }

    /// Adds a list of integers, and returns its name.
    pub(super) fn integers(&mut self, what: &str, values: &[i64]) -> String {
        let name = self.name(what);
        self.weights.message(5, proto::integers(&name, values));
        name
    }

    /// Adds a single integer without dimensions, and returns its name.
    pub(super) fn index(&mut self, what: &str, value: i64) -> String {
        let name = self.name(what);
        let mut weight = tensor(&name, &[], element::INT64);
        weight.packed(7, &[value]);
        self.weights.message(5, weight);
        name
    }

    /// Adds a reduction over axes, which disappear, and returns its output.
    pub(super) fn reduce(
        &mut self,
        operator: &str,
        what: &str,
        input: &str,
        axes: &[i64],
    ) -> String {
        let mut attributes = vec![int("keepdims", 0)];
        if self.opset >= REDUCE_INPUTS {
            let axes = self.integers(&format!("{what}.axes"), axes);
            return self.node(operator, what, &[input, &axes], attributes);
        }
        attributes.push(ints("axes", axes));
        self.node(operator, what, &[input], attributes)
    }

    /// Adds a slice of an axis from `start` to its end, and returns its output.
    pub(super) fn from(&mut self, what: &str, input: &str, along: usize, start: usize) -> String {
        let limits = [start as i64, i64::MAX, along as i64].map(|limit| [limit]);
        let names = ["starts", "ends", "axes"];
        if self.opset < SLICE_INPUTS {
            let limits = names.iter().zip(limits);
            let limits = limits.map(|(name, limit)| ints(name, &limit)).collect();
            return self.node("Slice", what, &[input], limits);
        }
        let [starts, ends, axes] =
            [0, 1, 2].map(|i| self.integers(&format!("{what}.{}", names[i]), &limits[i]));
        self.node("Slice", what, &[input, &starts, &ends, &axes], vec![])
    }

    /// Adds the entry of an axis at an index, and returns its output, which lacks the axis.
    pub(super) fn entry(&mut self, what: &str, input: &str, axis: usize, at: i64) -> String {
        let index = self.index(&format!("{what}.index"), at);
        let axis = int("axis", axis as i64);
        self.node("Gather", what, &[input, &index], vec![axis])
    }

    /// Adds the largest `k` values of the last axis of a matrix, in descending order.
    pub(super) fn largest(&mut self, what: &str, input: &str, k: usize) -> String {
        let output = self.name(what);
        let mut attributes = vec![int("axis", 1)];
        let count = if self.opset < SLICE_INPUTS {
            attributes.push(int("k", k as i64));
            None
        } else {
            Some(self.integers(&format!("{what}.k"), &[k as i64]))
        };
        let inputs: Vec<&str> = [input].into_iter().chain(count.as_deref()).collect();
        let mut node = proto::node("TopK", &output, &inputs, &output, attributes);
        node.text(2, &self.name(&format!("{what}.indices")));
        self.nodes.message(1, node);
        output
    }
}
