//! Tables with images in a column: Parquet files, and Arrow files and streams.
//!
//! A column of images is binary, or a struct with the field `bytes` and often `path`, as Hugging Face's
//! `datasets` writes it. A column of labels contains text or integers; the schema's `huggingface` metadata
//! has the names of integers (`ClassLabel`).

mod arrow;
pub(crate) mod cell;
mod columns;
mod parquet;
mod row;
mod values;

use std::sync::Arc;

pub(crate) use columns::LabelColumn;
pub(super) use columns::{Chosen, Columns};
use columns::{Each, Listed};
pub(super) use row::{Fault, RowPlace};

use super::container::Container;
use crate::caught::caught;

/// Passes all rows of a table to `each`, in order.
pub(super) fn list(container: &Arc<Container>, wants_labels: bool, each: Each<'_>) -> Listed {
    let work = || {
        let mut contents = container.open()?;
        let mut start = [0; 4];
        let length = container.length();
        if length < 12 {
            return Err(Fault::Table("it is too short for a table".to_owned()));
        }
        contents.range(0, &mut start)?;
        if &start == b"PAR1" {
            parquet::list(container, contents, wants_labels, each).map(|columns| (columns, None))
        } else {
            arrow::list(container, contents, wants_labels, each)
        }
    };
    caught(work, |panic| {
        Fault::Table(format!("it is damaged: {panic}"))
    })
}
