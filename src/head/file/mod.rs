//! The head file: a fitted head with its classes, and how it came about.
//!
//! # Format
//!
//! A safetensors file (`frostline-head`, format version 2): 8 bytes little-endian length of the JSON header, the header
//! padded with spaces to a multiple of 8 bytes, the tensors' numbers little-endian and row-major, nothing after them.
//! C is the number of classes, D that of features, M that of the training images that a rejection keeps, N that of the
//! different training images, V that of the views of each.
//!
//! | tensor | type | shape |
//! |---|---|---|
//! | `weight` | F32 | (C, D) |
//! | `bias` | F32 | (C) |
//! | `training_classes` | I32 | (M), each from 0 to C - 1; only with a `rejection` |
//! | `training_features` | F16 | (M, D), rows of length 1; only with a `rejection` |
//! | `training_digests` | U8 | (N, 32): the BLAKE3 digests of the training images' bytes, ascending, no two equal; (N, 8), the first bytes of each, for more than 100,000 images |
//! | `held_out_digests` | U8 | the same of the images that were held out of a training set for validation |
//! | `out_of_fold_logits` | F32 | (N, V, C): logits of each training image, in the order of `training_digests`, by a head that was trained without it and its near-duplicates |
//! | `out_of_fold_folds` | I32 | (N): the fold that each was left out with, from 0; only with `out_of_fold_logits` |
//!
//! The header's `__metadata__` holds strings, as safetensors wants it:
//!
//! | key | value |
//! |---|---|
//! | `format` | `frostline-head` |
//! | `format_version` | `2`; a reader refuses a number above the one it knows. Version 1 had no checksum |
//! | `checksum` | the BLAKE3 of the whole file as 64 hex digits, these digits read as zeros; always there from version 2 on. Its key and value stand in the header without a space or an escape between them |
//! | `classes` | JSON list of C different names, in index order; C is at least 2, a name has 1 to 4096 bytes and no NUL |
//! | `manifest` | JSON: what made the features; this module does not look into it |
//! | `params` | JSON: how the head was fitted; as opaque |
//! | `metrics` | JSON: how good it was; as opaque |
//! | `temperature` | a decimal number T from 1e-6 to 1e6; where it is missing, T is 1 |
//! | `rejection` | JSON: `method` (`nearest-neighbours`), `k`, `rate`, `threshold`; where it is missing, nothing is rejected |
//! | `created_by` | `frostline` and its version |
//!
//! Logits are `features · weightᵀ + bias`, probabilities the softmax of logits / T. An image is unknown where the cosine
//! between its features and the k-th nearest row of `training_features` is below the threshold; k is at most M. All
//! numbers are finite. Without `training_digests` it is not known what the head was trained on. Out-of-fold logits of more
//! than 64 MiB are not written; the temperature applies to them as to all others.
//! The header has at most 32 MiB, the file at most 2 GiB.
//! Readers pass over tensors and metadata that they do not know, as those of version 1 that knew neither `temperature`
//! nor `rejection` do, and take `null` for a missing `manifest`, `params` or `metrics`. Equal heads give equal bytes. In
//! Python: `safetensors.safe_open(path, "pt")`, then `get_tensor("weight")` and
//! `metadata()`. Who changes a head with another tool writes it as version 1 without a `checksum`.

mod checksum;
mod image_set;
mod kind;
mod read;
mod record;
mod tensors;
mod training_record;
mod write;

use std::path::Path;

use serde_json::Value;

pub(crate) use self::checksum::seal_again;
pub use self::image_set::{ImageSet, WHOLE_DIGESTS};
pub use self::training_record::{ImageRole, OUT_OF_FOLD_BYTES, TrainingRecord};
use crate::classes::ClassIndex;
use crate::error::{FileProblem, Result};
use crate::head::linear::LinearHead;
use crate::head::trust::{Rejection, Temperature};

/// The latest version of the format, which this module writes.
pub const FORMAT_VERSION: u64 = 2;

const FORMAT: &str = "frostline-head";

/// Bytes of the header's length.
const PREFIX: usize = 8;

/// Bytes of the longest header. It is parsed into values many times as long; 100,000 classes or epochs take half of it.
const LONGEST_HEADER: usize = 32 << 20;

/// Bytes of the longest name of a class: that of the longest path.
const LONGEST_NAME: usize = 4096;

/// What a head file holds.
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

impl HeadFile {
    /// Writes the file beside its place, syncs it, and renames it: whatever fails, an older file stays as it was. Links are
    /// followed, missing folders are made, and `-` is standard output.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) when the head has not one row for each class, a weight that is
    /// not finite, or a rejection of other classes or features; [`Error::Io`](crate::error::Error::Io) when the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        write::write(self, path.as_ref())
    }

    /// Reads a file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io) when it cannot be read, else [`Error::File`](crate::error::Error::File):
    /// cut (with the sizes), foreign (with what it is), newer, or damaged (with what does not fit).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        read::read(path.as_ref())
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        write::encode(self)
    }

    /// What the bytes of a head file hold, or what is wrong with them.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, FileProblem> {
        read::decode(bytes)
    }
}

/// Why a head cannot have these classes, in words that name one.
fn class_problem(classes: &ClassIndex) -> Option<String> {
    if classes.len() < 2 {
        return Some(format!(
            "there are fewer than two classes ({})",
            classes.len()
        ));
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

#[cfg(test)]
mod tests;
