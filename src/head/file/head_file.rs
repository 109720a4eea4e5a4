//! What a head file holds.

use serde_json::Value;

use super::training_record::TrainingRecord;
use crate::classes::ClassIndex;
use crate::head::linear::LinearHead;
use crate::head::trust::{Rejection, Temperature};

/// The latest version of the format, which this module writes.
pub(crate) const FORMAT_VERSION: u64 = 2;

pub(super) const FORMAT: &str = "frostline-head";

/// Bytes of the header's length.
pub(super) const PREFIX: usize = 8;

/// Bytes of the longest header. It is parsed into values many times as long; 100,000 classes or epochs take
/// half of it.
pub(super) const LONGEST_HEADER: usize = 32 << 20;

/// Bytes of the longest name of a class: that of the longest path.
const LONGEST_NAME: usize = 4096;

/// The content of a head file: the layer, its classes, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadFile {
    /// Weight (C, D) and bias (C).
    pub head: LinearHead,
    /// The names of the C classes.
    pub classes: ClassIndex,
    /// What made the features: backbone, layer, preprocessing.
    pub manifest: Value,
    /// How the head was fitted.
    pub params: Value,
    /// How good it was.
    pub metrics: Value,
    /// What the logits are divided by.
    pub temperature: Temperature,
    /// What tells images of no class from the others.
    pub rejection: Option<Rejection>,
    /// The images that it was trained on, where they are known.
    pub record: TrainingRecord,
}

/// Why a head cannot have these classes, in words that name one.
pub(super) fn class_problem(classes: &ClassIndex) -> Option<String> {
    let n = classes.len();
    if n < 2 {
        return Some(format!("there are fewer than two classes ({n})"));
    }
    let of_name = |(index, name): (usize, &str)| match name {
        "" => Some(format!("class {index} (from 0) has no name")),
        name if name.contains('\0') => {
            Some(format!("the name of class {index} (from 0) has a NUL"))
        }
        name if name.len() > LONGEST_NAME => Some(format!(
            "the name of class {index} (from 0) has {} bytes, more than {LONGEST_NAME}",
            name.len()
        )),
        _ => None,
    };
    classes.iter().enumerate().find_map(of_name)
}
