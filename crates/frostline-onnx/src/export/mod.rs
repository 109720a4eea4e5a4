//! Assembles a whole classifier as one ONNX network: a cut backbone, the pooling of its layer and a head,
//! with the preprocessing of images before it if that is wanted.
//!
//! Only operators of ONNX itself are added, in the version that the backbone has.

mod backbone;
mod head;
mod lift;
mod parts;
mod plan;
mod pooling;
mod preprocessing;
mod quantise;
mod resize;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use self::backbone::Renames;
use self::parts::Parts;
pub use self::plan::{
    Colours, Crop, Filter, Geometry, Head, Input, Method, Normalisation, Outputs, Plan, Pool,
    Pooling, Rejection, Rounding, Scale, output,
};
pub use self::quantise::{Observed, Ranges};
use super::assemble::{Beside, CutFiles, IR_VERSION, LONGEST_MODEL, Storage};
use super::cut::{Cut, unused};
use super::graph::{Dim, element, is_onnx};
use super::proto::{self, opset, typed_info};
use super::rewrite::DOMAIN;
use super::splice::Message;
use crate::error::{NetworkProblem, Result};

/// The first version of ONNX's operators in which shapes are broadcast as in `NumPy`.
const FIRST_OPSET: i64 = 7;
/// The producer of exported networks, by which they are recognised.
pub const PRODUCER: &str = "frostline export";
/// The version of the file format that belongs to version 18 of the operators.
const RAISED_IR_VERSION: i64 = 8;
/// The field of a model with an entry of its metadata.
const METADATA: u64 = 14;

/// The field of a model with its own operators.
const FUNCTIONS: u64 = 25;

/// Returns the bytes of an entry of a model's metadata, to append to a model.
///
/// # Panics
/// Never: the entry is in memory.
#[must_use]
pub fn metadata_entry(key: &str, value: &str) -> Vec<u8> {
    let mut model = Message::default();
    model.message(METADATA, proto::entry(key, value));
    let bytes = model.whole().to_bytes();
    bytes.expect("it is in memory and copies from no file")
}

