//! A fuzzing entry point: reads a table as a merge does, without a store.

use std::path::Path;

use super::table;
use crate::error::Result;

/// Reads all rows of a table of features, and returns their number.
///
/// # Errors
/// The reason why the table cannot be read.
///
/// # Panics
/// If a row is accepted that no store can have.
pub fn feature_table(path: &Path) -> Result<usize> {
    let manifest = table::manifest(path)?;
    let width = manifest.spec.views.len() * manifest.spec.backbone.num_features;
    let mut rows = 0;
    table::each(path, &manifest, |row, features| {
        rows += 1;
        let wanted = if row.content.is_ok() { width } else { 0 };
        assert_eq!(features.len(), wanted);
        assert!(features.iter().all(|feature| feature.is_finite()));
        Ok(())
    })?;
    Ok(rows)
}
