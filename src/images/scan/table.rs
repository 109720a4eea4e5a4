//! Lists the images of a table: rows of a Parquet file, an Arrow file or an Arrow stream.
//!
//! The class of a row is the text or the number in its column of labels, or the name that the schema has for
//! the number. An image is named by the path in its struct, if no other row has the same one, or else by the
//! number of its row.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::arranged::{Listing, Named, class_text, container_error, io_error};
use super::found::How;
use super::{Labels, Scan};
use crate::error::{Error, ImagesError, Result};
use crate::images::container::Container;
use crate::images::place::Place;
use crate::images::tables::{self, Chosen, Columns, Fault, RowPlace};
use crate::images::{SkipReason, path_text};
use crate::progress::go_on;

/// Returns whether a name is that of a table.
pub(crate) fn is_table(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    let extension = extension.map(str::to_ascii_lowercase);
    extension.is_some_and(|e| ["parquet", "arrow", "arrows", "feather", "ipc"].contains(&&*e))
}

/// The columns of the first table, which those of later ones must equal.
#[derive(Debug, Default)]
pub(super) struct First(Option<(String, Columns)>);

/// Lists the images of a table.
///
/// # Errors
/// If it cannot be read, has no column of images, or has other columns than the first table; if it should
/// stop.
pub(super) fn scan(container: &Arc<Container>, how: How<'_>, first: &mut First) -> Result<Scan> {
    let name = container.name();
    let mut rows = Vec::new();
    let wants_labels = how.labels == Labels::FromFolders;
    let mut listing = Listing::default();
    let listed = tables::list(container, wants_labels, &mut |columns, row| {
        let label = row.label.as_deref().and_then(|label| columns.class(label));
        let class = label
            .and_then(class_text)
            .map(|class| listing.class(&class));
        rows.push((row.path, class, row.place));
        go_on(how.progress).map_err(|_| Fault::Stopped)
    });
    let (columns, fault) = listed.map_err(|fault| error(&name, fault))?;
    first.require(&name, columns.clone())?;
    if !columns.several.is_empty() {
        let several: Vec<_> = columns
            .several
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        listing.notes.push(format!(
            "`{}` has several columns of labels ({}): none is used; name one of them `label`",
            path_text::for_terminal(&name),
            several.join(", ")
        ));
    }
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for path in rows.iter().filter_map(|(path, ..)| path.as_deref()) {
        *counts.entry(path).or_default() += 1;
    }
    let unique: Vec<bool> = rows
        .iter()
        .map(|(path, ..)| path.as_deref().is_some_and(|path| counts[path] == 1))
        .collect();
    for (number, ((path, class, place), unique)) in rows.into_iter().zip(unique).enumerate() {
        let place = match (place, &path) {
            (RowPlace::Here(place), _) => Ok(place),
            (RowPlace::Nowhere, Some(path)) => beside(container, path),
            (RowPlace::Nowhere, None) => Err(SkipReason::NoBytes),
        };
        let name = match path.filter(|path| unique && !path.contains('\0')) {
            Some(path) => format!("{name}/{}", path.trim_start_matches(['/', '.'])),
            None => format!("{name}#{number}"),
        };
        listing.add(Named { name, class }, place);
    }
    if let Some(reason) = fault {
        listing.add(Named { name, class: None }, Err(reason));
    }
    Ok(listing.scan())
}

/// Returns the place of an image that has only a path, relative to the folder of the table.
fn beside(container: &Container, path: &str) -> Result<Place, SkipReason> {
    let folder = container
        .path()
        .map(|table| table.parent().unwrap_or(table));
    let file = folder.and_then(|folder| path_text::below(folder, path));
    file.map(Place::from).ok_or(SkipReason::NoBytes)
}

impl First {
    fn require(&mut self, name: &str, columns: Columns) -> Result<()> {
        let name = path_text::for_terminal(name);
        let Some((first, wanted)) = &self.0 else {
            self.0 = Some((name, columns));
            return Ok(());
        };
        let same = wanted.image.name == columns.image.name
            && wanted.label.as_ref().map(column) == columns.label.as_ref().map(column)
            && wanted.names == columns.names;
        if same {
            return Ok(());
        }
        let detail = format!(
            "its columns are not those of `{first}`: {} instead of {}",
            described(&columns),
            described(wanted)
        );
        Err(ImagesError::Container { path: name, detail }.into())
    }
}

fn column(chosen: &Chosen) -> &str {
    &chosen.name
}

fn described(columns: &Columns) -> String {
    let label = match (&columns.label, &columns.names) {
        (None, _) => "no labels".to_owned(),
        (Some(label), None) => format!("labels in `{}`", label.name),
        (Some(label), Some(names)) => {
            format!("labels in `{}` with {} names", label.name, names.len())
        }
    };
    format!("images in `{}` and {label}", columns.image.name)
}

fn error(name: &str, fault: Fault) -> Error {
    match fault {
        Fault::Table(detail) => container_error(name, detail),
        Fault::NoColumn { columns, several } => ImagesError::NoColumn {
            path: path_text::for_terminal(name),
            columns,
            several,
        }
        .into(),
        Fault::Io(error) => io_error(name, error),
        Fault::Stopped => Error::Interrupted { kept: None },
    }
}
