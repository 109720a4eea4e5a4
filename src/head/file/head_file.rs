//! The content of a head file.

use serde_json::Value;

use super::training_record::TrainingRecord;
use crate::classes::ClassIndex;
use crate::head::linear::LinearHead;
use crate::head::trust::{Rejection, Temperature};

/// The latest format version, which this module writes.
pub(crate) const FORMAT_VERSION: u64 = 2;

pub(super) const FORMAT: &str = "frostline-head";

/// The size of the header's length field in bytes.
pub(super) const PREFIX: usize = 8;

/// The longest header in bytes. Its parsed values take many times as much memory; 100,000 classes or epochs
/// need half of it.
pub(super) const LONGEST_HEADER: usize = 32 << 20;

/// The longest class name in bytes, as long as the longest path.
const LONGEST_NAME: usize = 4096;

/// The content of a head file: the layer, its classes, and its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadFile {
    /// Weight (C, D) and bias (C).
    pub head: LinearHead,
    /// The names of the C classes.
    pub classes: ClassIndex,
    /// How the features were extracted: backbone, layer, preprocessing.
    pub manifest: Value,
    /// The parameters of the fit.
    pub params: Value,
    /// The metrics of the fit.
    pub metrics: Value,
    /// The temperature that the logits are divided by.
    pub temperature: Temperature,
    /// The rejection of images that are unlike any training image.
    pub rejection: Option<Rejection>,
    /// The record of the images that the head was trained on, empty if they are not known.
    pub record: TrainingRecord,
}

/// Returns why a head cannot have these classes, naming the first invalid one.
pub(super) fn class_problem(classes: &ClassIndex) -> Option<String> {
    let n = classes.len();
    if n < 2 {
        return Some(format!("there are fewer than two classes ({n})"));
    }
    let of_name = |(index, name): (usize, &str)| match name {
        "" => Some(format!("class {index} (from 0) has no name")),
        name if name.contains('\0') => {
            Some(format!("the name of class {index} (from 0) contains NUL"))
        }
        name if name.len() > LONGEST_NAME => Some(format!(
            "the name of class {index} (from 0) has {} bytes; the limit is {LONGEST_NAME}",
            name.len()
        )),
        _ => None,
    };
    classes.iter().enumerate().find_map(of_name)
}
