//! Writes label files.

use std::path::Path;

use crate::error::{Error, Result, csv_error};
use crate::outputs;

/// Writes a CSV file with the columns `path` and `label`, which [`LabelFile::read`](super::LabelFile::read)
/// reads. The file appears complete or not at all.
///
/// # Errors
/// [`Error::Io`].
pub fn write_labels<'a>(
    path: &Path,
    rows: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<()> {
    outputs::write_through(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        let write = || {
            csv.write_record(["path", "label"])?;
            rows.into_iter()
                .try_for_each(|(path, label)| csv.write_record([path, label]))?;
            csv.flush()?;
            Ok(())
        };
        write()
            .map_err(csv_error)
            .map_err(Error::io("write", outputs::name(path)))
    })
}
