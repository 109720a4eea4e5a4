//! The head file: a fitted head with its classes, and how it came about.
//!
//! # Format
//!
//! A safetensors file (`frostline-head`, format version 2): 8 bytes little-endian length of the JSON header,
//! the header padded with spaces to a multiple of 8 bytes, the tensors' numbers little-endian and row-major,
//! nothing after them. C is the number of classes, D that of features, M that of the training images that a
//! rejection keeps, N that of the different training images, V that of the views of each.
//!
//! | tensor | type | shape |
//! |---|---|---|
//! | `weight` | F32 | (C, D) |
//! | `bias` | F32 | (C) |
//! | `training_classes` | I32 | (M), each from 0 to C - 1; only with a `rejection` |
//! | `training_features` | F16 | (M, D), rows of length 1; only with a `rejection` |
//! | `training_digests` | U8 | (N, 32), or (N, 8) for more than 100,000 images |
//! | `held_out_digests` | U8 | the same for the images that were held out for validation |
//! | `out_of_fold_logits` | F32 | (N, V, C), in the order of `training_digests` |
//! | `out_of_fold_folds` | I32 | (N): the fold of each image, from 0; only with `out_of_fold_logits` |
//!
//! The digests are the BLAKE3 of the images' bytes, or the first 8 bytes of it, ascending, no two equal. The
//! out-of-fold logits of an image are by a head that was trained without the image and its near-duplicates.
//!
//! The header's `__metadata__` holds strings, as safetensors wants it:
//!
//! | key | value |
//! |---|---|
//! | `format` | `frostline-head` |
//! | `format_version` | `2`; a reader refuses a number above the one it knows. Version 1 had no checksum |
//! | `checksum` | the BLAKE3 of the whole file as 64 hex digits; required from version 2 on |
//! | `classes` | JSON list of C different names, in index order |
//! | `manifest` | JSON: what made the features; this module does not look into it |
//! | `params` | JSON: how the head was fitted; as opaque |
//! | `metrics` | JSON: how good it was; as opaque |
//! | `temperature` | a decimal number T from 1e-6 to 1e6; where it is missing, T is 1 |
//! | `rejection` | JSON: `method` (`nearest-neighbours`), `k`, `rate`, `threshold`; optional |
//! | `created_by` | `frostline` and its version |
//!
//! C is at least 2; the name of a class has 1 to 4096 bytes and no NUL. The checksum is computed with its own
//! digits read as zeros; its key and value stand in the header without a space or an escape between them.
//!
//! Logits are `features · weightᵀ + bias`, probabilities the softmax of logits / T. An image is unknown where
//! the cosine between its features and the k-th nearest row of `training_features` is below the threshold; k
//! is at most M. All numbers are finite. Without `training_digests` it is not known what the head was trained
//! on. Out-of-fold logits of more than 64 MiB are not written; the temperature applies to them as to all
//! others. The header has at most 32 MiB, the file at most 2 GiB. Readers pass over tensors and metadata that
//! they do not know, as those of version 1 that knew neither `temperature` nor `rejection` do, and take
//! `null` for a missing `manifest`, `params` or `metrics`. Equal heads give equal bytes. In Python:
//! `safetensors.safe_open(path, "pt")`, then `get_tensor("weight")` and `metadata()`. Who changes a head with
//! another tool writes it as version 1 without a `checksum`.

mod checksum;
mod contents;
mod head_file;
mod image_set;
mod read;
mod training_record;
mod write;

pub(crate) use checksum::seal_again;
pub use head_file::HeadFile;
pub use image_set::ImageSet;
pub(crate) use training_record::OUT_OF_FOLD_BYTES;
pub use training_record::{ImageRole, TrainingRecord};

#[cfg(test)]
mod tests;