impl Cut<'_> {
    /// Assembles the classifier that `plan` describes as one file, or as two if it is too large for one; the
    /// second must be written next to the first, under the name `data`. Equal inputs yield identical bytes.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if the network's operators are too old or frostline's
    /// own, or if one of its tensors has the name of an output and cannot be renamed;
    /// [`Error::Io`](crate::Error::Io) and [`Error::File`](crate::Error::File) if the network's own files
    /// have changed.
    pub fn export(&self, plan: &Plan<'_>, data: &str) -> Result<CutFiles> {
        self.export_within(plan, data, LONGEST_MODEL)
    }

    fn export_within(&self, plan: &Plan<'_>, data: &str, longest: u64) -> Result<CutFiles> {
        let found = self.exportable_opset()?;
        let version = match plan.input {
            Input::Pixels(..) => found.max(lift::TARGET),
            Input::Tensor { .. } | Input::Crop(_) => found,
        };
        self.files_of(data, longest, |storage| {
            let mut beside = Beside::default();
            let graph = self.exported_graph(plan, (found, version), storage, &mut beside)?;
            let mut model = self.model_of(graph, version, plan.version);
            for (key, value) in &plan.metadata {
                model.message(METADATA, proto::entry(key, value));
            }
            Ok((model, beside))
        })
    }

    /// Assembles the cut itself, raised to version 18 of ONNX's operators if its own is older.
    ///
    /// # Errors
    /// Those of [`export`](Self::export), and [`Error::Network`](crate::Error::Network) naming the first node
    /// that cannot be raised.
    pub fn raised(&self, data: &str) -> Result<CutFiles> {
        let found = self.exportable_opset()?;
        let version = found.max(lift::TARGET);
        self.files_of(data, LONGEST_MODEL, |storage| {
            let mut beside = Beside::default();
            let mut graph = Message::default();
            graph.text(2, proto::GRAPH_NAME);
            let taken = self.network.graph.names();
            let renames = Renames::default();
            self.add_whole(&mut graph, &renames, (found, version), &taken)?;
            self.add_weights(&mut graph, storage, &mut beside)?;
            let dims = &self.image_input().dims;
            graph.message(11, proto::value_info(&self.ends.input, Some(dims)));
            graph.message(12, proto::value_info(&self.ends.output, None));
            Ok((self.model_of(graph, version, ""), beside))
        })
    }

    /// Adds the backbone's nodes, raised if the wanted version is above the one that it has, and the weights
    /// that this adds.
    fn add_whole(
        &self,
        graph: &mut Message,
        renames: &Renames,
        (found, version): (i64, i64),
        taken: &HashSet<&str>,
    ) -> Result<()> {
        let mut lift = self.lift(taken, found, version)?;
        self.add_backbone(graph, renames, lift.as_mut())?;
        if let Some(lift) = lift {
            graph.append(lift.weights);
        }
        Ok(())
    }

    /// Returns the model of a graph whose operators have this version.
    fn model_of(&self, graph: Message, version: i64, producer_version: &str) -> Message {
        let mut model = Message::default();
        let least = if version < lift::TARGET {
            IR_VERSION
        } else {
            RAISED_IR_VERSION
        };
        model.int(1, self.network.ir_version.max(least));
        model.text(2, PRODUCER);
        model.text(3, producer_version);
        model.message(7, graph);
        for (domain, known) in &self.network.opsets {
            let version = if is_onnx(domain) { version } else { *known };
            let domain = Some(domain.as_str()).filter(|domain| !domain.is_empty());
            model.message(8, opset(domain, version));
        }
        // Some files do not list the domains of other operators that they use.
        let nodes = self.network.graph.nodes.iter();
        let used: BTreeSet<&str> = nodes.map(|node| node.domain.as_str()).collect();
        let is_listed = |domain: &str| self.network.opsets.iter().any(|(known, _)| known == domain);
        for domain in used {
            if !is_onnx(domain) && !is_listed(domain) {
                model.message(8, opset(Some(domain), 1));
            }
        }
        for (_, span) in self.network.kept.iter().filter(|kept| kept.0 == FUNCTIONS) {
            model.copy(0, span);
        }
        model
    }

    /// Returns the version of ONNX's operators in the network.
    fn exportable_opset(&self) -> Result<i64> {
        let fault = |problem: NetworkProblem| problem.at(&self.network.path);
        if self
            .network
            .opsets
            .iter()
            .any(|(domain, _)| domain == DOMAIN)
        {
            return Err(fault(NetworkProblem::OwnOperators));
        }
        match self.network.opset() {
            Some(opset) if opset >= FIRST_OPSET => Ok(opset),
            found => Err(fault(NetworkProblem::OldOpset {
                found: found.unwrap_or_default(),
                needed: FIRST_OPSET,
            })),
        }
    }

    fn exported_graph(
        &self,
        plan: &Plan<'_>,
        (found, version): (i64, i64),
        storage: &Storage,
        beside: &mut Beside,
    ) -> Result<Message> {
        let taken = self.network.graph.names();
        let renames = Renames::of(self, plan, &taken)?;
        let mut before = Parts::new("input", version, &taken);
        let input = self.add_input(plan, &renames, &mut before);
        let mut after = Parts::new("head", version, &taken);
        let last = renames.of_tensor(self.output()).to_owned();
        let outputs = head::add(&mut after, plan, &last);
        let mut graph = Message::default();
        graph.text(2, proto::GRAPH_NAME);
        let [before, after] = [before, after].map(Parts::into_messages);
        graph.append(before.0);
        self.add_whole(&mut graph, &renames, (found, version), &taken)?;
        graph.append(after.0);
        self.add_weights(&mut graph, storage, beside)?;
        graph.append(before.1);
        graph.append(after.1);
        graph.message(11, input);
        let batch = self.image_input().dims[0].clone();
        for (name, element, rest) in outputs {
            let rest = rest.into_iter().map(|length| Dim::Fixed(length as u64));
            let dims: Vec<Dim> = std::iter::once(batch.clone()).chain(rest).collect();
            graph.message(12, typed_info(&name, element, Some(&dims), &[]));
        }
        Ok(graph)
    }

    /// Adds the nodes before the backbone, and returns the graph's input.
    fn add_input(&self, plan: &Plan<'_>, renames: &Renames, parts: &mut Parts<'_>) -> Message {
        let tensor = renames.of_tensor(&self.ends.input);
        let batch = self.image_input().dims[0].clone();
        let fixed = |lengths: [u64; 3]| {
            let rest = lengths.into_iter().map(Dim::Fixed);
            std::iter::once(batch.clone())
                .chain(rest)
                .collect::<Vec<_>>()
        };
        match &plan.input {
            Input::Tensor { image, name } => {
                let name = name.as_deref().unwrap_or(tensor);
                if name != tensor {
                    parts.node_to("Identity", tensor, &[name], vec![]);
                }
                typed_info(name, element::FLOAT, Some(&fixed(*image)), &[])
            }
            Input::Crop(normalisation) => {
                let name = unused(plan::IMAGES, &HashSet::from([tensor]));
                preprocessing::from_crop(parts, &name, tensor, normalisation);
                let (width, height) = normalisation.size;
                let dims = fixed([height.into(), width.into(), 3]);
                typed_info(&name, element::UINT8, Some(&dims), &plan::AXES)
            }
            Input::Pixels(geometry, normalisation) => {
                let name = unused(plan::IMAGES, &HashSet::from([tensor]));
                preprocessing::from_pixels(parts, &name, tensor, geometry, normalisation);
                let edges = ["height", "width"].map(|edge| Dim::Free(edge.to_owned()));
                let [height, width] = edges;
                let dims = [batch, height, width, Dim::Fixed(3)];
                typed_info(&name, element::UINT8, Some(&dims), &plan::AXES)
            }
        }
    }
}
