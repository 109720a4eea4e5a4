//! The head file: a fitted head with its classes and its origin.
//!
//! # Format
//!
//! A safetensors file (`frostline-head`, format version 2): the length of the JSON header as 8 bytes,
//! little-endian; the header, padded with spaces to a multiple of 8 bytes; the tensors, little-endian and
//! row-major; and nothing after them. C is the number of classes, D of features, M of training images stored
//! for rejection, N of different training images, and V of views of each image.
//!
//! | tensor | type | shape |
//! |---|---|---|
//! | `weight` | F32 | (C, D) |
//! | `bias` | F32 | (C) |
//! | `training_classes` | I32 | (M), each from 0 to C - 1; only with a `rejection` |
//! | `training_features` | F16 | (M, D), rows of length 1; only with a `rejection` |
//! | `training_digests` | U8 | (N, 32), or (N, 8) for more than 100,000 images |
//! | `held_out_digests` | U8 | the same for the images held out for validation |
//! | `out_of_fold_logits` | F32 | (N, V, C), in the order of `training_digests` |
//! | `out_of_fold_folds` | I32 | (N): the fold of each image, from 0; only with `out_of_fold_logits` |
//!
//! The digests are the BLAKE3 hashes of the images' bytes, or the first 8 bytes of these hashes, in strictly
//! ascending order. The out-of-fold logits of an image come from a head that was trained without the image
//! and its near-duplicates.
//!
//! The header's `__metadata__` holds strings, as safetensors requires:
//!
//! | key | value |
//! |---|---|
//! | `format` | `frostline-head` |
//! | `format_version` | `2`; a reader refuses newer versions than it knows. Version 1 had no checksum |
//! | `checksum` | the BLAKE3 of the whole file as 64 hex digits; required from version 2 on |
//! | `classes` | JSON list of C different names, in index order |
//! | `manifest` | JSON: how the features were extracted; not interpreted by this module |
//! | `params` | JSON: the parameters of the fit; not interpreted either |
//! | `metrics` | JSON: the metrics of the fit; not interpreted either |
//! | `temperature` | a decimal number T from 1e-6 to 1e6; T is 1 if it is missing |
//! | `rejection` | JSON: `method` (`nearest-neighbours`), `k`, `rate`, `threshold`; optional |
//! | `created_by` | `frostline` and its version |
//!
//! C is at least 2. A class name has 1 to 4096 bytes and no NUL. The checksum is computed with its own digits
//! replaced by zeros; its key and value are in the header without a space or an escape between them.
//!
//! Logits are `features · weightᵀ + bias`; probabilities are the softmax of logits / T, also for out-of-fold
//! logits. An image is unknown if the cosine between its features and the k-th nearest row of
//! `training_features` is below the threshold; k is at most M. All numbers are finite. Without
//! `training_digests`, the training images of the head are not known. Out-of-fold logits of more than 64 MiB
//! are not written.
//!
//! The header has at most 32 MiB, the file at most 2 GiB. Readers ignore tensors and metadata that they do
//! not know (so readers of version 1 that do not know `temperature` and `rejection` ignore these), and read a
//! missing `manifest`, `params` or `metrics` as `null`. Equal heads are written as equal bytes.
//!
//! In Python, read a head with `safetensors.safe_open(path, "pt")`, then `get_tensor("weight")` and
//! `metadata()`. Other tools that change a head must write it as version 1 without a `checksum`.

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
pub(crate) use read::OpenedHead;
pub(crate) use training_record::OUT_OF_FOLD_BYTES;
pub use training_record::{ImageRole, TrainingRecord};

#[cfg(test)]
mod tests;
