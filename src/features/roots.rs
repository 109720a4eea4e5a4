//! `roots.json`: where the images of the last run were, so that they can be shown.
//!
//! # Format
//! A JSON object with these keys:
//! - `format`: `frostline-roots`
//! - `format_version`: 1
//! - `roots`: an object for each folder, archive or table that the names of the index are relative to:
//!   `path`, its absolute path (see [`crate::images::path_text`]), and `relative`, its path from the store,
//!   if there is one
//! - `checksum`: see `seal`; written without a space after its colon
//!
//! The file is optional, and stores of earlier versions have none: if it is missing, damaged or of a newer
//! version, nobody knows where the images are. It is untrusted: what is found there is only used if it has
//! the digest of the index. URLs are not recorded.

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names::ROOTS;
use super::writer::StoreWriter;
use crate::error::Result;
use crate::images::path_text::{from_text, to_text};
use crate::images::{Entries, is_remote};
use crate::inputs::{self, Links};
use crate::{outputs, seal};

const FORMAT: &str = "frostline-roots";
const VERSION: u64 = 1;
/// The size limit, in bytes, and the most roots that are recorded.
const MOST_BYTES: u64 = 1 << 20;
const MOST: usize = 256;

/// The absolute paths of what the images of a run are in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Roots(Vec<PathBuf>);

#[derive(Debug, Serialize, Deserialize)]
struct Fields {
    format: String,
    format_version: u64,
    roots: Vec<Recorded>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Recorded {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relative: Option<String>,
}

impl Roots {
    /// Returns the roots of the names that a scan of `inputs` found: the only input, unless it is an image;
    /// or else the working directory and what the absolute inputs have in common, since the names are the
    /// inputs' paths then.
    pub(super) fn of(inputs: &[PathBuf], entries: &Entries) -> Self {
        let mut local = inputs.iter().filter(|input| !is_remote(input));
        let mut roots = Self::default();
        let is_image = |input| entries.names().next() == Some(&*to_text(input));
        if let [only] = inputs
            && !is_image(only)
        {
            let only = local.next().and_then(|only| std::path::absolute(only).ok());
            return Self(only.into_iter().collect());
        }
        let (absolute, relative): (Vec<&PathBuf>, _) = local.partition(|input| input.is_absolute());
        if let (false, Ok(here)) = (relative.is_empty(), std::env::current_dir()) {
            roots.add(here);
        }
        let parents = absolute.into_iter().filter_map(|input| input.parent());
        let common = parents
            .map(Path::to_owned)
            .reduce(|one, other| common(&one, &other));
        if let Some(common) = common {
            roots.add(common);
        }
        roots
    }

    fn add(&mut self, root: PathBuf) {
        if self.0.len() < MOST && !self.0.contains(&root) {
            self.0.push(root);
        }
    }

    /// Adds the roots of a store: where they are, or where they were.
    pub(super) fn add_store(&mut self, store: &Path) {
        for recorded in recorded(store) {
            let mut places = recorded.places(store);
            let found = places.find_map(|place| fs::canonicalize(place).ok());
            self.add(found.unwrap_or_else(|| from_text(&recorded.path)));
        }
    }

