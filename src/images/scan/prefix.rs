//! Lists the images at a URL: an object, an archive or a table, or all images below a prefix.
//!
//! Below a prefix, keys are like paths below a folder: the first part of a name is the class.

use std::path::{Path, PathBuf};

use super::arranged::{Listing, Named, folder_of};
use super::found::How;
use super::merged::Merged;
use super::names::{extension_key, is_image, is_left_out};
use super::patterns::fits;
use super::table::First;
use super::{Labels, Names, Scan, archive, table};
use crate::error::Result;
use crate::images::Place;
use crate::images::container::Container;
use crate::images::stores::{Found, Object, Url, candidates, find};
use crate::progress::go_on;

/// Returns whether an input is a URL of a store, or a pattern, rather than a path of a file or folder.
#[must_use]
pub fn is_remote(input: &Path) -> bool {
    let text = input.to_string_lossy();
    Url::of(input).is_some() || !input.exists() && text.contains(['{', '*', '?'])
}

/// Lists the images at a URL. Their names are those below it, unless it `is_one_of_several` inputs.
///
/// # Errors
/// The store's, and those of archives and tables; if it should stop.
pub(super) fn scan(
    url: &Url,
    is_one_of_several: bool,
    how: How<'_>,
    first: &mut First,
) -> Result<Scan> {
    if url.is_pattern() {
        return of_pattern(url, how, first);
    }
    let objects = match find(url, how.progress)? {
        Found::One(object) => return one(object, how, first),
        Found::Many(objects) => objects,
    };
    let mut listing = Listing::default();
    for (name, object) in objects {
        let mut parts = name.split('/');
        let file = parts.next_back().unwrap_or_default();
        let is_junk = is_left_out(file.as_ref()) || parts.any(|part| is_left_out(part.as_ref()));
        if is_junk || file.is_empty() {
            continue;
        }
        if !is_image(file.as_ref()) && how.names == Names::Extensions {
            listing.ignore(extension_key(file.as_ref()));
            continue;
        }
        let class = folder_of(&name).filter(|_| how.labels == Labels::FromFolders);
        let class = class.map(|class| listing.class(class));
        let name = if is_one_of_several {
            object.address()
        } else {
            name
        };
        listing.add(Named { name, class }, Ok(Place::object(object)));
    }
    Ok(listing.scan())
}

fn of_pattern(url: &Url, how: How<'_>, first: &mut First) -> Result<Scan> {
    let (pattern, found) = candidates(url, how.progress)?;
    let fit = found.into_iter().filter(|(name, _)| fits(name, &pattern));
    let objects: Vec<Object> = fit.map(|(_, object)| object).collect();
    if objects.is_empty() {
        let pattern = crate::visible::for_terminal(&url.text);
        return Err(crate::error::ImagesError::NoMatch(pattern).into());
    }
    let names: Vec<PathBuf> = objects
        .iter()
        .map(|object| object.address().into())
        .collect();
    let mut merged = Merged::new();
    for (name, object) in names.iter().zip(objects) {
        merged.add(name, one(object, how, first)?);
    }
    merged.finish()
}

/// Lists the images of an object.
fn one(object: Object, how: How<'_>, first: &mut First) -> Result<Scan> {
    go_on(how.progress)?;
    let name = object.address();
    if archive::is_archive(&name) {
        return archive::scan(&Container::object(object.listed(how.progress)?), how);
    } else if table::is_table(&name) {
        return table::scan(&Container::object(object.listed(how.progress)?), how, first);
    }
    let mut listing = Listing::default();
    listing.add(Named { name, class: None }, Ok(Place::object(object)));
    Ok(listing.scan())
}
