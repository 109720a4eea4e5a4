//! The tensors of a network: which nodes read them, and the values of constants.

use std::collections::HashSet;

use super::super::external::file_beside;
use super::super::graph::{
    Attribute, Dim, Graph, Network, Node, Payload, ValueInfo, Weight, WeightKind, element,
};
use super::super::links::{Links, Maker};
use super::known::{CONSTANT, CONSTANT_FLOAT, IDENTITY, OPSETS, Operator};
use super::numbers::Numbers;

/// The maximum number of names of a constant; this also ends cycles.
const FARTHEST: usize = 8;

/// A network with links between its tensors and nodes.
pub(crate) struct Tensors<'m> {
    pub(super) network: &'m Network,
    pub(super) links: Links<'m>,
    opset: i64,
    outputs: HashSet<&'m str>,
    /// The tensors that the file declares not to be `float32`.
    others: HashSet<&'m str>,
}

impl<'m> Tensors<'m> {
    /// Links the tensors of a network; `None` if a tensor is defined twice.
    pub(crate) fn of(network: &'m Network) -> Option<Self> {
        let links = Links::new(&network.graph).ok()?;
        let outputs = network.graph.outputs.iter().map(|info| info.name.as_str());
        Some(Self {
            network,
            opset: network.opset().unwrap_or_default(),
            links,
            outputs: outputs.collect(),
            others: others(&network.graph),
        })
    }

    /// Returns whether the network has a known version and nothing uncertain: no custom operators, nodes
    /// in order, and weights declared as they are.
    pub(super) fn are_certain(&self) -> bool {
        OPSETS.contains(&self.opset)
            && !self.network.has_functions
            && self.are_in_order()
            && self.are_as_said()
    }

    /// Returns whether each node comes after the nodes it reads.
    fn are_in_order(&self) -> bool {
        let mut nodes = self.nodes().iter().enumerate();
        nodes.all(|(i, node)| {
            let before = |tensor| !matches!(self.links.maker(tensor), Some(Maker::Node(maker)) if maker >= i);
            node.needs().all(before)
        })
    }

    /// Returns whether weights that are also inputs are declared with their actual type and dimensions.
    fn are_as_said(&self) -> bool {
        let mut inputs = self.network.graph.inputs.iter();
        inputs.all(|info| match self.links.maker(&info.name) {
            Some(Maker::Weight(i)) => is_as_said(info, &self.network.graph.weights[i]),
            _ => true,
        })
    }

    /// Returns whether a node is this operator, with known attributes only and outputs that may be `float32`.
    pub(super) fn takes(&self, node: &Node, operator: &Operator) -> bool {
        let mut outputs = node.outputs.iter();
        operator.is(node, self.opset) && outputs.all(|output| self.may_be_float(output))
    }

    /// Returns whether a tensor may be `float32`: the file declares no other type for it.
    pub(super) fn may_be_float(&self, tensor: &str) -> bool {
        !self.others.contains(tensor)
    }

    /// Returns whether a node only names a constant, and can be dropped if nothing reads it.
    pub(super) fn is_constant(&self, node: &Node) -> bool {
        let identity = IDENTITY.is(node, self.opset) && !self.links.is_live(&node.inputs[0]);
        let value = |name| match node.attribute(name) {
            Some(Attribute::Tensor(weight)) => weight.is_plain,
            Some(Attribute::Float(_)) => true,
            _ => false,
        };
        identity
            || CONSTANT.is(node, self.opset) && value("value")
            || CONSTANT_FLOAT.is(node, self.opset) && value("value_float")
    }

