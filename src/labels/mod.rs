//! Labels in files: which class an image has, apart from the folder it is in.
//!
//! # Format
//! A table with one row for each image: CSV with commas, semicolons or tabs, JSON Lines, or Parquet, as the
//! content shows. Text is UTF-8, with or without a byte order mark. Two columns are needed, the others are
//! ignored:
//!
//! - `path`, as in the index of a store (relative to the folder of the images, joined by `/`, and escaped as
//!   described in [`path_text`](crate::images::path_text)), or `digest`, 64 hexadecimal digits;
//! - `label`, or `class`: the name of the class. An image with an empty label has none.
//!
//! [`LabelColumns`] chooses other names. In the results of `frostline classify`, the column `status` says
//! which labels are predictions: a row that is `unknown` or `skipped` has no label. Without that column,
//! these are names as any other. An image may be listed twice, but not with two labels.
//!
//! [`LabelFile::matched`] finds out how the paths of a file correspond to those of images. [`write_labels`]
//! writes `path,label`.

mod columns;
mod file;
mod folder_name;
#[doc(hidden)]
pub mod fuzz;
mod matching;
mod row;
mod rows;
mod table;
mod text;
mod write;

pub use columns::LabelColumns;
pub use file::{Given, LabelFile};
pub use folder_name::check_folder_name;
pub use matching::{Matched, Named};
pub use row::{LabelRow, Verdict};
pub use write::write_labels;
