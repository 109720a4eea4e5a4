//! The label file: reading and writing rows of `path,label`.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Error, Result, csv_error};
use crate::inputs::{self, Links};
use crate::outputs;

const LIMIT: u64 = 1 << 30;

pub(super) fn read_labels<'a>(
    path: &Path,
    _names: impl Iterator<Item = &'a str> + Clone,
) -> Result<Option<Vec<(String, String)>>> {
    let bytes = match inputs::read(path, Links::Follow, LIMIT) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(Error::io("read", path))?,
    };
    let mut reader = csv::Reader::from_reader(&*bytes);
    let rows = reader.deserialize();
    let rows: std::result::Result<_, _> = rows.collect();
    Ok(Some(
        rows.map_err(csv_error).map_err(Error::io("read", path))?,
    ))
}

pub(super) fn write_labels<'a>(
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
        write().map_err(csv_error).map_err(Error::io("write", path))
    })
}
