//! Rows of tables, and why they cannot be read.

use crate::caught::caught;
use crate::images::SkipReason;
use crate::images::fault::ReadFault;
use crate::images::place::Place;

/// A row of a table.
#[derive(Debug)]
pub(in crate::images) struct Row {
    /// The path in the image's struct.
    pub(in crate::images) path: Option<String>,
    /// The text or number of the label.
    pub(in crate::images) label: Option<String>,
    pub(in crate::images) place: RowPlace,
}

/// Where the image of a row is.
#[derive(Debug)]
pub(in crate::images) enum RowPlace {
    Here(Place),
    /// The row has no bytes.
    Nowhere,
}

/// Why a table cannot be read.
#[derive(Debug)]
pub(in crate::images) enum Fault {
    /// What is wrong with the table.
    Table(String),
    /// No column can be the images.
    NoColumn {
        /// The columns that there are.
        columns: Vec<String>,
        /// Those that could be the images, if there are several.
        several: Vec<String>,
    },
    Io(std::io::Error),
    /// The caller wants no more rows.
    Stopped,
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Table("it is cut off".to_owned()),
            _ => Self::Io(error),
        }
    }
}

impl From<String> for Fault {
    fn from(detail: String) -> Self {
        Self::Table(detail)
    }
}

/// Converts a panic of a reader into the reason to skip an image.
pub(super) fn read_caught<T>(work: impl FnOnce() -> Result<T, ReadFault>) -> Result<T, ReadFault> {
    caught(work, |panic| {
        SkipReason::Unreadable(format!("the table is damaged: {panic}")).into()
    })
}
