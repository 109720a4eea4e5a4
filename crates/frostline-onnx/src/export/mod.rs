//! Assembles a whole classifier as one ONNX network: a cut backbone, the pooling of its layer and a head, with
//! the preprocessing of images before it if that is wanted.
//!
//! Only operators of ONNX itself are added, in the version that the backbone has.

mod backbone;
mod head;
mod parts;
mod plan;
mod pooling;
mod preprocessing;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use self::backbone::Renames;
use self::parts::Parts;
pub use self::plan::{
    Colours, Head, Input, Normalisation, Outputs, Plan, Pool, Pooling, Rejection, output,
};
use super::assemble::{Beside, CutFiles, IR_VERSION, LONGEST_MODEL, Storage};
use super::cut::{Cut, unused};
use super::graph::{Dim, element};
use super::proto::{self, opset, typed_info};
use super::rewrite::DOMAIN;
use super::splice::Message;
use crate::error::{NetworkProblem, Result};

/// The first version of ONNX's operators in which shapes are broadcast as in `NumPy`.
const FIRST_OPSET: i64 = 7;
/// The producer of exported networks, by which they are recognised.
pub const PRODUCER: &str = "frostline export";
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
    /// [`Error::Network`](crate::Error::Network) if the network's operators are too old or frostline's own, or
    /// if one of its tensors has the name of an output and cannot be renamed; [`Error::Io`](crate::Error::Io)
    /// and [`Error::File`](crate::Error::File) if the network's own files have changed.
    pub fn export(&self, plan: &Plan<'_>, data: &str) -> Result<CutFiles> {
        self.export_within(plan, data, LONGEST_MODEL)
    }

    fn export_within(&self, plan: &Plan<'_>, data: &str, longest: u64) -> Result<CutFiles> {
        let opset = self.exportable_opset()?;
        self.files_of(data, longest, |storage| self.exported(plan, opset, storage))
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

    fn exported(
        &self,
        plan: &Plan<'_>,
        version: i64,
        storage: &Storage,
    ) -> Result<(Message, Beside)> {
        let mut beside = Beside::default();
        let mut model = Message::default();
        model.int(1, self.network.ir_version.max(IR_VERSION));
        model.text(2, PRODUCER);
        model.text(3, plan.version);
        model.message(7, self.exported_graph(plan, version, storage, &mut beside)?);
        for (domain, version) in &self.network.opsets {
            let domain = Some(domain.as_str()).filter(|domain| !domain.is_empty());
            model.message(8, opset(domain, *version));
        }
        for (key, value) in &plan.metadata {
            model.message(METADATA, proto::entry(key, value));
        }
        for (_, span) in self.network.kept.iter().filter(|kept| kept.0 == FUNCTIONS) {
            model.copy(0, span);
        }
        Ok((model, beside))
    }

    fn exported_graph(
        &self,
        plan: &Plan<'_>,
        version: i64,
        storage: &Storage,
        beside: &mut Beside,
    ) -> Result<Message> {
        let taken = self.network.graph.names();
        let renames = Renames::of(self, plan, &taken)?;
        let mut before = Parts::new(version, &taken);
        let input = self.add_input(plan, &renames, &mut before);
        let mut after = Parts::new(version, &taken);
        let last = renames.of_tensor(self.output()).to_owned();
        let outputs = head::add(&mut after, plan, &last);
        let mut graph = Message::default();
        graph.text(2, proto::GRAPH_NAME);
        let [before, after] = [before, after].map(Parts::into_messages);
        graph.append(before.0);
        self.add_backbone(&mut graph, &renames)?;
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
                preprocessing::normalise(parts, &name, tensor, normalisation);
                let (width, height) = normalisation.size;
                let dims = fixed([height.into(), width.into(), 3]);
                typed_info(&name, element::UINT8, Some(&dims), &plan::AXES)
            }
        }
    }
}
