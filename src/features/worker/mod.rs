//! Computes features for the record batches of an Arrow IPC stream, so that any engine can use frostline.
//!
//! # Format
//! The input is an Arrow IPC stream. Its images are in the column `image`, `bytes` or `path`, or in one that
//! is named: binary (the content of an image file), text (a path), or a struct with the fields `bytes` and
//! `path`, as Hugging Face's datasets have it. Large, view and dictionary types are accepted, and so is a
//! column of nulls.
//!
//! The output is an Arrow IPC stream with a batch for each batch of the input, in the same order and with the
//! same rows. It has the columns of the input, without the images unless they are kept; if the images are
//! structs with a path and there is no column `id` or `path`, `path` Utf8: these paths; and then:
//! - `digest` Binary: the BLAKE3 hash of the image's bytes; null unless `status` is `ok`
//! - `features` List of Float32 or Float16, of length D; null unless `status` is `ok`
//! - `width`, `height` Int32: the upright size in pixels; null unless `status` is `ok`
//! - `status` Utf8: `ok`, `skipped: ` and why the image cannot be used, or `failed: ` and how the process
//!   ended that tried to use it
//!
//! The schema's metadata is that of the input and `frostline.manifest`, the manifest of the features as in a
//! part of a store. Each batch is flushed as soon as it is complete. The end-of-stream marker follows only if
//! the input had one.

mod cells;
pub(in crate::features) mod fuzz;
mod isolate;
mod layout;
mod results;
mod serve;
pub(in crate::features) mod stream;

pub use self::isolate::{Isolated, isolate};
pub use self::layout::Columns;
pub use self::serve::{Served, Worker};
