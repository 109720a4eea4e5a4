//! Writes the part of a network that a cut keeps: ranges of its file, with new inputs, outputs and `Reshape`
//! targets. Field numbers are those of `onnx.proto`.

mod weights;

use std::path::Path;

pub(super) use self::weights::{Beside, Storage};
use super::batch::{Change, Rewrite};
use super::cut::Cut;
use super::graph::{Network, Node, WeightKind, element};
use super::input::Element;
use super::proto::{self, GRAPH_NAME, cast, integers, value_info};
use super::splice::{Message, Spliced};
use super::wire::{Fault, Wire};
use crate::error::{Error, FileProblem, Format, NetworkProblem, Result};

/// The first version of the file format in which weights need not be inputs, so that runtimes can fold them.
pub(super) const IR_VERSION: i64 = 4;
/// Protocol buffer readers refuse messages of 2 GiB or more; this leaves a margin of 1 MiB.
pub(super) const LONGEST_MODEL: u64 = (1 << 31) - (1 << 20);

/// The files that a [`Cut`] is written to.
#[derive(Debug)]
pub struct CutFiles {
    /// The network.
    pub model: Spliced,
    /// Its large weights, if the network is too large for one file.
    pub data: Option<Spliced>,
}

impl Cut<'_> {
    /// Assembles the kept part as one file, or as two if it is too large for one; the second must be written
    /// next to the first, under the name `data`. Equal networks yield identical bytes.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file; [`Error::File`] or [`Error::Network`] if the network's own files are
    /// cut off or damaged.
    pub fn files(&self, data: &str) -> Result<CutFiles> {
        self.files_within(data, LONGEST_MODEL)
    }

    pub(super) fn files_within(&self, data: &str, longest: u64) -> Result<CutFiles> {
        self.files_of(data, longest, |storage| self.model_message(storage))
    }

    /// Assembles what `message` returns as one file, or as two if one would have more than `longest` bytes.
    pub(super) fn files_of(
        &self,
        data: &str,
        longest: u64,
        message: impl Fn(&Storage) -> Result<(Message, Beside)>,
    ) -> Result<CutFiles> {
        let (inside, _) = message(&Storage::Inside)?;
        if inside.len() <= longest {
            let model = self.spliced(inside);
            return Ok(CutFiles { model, data: None });
        }
        let (model, beside) = message(&Storage::Beside(data.to_owned()))?;
        Ok(CutFiles {
            model: self.spliced(model),
            data: Some(self.spliced(beside.message)),
        })
    }

    fn spliced(&self, message: Message) -> Spliced {
        message.spliced(self.sources.clone(), self.network.open)
    }

    pub(super) fn model_message(&self, storage: &Storage) -> Result<(Message, Beside)> {
        let mut beside = Beside::default();
        let mut model = self.network.head(self.network.ir_version.max(IR_VERSION));
        model.message(7, self.graph_message(storage, &mut beside)?);
        Ok((model, beside))
    }

    fn graph_message(&self, storage: &Storage, beside: &mut Beside) -> Result<Message> {
        let mut graph = Message::default();
        graph.text(2, GRAPH_NAME);
        self.add_nodes(&mut graph)?;
        self.add_weights(&mut graph, storage, beside)?;
        for rewrite in &self.freeing.rewrites {
            match &rewrite.change {
                Change::Target(target) => {
                    graph.message(5, integers(&target_name(rewrite), target));
                }
                Change::BatchAnd(rest) => {
                    graph.message(5, integers(&rest_name(rewrite), rest));
                }
                Change::Repeat(_) => {}
            }
        }
        graph.message(
            11,
            value_info(&self.ends.input, Some(&self.image_input.dims)),
        );
        let batch = &self.image_input.dims[..1];
        let dims = self.shape.as_ref().map(|rest| [batch, rest].concat());
        graph.message(12, value_info(&self.ends.output, dims.as_deref()));
        Ok(graph)
    }

    /// Adds the weights that are kept.
    pub(super) fn add_weights(
        &self,
        graph: &mut Message,
        storage: &Storage,
        beside: &mut Beside,
    ) -> Result<()> {
        for weight in self.reach.weights_of(&self.network.graph) {
            match weight.kind {
                WeightKind::Dense => graph.message(5, self.weight(weight, storage, beside)?),
                WeightKind::Sparse => graph.message(15, Message::of(&weight.kept)),
            }
        }
        Ok(())
    }

    fn add_nodes(&self, graph: &mut Message) -> Result<()> {
        if self.image_input.element != Element::Float32 {
            let ends = [self.ends.input.as_str(), &self.image_input.name];
            graph.message(1, converted(ends, self.image_input.element.number()));
        }
        if self.needs_batch() {
            self.add_batch(graph);
        }
        let rewrites = &self.freeing.rewrites;
        for (i, node) in self.reach.nodes_of(&self.network.graph) {
            match rewrites.binary_search_by_key(&i, |rewrite| rewrite.node) {
                Ok(rewrite) => self.add_rewritten(graph, node, &rewrites[rewrite])?,
                Err(_) => graph.message(1, Message::of([&node.body])),
            }
        }
        if self.ends.output != self.layer {
            graph.message(
                1,
                converted([self.layer, &self.ends.output], element::FLOAT),
            );
        }
        Ok(())
    }

    /// Copies a node with new inputs, after the nodes that compute them.
    fn add_rewritten(&self, graph: &mut Message, node: &Node, rewrite: &Rewrite) -> Result<()> {
        let mut inputs = node.inputs.clone();
        match &rewrite.change {
            Change::Target(_) => inputs[1] = target_name(rewrite),
            Change::BatchAnd(_) => {
                let (target, rest) = (target_name(rewrite), rest_name(rewrite));
                let axis = vec![proto::int("axis", 0)];
                let joined = proto::node("Concat", &target, &[BATCH, &rest], &target, axis);
                graph.message(1, joined);
                inputs[1] = target;
            }
            Change::Repeat(repeated) => {
                for &i in repeated {
                    inputs[i] = add_repeated(graph, &inputs[i], &format!("{}.{i}", rewrite.node));
                }
            }
        }
        let mut message = Message::default();
        message.texts(1, inputs.iter().map(String::as_str));
        let Network { path, open, .. } = self.network;
        let wire = &mut Wire::open(path, *open).map_err(|fault| damaged(path, fault))?;
        copy_fields(&mut message, wire, node, &[1]).map_err(|fault| damaged(path, fault))?;
        graph.message(1, message);
        Ok(())
    }

    /// Returns whether nodes need the batch size.
    fn needs_batch(&self) -> bool {
        let mut rewrites = self.freeing.rewrites.iter();
        rewrites.any(|rewrite| !matches!(rewrite.change, Change::Target(_)))
    }

    /// Adds nodes that take the batch size from the image, as a list of one number.
    fn add_batch(&self, graph: &mut Message) {
        let image = self.image_input.name.as_str();
        graph.message(1, proto::node("Shape", LENGTHS, &[image], LENGTHS, vec![]));
        let axis = vec![proto::int("axis", 0)];
        graph.message(
            1,
            proto::node("Gather", BATCH, &[LENGTHS, ZERO], BATCH, axis),
        );
        for (name, number) in [(ZERO, 0), (ONE, 1), (END, i64::MAX)] {
            graph.message(5, integers(name, &[number]));
        }
    }
}

