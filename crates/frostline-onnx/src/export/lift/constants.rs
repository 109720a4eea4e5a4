//! Raises nodes with constants for what were attributes.

use std::collections::HashSet;

use crate::cut::unused;
use crate::graph::{Attribute, Node};
use crate::proto;
use crate::splice::Message;

/// An attribute does not have the type that ONNX says.
pub(super) struct OtherType;

/// Raises the nodes of a network.
pub(in crate::export) struct Lift<'n> {
    /// The version that the network has.
    pub(in crate::export) from: i64,
    /// The names of its tensors.
    pub(in crate::export) taken: &'n HashSet<&'n str>,
    /// The tensors that something reads.
    pub(in crate::export) read: HashSet<&'n str>,
    /// Whether it computes in `float32` only.
    pub(in crate::export) is_float32: bool,
    /// The constants that were attributes.
    pub(in crate::export) weights: Message,
}

impl Lift<'_> {
    /// Returns the name of a new tensor.
    pub(super) fn name(&self, what: &str) -> String {
        unused(&format!("frostline.lifted.{what}"), self.taken)
    }

    /// Turns an attribute of integers into a constant; `None` if it is absent.
    pub(super) fn list(
        &mut self,
        node: &Node,
        attribute: &str,
        what: &str,
    ) -> Result<Option<String>, OtherType> {
        if node.attribute(attribute).is_none() {
            return Ok(None);
        }
        let values = node.ints(attribute).ok_or(OtherType)?.to_vec();
        Ok(Some(self.integers(what, &values)))
    }

    pub(super) fn integers(&mut self, what: &str, values: &[i64]) -> String {
        let name = self.name(what);
        self.weights.message(5, proto::integers(&name, values));
        name
    }

    /// Turns an attribute of one float into a constant; `None` if it is absent.
    pub(super) fn scalar(
        &mut self,
        node: &Node,
        attribute: &str,
        what: &str,
    ) -> Result<Option<String>, OtherType> {
        match node.attribute(attribute) {
            None => Ok(None),
            Some(Attribute::Float(value)) if self.is_float32 => Ok(Some(self.float(what, *value))),
            Some(_) => Err(OtherType),
        }
    }

    pub(super) fn float(&mut self, what: &str, value: f32) -> String {
        self.floats(what, &[], &[value])
    }

    pub(super) fn floats(&mut self, what: &str, dims: &[i64], values: &[f32]) -> String {
        let name = self.name(what);
        self.weights.message(5, proto::floats(&name, dims, values));
        name
    }
}
