//! A scan of images that are not files: their names, places and classes, in the order of their source.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::names::class_name;
use super::{Entries, FolderLayout, Sample, Scan};
use crate::error::{Error, ImagesError};
use crate::images::{Place, SkipReason, path_text, stores};

/// The name and the class of an image.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) class: Option<Arc<str>>,
}

/// The images that have been found so far.
#[derive(Default)]
pub(super) struct Listing {
    entries: Entries,
    ignored: BTreeMap<String, usize>,
    classes: HashMap<String, Arc<str>>,
    pub(super) notes: Vec<String>,
}

impl Listing {
    /// Returns the class of this name, shared by its images.
    pub(super) fn class(&mut self, name: &str) -> Arc<str> {
        if let Some(class) = self.classes.get(name) {
            return Arc::clone(class);
        }
        let class: Arc<str> = class_name(name.as_ref()).into();
        self.classes.insert(name.to_owned(), Arc::clone(&class));
        class
    }

    /// Counts something that is not an image.
    pub(super) fn ignore(&mut self, extension: String) {
        *self.ignored.entry(extension).or_default() += 1;
    }

    /// Adds an image, or the reason why it cannot be used.
    pub(super) fn add(&mut self, named: Named, place: Result<Place, SkipReason>) {
        let Named { name, class } = named;
        let (place, reason) = match place {
            Ok(place) => (place, None),
            Err(reason) => (Place::default(), Some(reason)),
        };
        self.entries.push(Sample { place, name, class }, reason);
    }

    /// Returns the scan. If any image has a class, those without are skipped.
    pub(super) fn scan(mut self) -> Scan {
        self.rename_repeated();
        let is_labelled = self.entries.classes().flatten().next().is_some();
        if is_labelled {
            self.entries.skip_strays();
        }
        Scan {
            entries: self.entries,
            layout: if is_labelled {
                FolderLayout::ClassFolders
            } else {
                FolderLayout::Flat
            },
            ignored: self.ignored,
            empty_classes: Vec::new(),
            notes: self.notes,
        }
    }

    /// Numbers equal names, since a name is one row of an index. Images that are used keep their names.
    fn rename_repeated(&mut self) {
        let mut seen: HashSet<u64> = HashSet::new();
        let mut repeated = Vec::new();
        for is_used in [true, false] {
            for (at, name) in self.entries.names().enumerate() {
                let is_turn = self.entries.is_skipped(at) != is_used;
                if is_turn && !seen.insert(hash(name)) {
                    repeated.push(at);
                }
            }
        }
        let mut names = BTreeMap::new();
        for at in repeated {
            let name = self.entries.names().nth(at).unwrap_or_default();
            let numbered = (2..).map(|copy| format!("{name}#{copy}"));
            let free = numbered.into_iter().find(|name| seen.insert(hash(name)));
            names.extend(free.map(|name| (at, name)));
        }
        self.entries.rename(&names);
    }
}

fn hash(name: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Returns the first folder of a path, if it has one.
pub(super) fn folder_of(name: &str) -> Option<&str> {
    let (folder, _) = name.split_once('/')?;
    (!folder.is_empty()).then_some(folder)
}

/// Returns the class that a text names, if it is not empty.
pub(super) fn class_text(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned())
}

/// Returns the error for an archive or a table that cannot be read.
pub(super) fn container_error(name: &str, detail: String) -> Error {
    let path = path_text::for_terminal(name);
    ImagesError::Container { path, detail }.into()
}

/// Returns the error for an archive or a table whose bytes cannot be read.
pub(super) fn io_error(name: &str, error: io::Error) -> Error {
    match stores::refusal(&error) {
        Some(refused) => refused.into(),
        None => Error::io("read", Path::new(name))(error),
    }
}