/// Adds nodes that repeat a constant (1, …) to (N, …), and returns the name of the result.
fn add_repeated(graph: &mut Message, constant: &str, place: &str) -> String {
    let name = |what: &str| format!("frostline.{what}.{place}");
    let [dims, rest, target, repeated] = ["dims", "rest", "lengths", "repeated"].map(name);
    let axis = vec![proto::int("axis", 0)];
    for node in [
        proto::node("Shape", &dims, &[constant], &dims, vec![]),
        proto::node("Slice", &rest, &[&dims, ONE, END], &rest, vec![]),
        proto::node("Concat", &target, &[BATCH, &rest], &target, axis),
        proto::node("Expand", &repeated, &[constant, &target], &repeated, vec![]),
    ] {
        graph.message(1, node);
    }
    repeated
}

/// The lengths of the image, its batch size, and constants.
const LENGTHS: &str = "frostline.lengths";
const BATCH: &str = "frostline.batch";
const ZERO: &str = "frostline.zero";
const ONE: &str = "frostline.one";
const END: &str = "frostline.end";

impl Network {
    /// Returns the fields before the graph: the version of the file format, and the fields that are copied.
    pub(super) fn head(&self, version: i64) -> Message {
        let mut model = Message::default();
        model.int(1, version);
        for (_, span) in &self.kept {
            model.copy(0, span);
        }
        model
    }
}

/// Copies the fields of a node from the file, except those with the numbers in `replaced`.
pub(super) fn copy_fields(
    message: &mut Message,
    wire: &mut Wire,
    node: &Node,
    replaced: &[u64],
) -> Result<(), Fault> {
    let mut rest = node.body.clone();
    while let Some(field) = wire.field(&mut rest)? {
        if !replaced.contains(&field.number) {
            message.copy(0, &field.whole);
        }
    }
    Ok(())
}

/// Returns the error for a file that could be read before, but no longer can.
pub(super) fn damaged(path: &Path, fault: Fault) -> Error {
    let problem = match fault {
        Fault::Io(error) => return Error::io(path)(error),
        Fault::CompiledEngine => return NetworkProblem::CompiledEngine.at(path),
        Fault::Cut => "it ends in the middle of a field",
        Fault::Damaged(problem) => problem,
    };
    FileProblem::Changed(problem).at(path, Format::Network)
}

/// Returns a node that casts the input or output of the network.
pub(super) fn converted(ends: [&str; 2], element: i32) -> Message {
    cast(&format!("frostline.cast.{}", ends[1]), ends, element)
}

/// Returns the name of a new target. Each node gets its own, since nodes without a batch may share the old
/// one.
fn target_name(rewrite: &Rewrite) -> String {
    format!("frostline.target.{}", rewrite.node)
}

/// Returns the name of the lengths after the batch.
fn rest_name(rewrite: &Rewrite) -> String {
    format!("frostline.rest.{}", rewrite.node)
}
