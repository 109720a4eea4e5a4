//! Reads the label file that a session will write again.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use super::deed::class_name;
use crate::error::{Error, LabelProblem, Result};
use crate::inputs::{self, Links};
use crate::labels::{LabelColumns, LabelFile, Verdict};

/// The longest header of a label file, in bytes.
const HEADER: u64 = 4096;

/// Returns the labels in a file by the names of their images, and as the file has them where there is no such
/// image; `None` if there is no file.
///
/// # Errors
/// A file that cannot be read; one with more than `path,label`, which would be lost when it is written.
pub(super) fn read_labels<'a>(
    path: &Path,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Result<Option<Vec<(String, String)>>> {
    match inputs::open(path, Links::Follow) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => {
            let file = opened.map_err(Error::io("read", path))?;
            // Created empty, for example by `mktemp`.
            if file.metadata().map_err(Error::io("read", path))?.len() == 0 {
                return Ok(None);
            }
            require_two_columns(path, file)?;
        }
    }
    let file = LabelFile::read(path, &LabelColumns::default())?;
    let matched = file.matched(names.clone())?;
    let (mut labels, mut seen) = (Vec::new(), HashSet::new());
    for name in names {
        if let Some(row) = matched.row(name, None) {
            seen.insert(row.line);
            labels.extend(label(path, row.verdict)?.map(|label| (name.to_owned(), label)));
        }
    }
    for row in file.rows().filter(|row| !seen.contains(&row.line)) {
        labels.extend(label(path, row.verdict)?.map(|label| (row.key.to_owned(), label)));
    }
    Ok(Some(labels))
}

fn label(path: &Path, verdict: Verdict<'_>) -> Result<Option<String>> {
    let Verdict::Class(class) = verdict else {
        return Ok(None);
    };
    let name = class_name(class).map_err(|why| LabelProblem::ClassInFile {
        path: path.to_owned(),
        why,
    })?;
    Ok(Some(name.to_owned()))
}

/// Refuses a file with other columns than the paths and the labels.
fn require_two_columns(path: &Path, file: std::fs::File) -> Result<()> {
    let mut header = String::new();
    let read = BufReader::new(file.take(HEADER)).read_line(&mut header);
    // What is not text is no label file, as the reader says.
    if read.is_err() {
        return Ok(());
    }
    let header = header.trim_start_matches('\u{feff}').trim_end();
    let columns: Vec<&str> = header.split([',', ';', '\t']).collect();
    if columns.len() == 2 && columns[0].trim_matches('"') == "path" {
        return Ok(());
    }
    Err(LabelProblem::OtherColumns {
        path: path.to_owned(),
    }
    .into())
}