    pub(super) fn nodes(&self) -> &'m [Node] {
        &self.network.graph.nodes
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = &'m str> {
        let outputs = self.network.graph.outputs.iter();
        outputs.map(|info| info.name.as_str())
    }

    /// Returns the only reader of a tensor, with its index; `None` if there are several, or the tensor is an
    /// output of the network.
    pub(crate) fn only_reader(&self, tensor: &str) -> Option<(usize, &'m Node)> {
        match self.links.readers(tensor) {
            &[reader] if !self.outputs.contains(tensor) => Some((reader, &self.nodes()[reader])),
            _ => None,
        }
    }

    /// Returns the nodes that read a tensor.
    pub(super) fn readers(&self, tensor: &str) -> impl Iterator<Item = &'m Node> {
        let readers = self.links.readers(tensor).iter();
        readers.map(|&reader| &self.nodes()[reader])
    }

    /// Returns whether a tensor is not an output of the network, and only these nodes read it.
    pub(super) fn is_read_only_by(&self, tensor: &str, nodes: &HashSet<usize>) -> bool {
        let readers = self.links.readers(tensor);
        !self.outputs.contains(tensor) && readers.iter().all(|reader| nodes.contains(reader))
    }

    /// Returns whether anything reads a tensor.
    pub(super) fn is_read(&self, tensor: &str) -> bool {
        !self.links.readers(tensor).is_empty() || self.outputs.contains(tensor)
    }

    /// Returns whether only the first output of a node is used.
    pub(super) fn has_one_output(&self, node: &Node) -> bool {
        let mut others = node.outputs.iter().skip(1);
        !node.outputs.is_empty() && others.all(|output| !self.is_read(output))
    }

    /// Returns whether a tensor depends on the image.
    pub(crate) fn is_live(&self, tensor: &str) -> bool {
        self.links.is_live(tensor)
    }

    /// Returns whether a tensor is an output of the network.
    pub(crate) fn is_output(&self, tensor: &str) -> bool {
        self.outputs.contains(tensor)
    }

    /// Returns the dimensions and the values of a constant.
    pub(crate) fn floats(&self, tensor: &'m str) -> Option<(Vec<i64>, Vec<f32>)> {
        let weight = self.constant(tensor)?;
        let numbers = self.place(weight)?;
        Some((weight.dims.clone(), numbers.read(self.network.open).ok()?))
    }

    /// Returns the values of a constant with these dimensions.
    pub(super) fn numbers(&self, tensor: &'m str, dims: &[usize]) -> Option<Numbers> {
        let weight = self.constant(tensor)?;
        let has = weight.dims.iter().map(|&dim| usize::try_from(dim).ok());
        if !has.eq(dims.iter().map(|&dim| Some(dim))) {
            return None;
        }
        self.place(weight)
    }

    /// Returns a constant by the name under which it is read; exporters store equal ones once and add
    /// aliases.
    fn constant(&self, mut tensor: &'m str) -> Option<&'m Weight> {
        for _ in 0..FARTHEST {
            if !self.may_be_float(tensor) {
                return None;
            }
            match self.links.node(tensor) {
                Some(node) if IDENTITY.is(node, self.opset) => tensor = &node.inputs[0],
                Some(node) if !CONSTANT.is(node, self.opset) => return None,
                _ => break,
            }
        }
        self.links.stored(tensor)
    }

    /// Returns the value of a constant that is a single number.
    pub(super) fn scalar(&self, tensor: &'m str) -> Option<f32> {
        if let Some(weight) = self.constant(tensor) {
            let numbers = self.place(weight)?;
            let one = matches!(weight.dims[..], [] | [1]);
            return one.then(|| numbers.read(self.network.open).ok()?.first().copied())?;
        }
        let node = self.links.node(tensor)?;
        match node.attribute("value_float")? {
            Attribute::Float(number) if self.takes(node, &CONSTANT_FLOAT) => Some(*number),
            _ => None,
        }
    }

    /// Returns the value of a constant for each of three channels; it has one number, or three along one
    /// axis.
    pub(crate) fn of_channels(&self, tensor: &'m str) -> Option<[f32; 3]> {
        if let Some(number) = self.scalar(tensor) {
            return Some([number; 3]);
        }
        let weight = self.constant(tensor)?;
        let numbers = self.place(weight).filter(|numbers| numbers.len <= 3)?;
        match numbers.read(self.network.open).ok()?[..] {
            [only] => Some([only; 3]),
            [r, g, b] if weight.dims.contains(&3) => Some([r, g, b]),
            _ => None,
        }
    }

    fn place(&self, weight: &Weight) -> Option<Numbers> {
        if weight.element != element::FLOAT || !weight.is_plain {
            return None;
        }
        let len = usize::try_from(weight.len()?).ok()?;
        let bytes = weight.len()?.checked_mul(4)?;
        let (path, offset, length) = match (&weight.payload, &weight.floats[..]) {
            (Payload::Raw(span), _) | (Payload::Fields, [span]) => {
                (self.network.path.clone(), span.start, span.end - span.start)
            }
            (Payload::External(external), _) => {
                let Network { path, open, .. } = self.network;
                let path = file_beside(path, &external.location, *open).ok()?;
                let end = external.offset.checked_add(bytes)?;
                if path.metadata().ok()?.len() < end {
                    return None;
                }
                (path, external.offset, external.length.unwrap_or(bytes))
            }
            (Payload::Fields, _) => return None,
        };
        (length == bytes).then_some(Numbers { path, offset, len })
    }
}

/// Returns the tensors that a graph declares not to be `float32`.
fn others(graph: &Graph) -> HashSet<&str> {
    let all = graph.inputs.iter().chain(&graph.outputs);
    let all = all.chain(&graph.value_info);
    let others = all.filter(|info| info.element != Some(element::FLOAT));
    others.map(|info| info.name.as_str()).collect()
}

fn is_as_said(info: &ValueInfo, weight: &Weight) -> bool {
    let same = |(dim, &length): (&Dim, &i64)| match dim {
        Dim::Fixed(said) => i64::try_from(*said) == Ok(length),
        Dim::Free(_) => true,
    };
    let dims = info.dims.as_ref().is_none_or(|dims| {
        dims.len() == weight.dims.len() && dims.iter().zip(&weight.dims).all(same)
    });
    weight.kind == WeightKind::Dense && info.element == Some(weight.element) && dims
}
