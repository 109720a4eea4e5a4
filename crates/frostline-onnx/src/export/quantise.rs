//! Quantises a network to 8 bits: pairs of `QuantizeLinear` and `DequantizeLinear` around the operators that
//! runtimes compute with integers (QDQ).
//!
//! Weights are symmetric, with a scale for each channel of the output; other tensors are asymmetric, with a
//! scale each, from ranges that were observed.

mod choice;
mod steps;
mod writer;

use std::collections::{BTreeMap, HashMap};

use self::choice::Chosen;
use self::steps::Step;
use self::writer::Writer;
use crate::error::{NetworkProblem, Result};
use crate::graph::Network;
use crate::proto::{self, int};
use crate::splice::{Message, Spliced};

/// The ranges of a network's tensors, by name: the smallest and the largest value.
pub type Ranges = BTreeMap<String, (f32, f32)>;

/// A tensor, and the outputs that are its smallest and its largest value.
pub type Observed = (String, [String; 2]);

impl Network {
    /// Returns the network with two more outputs for each tensor that [`quantised`](Self::quantised) needs
    /// the range of: its smallest and largest value. Also returns the tensors, each with the names of
    /// these outputs.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if nothing in it can be quantised.
    pub fn observed(&self) -> Result<(Spliced, Vec<Observed>)> {
        let chosen = Chosen::of(self)?;
        let mut body = Message::of([&self.graph.body]);
        let mut observed = Vec::new();
        for (i, tensor) in chosen.live.iter().enumerate() {
            let ends = ["Min", "Max"].map(|end| {
                let name = format!("frostline.{end}.{i}");
                let attributes = vec![int("keepdims", 0)];
                let reduce = format!("Reduce{end}");
                body.message(1, proto::node(&reduce, &name, &[tensor], &name, attributes));
                body.message(12, proto::value_info(&name, Some(&[])));
                name
            });
            observed.push(((*tensor).to_owned(), ends));
        }
        let mut model = self.head(self.ir_version);
        model.message(7, body);
        let model = model.spliced(vec![self.path.clone()], self.open);
        Ok((model, observed))
    }

    /// Returns the network in 8 bits. It starts and ends with `float32`.
    ///
    /// # Errors
    /// [`Error::Network`](crate::Error::Network) if nothing in it can be quantised, or a range is missing;
    /// [`Error::Io`](crate::Error::Io) and [`Error::File`](crate::Error::File) if its file has changed.
    pub fn quantised(&self, ranges: &Ranges) -> Result<Spliced> {
        let chosen = Chosen::of(self)?;
        let mut steps = HashMap::new();
        for tensor in &chosen.live {
            let range = ranges
                .get(*tensor)
                .filter(|(low, high)| low.is_finite() && high.is_finite());
            let missing =
                || NetworkProblem::NotInInt8(format!("the range of `{tensor}` is unknown"));
            let range = *range.ok_or_else(|| missing().at(&self.path))?;
            steps.insert(*tensor, Step::of(range));
        }
        Writer::new(&chosen, steps).write(self)
    }
}