    /// Writes the roots into the folder of a store that will be at `place`, unless they are there.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io).
    pub(super) fn write(&self, folder: &Path, place: &Path) -> Result<()> {
        let roots = self.0.iter().map(|root| Recorded {
            path: to_text(root),
            relative: relative(place, root).map(|path| to_text(&path)),
        });
        let bytes = seal::json(&Fields {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            roots: roots.collect(),
        });
        let path = folder.join(ROOTS);
        match inputs::read(&path, Links::Follow, MOST_BYTES) {
            Ok(found) if found == bytes => Ok(()),
            _ => outputs::write_bytes(&path, &bytes),
        }
    }
}

impl Recorded {
    /// Returns where the root may be: at its path from the store, if both were moved, or at its old place.
    fn places(&self, store: &Path) -> impl Iterator<Item = PathBuf> {
        let store = fs::canonicalize(store).ok();
        let from_store = store.zip(self.relative.as_ref());
        let from_store = from_store.map(|(store, path)| store.join(from_text(path)));
        from_store.into_iter().chain([from_text(&self.path)])
    }
}

/// Returns where the images of a store's last run may be: the existing roots of their names.
#[must_use]
pub fn roots(store: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for recorded in recorded(store) {
        let places = recorded.places(store);
        let places = places.filter_map(|place| fs::canonicalize(place).ok());
        for place in places {
            if !found.contains(&place) {
                found.push(place);
            }
        }
    }
    found
}

fn recorded(store: &Path) -> Vec<Recorded> {
    let bytes = inputs::read(&store.join(ROOTS), Links::Follow, MOST_BYTES);
    bytes
        .ok()
        .and_then(|bytes| parse(&bytes))
        .unwrap_or_default()
}

/// Parses the file; `None` if it is damaged, something else or of a newer version.
fn parse(bytes: &[u8]) -> Option<Vec<Recorded>> {
    let place = seal::place_in_json(bytes)?;
    let fields = seal::is_right(bytes, place).then(|| serde_json::from_slice::<Fields>(bytes));
    let fields = fields?.ok()?;
    let is_known = fields.format == FORMAT && fields.format_version <= VERSION;
    (is_known && fields.roots.len() <= MOST).then_some(fields.roots)
}

/// Returns the path from a store to a root; `None` if they have no folder in common, and would hardly be
/// moved together.
fn relative(store: &Path, root: &Path) -> Option<PathBuf> {
    let store = fs::canonicalize(store).ok().or_else(|| {
        let parent = std::path::absolute(store)
            .ok()?
            .parent()?
            .canonicalize()
            .ok()?;
        Some(parent.join(store.file_name()?))
    })?;
    let root = fs::canonicalize(root).ok()?;
    let shared = common(&store, &root);
    if !shared
        .components()
        .any(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    let up = store.strip_prefix(&shared).ok()?.components().map(|_| "..");
    Some(
        up.collect::<PathBuf>()
            .join(root.strip_prefix(&shared).ok()?),
    )
}

/// Returns the folder that two paths have in common.
fn common(one: &Path, other: &Path) -> PathBuf {
    let parts = one.components().zip(other.components());
    parts
        .take_while(|(a, b)| a == b)
        .map(|(part, _)| part)
        .collect()
}

impl StoreWriter {
    /// Records where the images of a run are, in addition to the roots before if `keeps` others. They only
    /// save the user an option, so a failure is a note.
    pub(crate) fn record_roots(&mut self, inputs: &[PathBuf], entries: &Entries, keeps: bool) {
        if !self.can_write() {
            return;
        }
        let mut roots = Roots::of(inputs, entries);
        if keeps {
            roots.add_store(&self.path);
        }
        if let Err(error) = roots.write(&self.path, &self.path) {
            self.notes
                .push(format!("`{ROOTS}` was not written: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    /// Creates `photos` and `store` in a folder, and records the one in the other.
    fn recorded_in(folder: &Path) -> (PathBuf, PathBuf) {
        let (photos, store) = (folder.join("photos"), folder.join("a/store"));
        fs::create_dir_all(&photos).unwrap();
        fs::create_dir_all(&store).unwrap();
        let roots = Roots(vec![photos.clone()]);
        roots.write(&store, &store).unwrap();
        (photos, store)
    }

    #[test]
    fn images_are_found_where_they_were_and_where_both_were_moved_to() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let old = place.join("old");
        let (photos, store) = recorded_in(&old);
        assert_eq!(roots(&store), from_ref(&photos));
        // The store alone is moved: the images are still at their absolute path.
        fs::rename(&store, place.join("store")).unwrap();
        assert_eq!(roots(&place.join("store")), [photos]);
        fs::rename(place.join("store"), &store).unwrap();
        fs::rename(&old, place.join("new")).unwrap();
        assert_eq!(
            roots(&place.join("new/a/store")),
            [place.join("new/photos")]
        );
        fs::remove_dir(place.join("new/photos")).unwrap();
        assert!(roots(&place.join("new/a/store")).is_empty());
    }

    #[test]
    fn a_merged_store_has_the_roots_of_all() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let mut all = Roots::default();
        let folders = ["1", "2", "1"].map(|name| recorded_in(&place.join(name)));
        for (_, store) in &folders {
            all.add_store(store);
        }
        let photos = ["1/photos", "2/photos"].map(|name| place.join(name));
        assert_eq!(all.0, photos);
    }

    #[test]
    fn what_is_not_as_written_is_no_root() {
        let place = tempfile::tempdir().unwrap();
        let (_, store) = recorded_in(place.path());
        assert!(roots(place.path()).is_empty());
        let bytes = fs::read(store.join(ROOTS)).unwrap();
        for at in 0..bytes.len() - 2 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(parse(&flipped), None, "byte {at}");
            assert_eq!(parse(&bytes[..at]), None);
        }
        let newer = seal::json(&Fields {
            format: FORMAT.to_owned(),
            format_version: VERSION + 1,
            roots: Vec::new(),
        });
        assert_eq!(parse(&newer), None);
    }

    #[test]
    fn several_inputs_are_below_the_working_directory_or_their_common_folder() {
        let of = |inputs: &[&str]| {
            let inputs: Vec<PathBuf> = inputs.iter().map(PathBuf::from).collect();
            Roots::of(&inputs, &Entries::default()).0
        };
        let here = std::env::current_dir().unwrap();
        assert_eq!(of(&["photos"]), [here.join("photos")]);
        assert_eq!(of(&["a", "b"]), from_ref(&here));
        assert!(of(&["s3://bucket/a"]).is_empty());
        if cfg!(unix) {
            let both = [here, PathBuf::from("/data")];
            assert_eq!(of(&["a", "/data/x/1", "/data/y/2", "https://h/a"]), both);
        }
    }
}
