//! What is known of the tensors of a network: who reads them, and the numbers of constants.

use std::collections::{HashMap, HashSet};

use super::super::graph::{Attribute, Model, Node, Payload, Weight, element};
use super::super::links::Links;
use super::super::outline::external_file;
use super::numbers::Numbers;

/// How many names a constant has at most; a circle ends here.
const FARTHEST: usize = 8;

/// A network with its tensors followed up.
pub(super) struct Tensors<'m> {
    pub(super) model: &'m Model,
    pub(super) links: Links<'m>,
    readers: HashMap<&'m str, Vec<usize>>,
    outputs: HashSet<&'m str>,
}

impl<'m> Tensors<'m> {
    /// `None` where two parts of the network make one tensor.
    pub(super) fn of(model: &'m Model) -> Option<Self> {
        let links = Links::new(&model.graph).ok()?;
        let outputs = model.graph.outputs.iter().map(|info| info.name.as_str());
        Some(Self {
            model,
            readers: links.readers(),
            links,
            outputs: outputs.collect(),
        })
    }

    pub(super) fn nodes(&self) -> &'m [Node] {
        &self.model.graph.nodes
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = &'m str> {
        let outputs = self.model.graph.outputs.iter();
        outputs.map(|info| info.name.as_str())
    }

    /// The node that alone reads a tensor which is no output of the network, and its number.
    pub(super) fn only_reader(&self, tensor: &str) -> Option<(usize, &'m Node)> {
        match self.readers.get(tensor).map(Vec::as_slice) {
            Some(&[reader]) if !self.outputs.contains(tensor) => {
                Some((reader, &self.nodes()[reader]))
            }
            _ => None,
        }
    }

    /// The nodes that read a tensor.
    pub(super) fn readers(&self, tensor: &str) -> impl Iterator<Item = &'m Node> {
        let readers = self.readers.get(tensor).map_or(&[][..], Vec::as_slice);
        readers.iter().map(|&reader| &self.nodes()[reader])
    }

    /// Whether a tensor is no output of the network, and read by these nodes and no other.
    pub(super) fn is_read_only_by(&self, tensor: &str, nodes: &HashSet<usize>) -> bool {
        let readers = self.readers.get(tensor).map_or(&[][..], Vec::as_slice);
        !self.outputs.contains(tensor) && readers.iter().all(|reader| nodes.contains(reader))
    }

    /// Whether anything reads a tensor.
    fn is_read(&self, tensor: &str) -> bool {
        self.readers.contains_key(tensor) || self.outputs.contains(tensor)
    }

    /// Whether a node has the one output that counts, its first.
    pub(super) fn has_one_output(&self, node: &Node) -> bool {
        let mut others = node.outputs.iter().skip(1);
        !node.outputs.is_empty() && others.all(|output| !self.is_read(output))
    }

    /// The numbers of a constant of these dimensions.
    pub(super) fn numbers(&self, tensor: &'m str, dims: &[usize]) -> Option<Numbers> {
        let weight = self.constant(tensor)?;
        let has = weight.dims.iter().map(|&dim| usize::try_from(dim).ok());
        if !has.eq(dims.iter().map(|&dim| Some(dim))) {
            return None;
        }
        self.place(weight)
    }

    /// A constant by the name under which it is read; exporters write equal ones once, and name them anew.
    fn constant(&self, mut tensor: &'m str) -> Option<&'m Weight> {
        for _ in 0..FARTHEST {
            match self.links.node(tensor) {
                Some(node) if is(node, "Identity") => tensor = node.inputs.first()?,
                _ => break,
            }
        }
        self.links.stored(tensor)
    }

    /// A constant of one number.
    pub(super) fn scalar(&self, tensor: &str) -> Option<f32> {
        if let Some(weight) = self.links.stored(tensor) {
            let numbers = self.place(weight)?;
            return (numbers.len == 1).then(|| numbers.read().ok()?.first().copied())?;
        }
        match self.links.node(tensor)?.attribute("value_float")? {
            Attribute::Float(number) => Some(*number),
            _ => None,
        }
    }

    fn place(&self, weight: &Weight) -> Option<Numbers> {
        if weight.element != element::FLOAT {
            return None;
        }
        let len = usize::try_from(weight.len()?).ok()?;
        let bytes = weight.len()?.checked_mul(4)?;
        let (path, offset, length) = match (&weight.payload, &weight.floats) {
            (Payload::Raw(span), _) | (Payload::Fields, Some(span)) => {
                (self.model.path.clone(), span.start, span.end - span.start)
            }
            (Payload::External(external), _) => {
                let path = external_file(&self.model.path, &external.location).ok()?;
                let end = external.offset.checked_add(bytes)?;
                if path.metadata().ok()?.len() < end {
                    return None;
                }
                (path, external.offset, external.length.unwrap_or(bytes))
            }
            (Payload::Fields, None) => return None,
        };
        (length == bytes).then_some(Numbers { path, offset, len })
    }
}

/// Whether an operator is ONNX's own of this name.
pub(super) fn is(node: &Node, operator: &str) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx") && node.operator == operator
}

/// An attribute of one integer, or what it is where it is not given.
pub(super) fn int(node: &Node, name: &str, default: i64) -> Option<i64> {
    match node.attribute(name) {
        None => Some(default),
        Some(Attribute::Int(int)) => Some(*int),
        Some(_) => None,
    }
}

/// Whether an attribute of one number has this value, which is also its default.
pub(super) fn is_default(node: &Node, name: &str, default: f32) -> bool {
    match node.attribute(name) {
        None => true,
        Some(Attribute::Float(number)) => number.to_bits() == default.to_bits(),
        Some(_) => false,
    }
}

/// Whether all integers of an attribute are `value`, or it is not given and `or_absent`.
pub(super) fn all(node: &Node, name: &str, value: i64, or_absent: bool) -> bool {
    match node.ints(name) {
        None => or_absent && node.attribute(name).is_none(),
        Some(ints) => ints.iter().all(|&int| int == value),
    }
}

/// How a window is padded, where it is not given in numbers.
pub(super) fn auto_pad(node: &Node) -> Option<&str> {
    match node.attribute("auto_pad") {
        None => Some("NOTSET"),
        Some(Attribute::Text(text)) => Some(text),
        Some(_) => None,
    }
}
