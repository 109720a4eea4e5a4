//! A fuzzing entry point, which is not part of the public API.

use std::path::Path;

use super::{Given, LabelColumns, LabelFile, Verdict};
use crate::error::Result;

/// Reads a label file, and applies it to the images that it lists. Returns the number of its rows.
///
/// # Errors
/// The reason why the file cannot be read.
///
/// # Panics
/// If an image that the file lists is not found.
pub fn labels(path: &Path) -> Result<usize> {
    let file = LabelFile::read(path, &LabelColumns::default())?;
    let rows: Vec<(String, bool)> = file
        .rows()
        .map(|row| (row.key.to_owned(), matches!(row.verdict, Verdict::Class(_))))
        .collect();
    if file.is_by_digest() {
        return Ok(rows.len());
    }
    let paths = rows.iter().map(|(path, _)| path.as_str());
    let mut matched = file.matched(paths)?;
    for (path, has_class) in &rows {
        let given = matched.take(path, None);
        assert_eq!(matches!(given, Given::Class(_)), *has_class);
        assert_ne!(given, Given::Unlisted);
    }
    assert_eq!(matched.unmatched().count, 0);
    Ok(rows.len())
}
