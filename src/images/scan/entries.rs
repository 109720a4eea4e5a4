//! The images of a scan, packed: about 16 bytes for each file in addition to its name.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::hash::BuildHasher;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::all_names::AllNames;
use super::{FolderLayout, Found, Sample};
use crate::images::place::Spot;
use crate::images::{Place, SkipReason, path_text};
use crate::texts::Texts;

/// The images that a scan found, and what it ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Used and skipped images together: those of a folder sorted by path, component by component and byte by
    /// byte; those of a list in its order.
    pub entries: Entries,
    /// Whether the samples have classes.
    pub layout: FolderLayout,
    /// Files that are not images (see [`Names`](super::Names)), counted by lower-case extension; `""` means
    /// none.
    pub ignored: BTreeMap<String, usize>,
    /// First-level folders without images, by class name.
    pub empty_classes: Vec<String>,
    /// Notes for the user, one sentence each, without a `warning:` prefix.
    pub notes: Vec<String>,
}

/// The images that a scan found, used and skipped ones together, in order.
///
/// Names and classes are stored once, and the path of a file follows from its name, since there may be
/// millions of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// The folder that the names of files are relative to.
    root: PathBuf,
    names: Texts,
    rows: Vec<Row>,
    classes: Vec<Arc<str>>,
    /// The number of each class.
    numbers: HashMap<Arc<str>, u32>,
    /// The places that do not follow from a name.
    places: Vec<Place>,
    /// Why images are skipped.
    reasons: BTreeMap<usize, SkipReason>,
    /// What these images are a shard of.
    divided: Option<AllNames>,
}

/// The number of the class, and of the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    class: u32,
    place: u32,
}

/// No class, or the place that follows from the name.
const NONE: u32 = u32::MAX;

impl Entries {
    /// Creates an empty list of files whose names are relative to `root`. If it is empty, names are whole
    /// paths.
    pub(super) fn below(root: &Path) -> Self {
        let root = root.to_owned();
        Self {
            root,
            ..Self::default()
        }
    }

    /// Adds an image, with the reason if it is skipped.
    pub(super) fn push(&mut self, sample: Sample, reason: Option<SkipReason>) {
        let class = sample.class.map_or(NONE, |class| self.class_number(class));
        let place = match &sample.place.0 {
            Spot::File(path) if path.as_os_str() == self.path(&sample.name).as_os_str() => NONE,
            _ => {
                self.places.push(sample.place);
                number(self.places.len() - 1)
            }
        };
        self.reasons
            .extend(reason.map(|reason| (self.rows.len(), reason)));
        self.names.push(&sample.name);
        self.rows.push(Row { class, place });
    }

    fn class_number(&mut self, class: Arc<str>) -> u32 {
        let next = number(self.classes.len());
        *self.numbers.entry(class).or_insert_with_key(|class| {
            self.classes.push(Arc::clone(class));
            next
        })
    }

    /// Returns the path that a name leads to.
    fn path(&self, name: &str) -> PathBuf {
        self.root.join(path_text::from_text(name))
    }

    /// Returns the number of images, used and skipped.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns an image by its number, from 0.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<Found> {
        let name = self.names.get(number)?;
        let place = match self.rows[number].place {
            NONE => self.path(name).into(),
            place => self.places[place as usize].clone(),
        };
        let sample = Sample {
            place,
            name: name.to_owned(),
            class: self.class(number).cloned(),
        };
        Some(match self.reasons.get(&number) {
            None => Found::Sample(sample),
            Some(reason) => Found::Skipped {
                sample,
                reason: reason.clone(),
            },
        })
    }

    /// Iterates over the images.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            entries: self,
            left: 0..self.len(),
        }
    }

    /// Iterates over the names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter()
    }

    /// Iterates over the classes of the images.
    #[must_use]
    pub fn classes(&self) -> impl ExactSizeIterator<Item = Option<&Arc<str>>> {
        (0..self.len()).map(|number| self.class(number))
    }

    fn class(&self, number: usize) -> Option<&Arc<str>> {
        match self.rows[number].class {
            NONE => None,
            class => Some(&self.classes[class as usize]),
        }
    }

    /// Returns whether an image is skipped.
    #[must_use]
    pub fn is_skipped(&self, number: usize) -> bool {
        self.reasons.contains_key(&number)
    }

    /// Returns whether any image is read over a network.
    pub(crate) fn are_remote(&self) -> bool {
        self.places.iter().any(Place::is_remote)
    }

    /// Returns whether the file of a name that is not listed no longer exists. Of objects, and of images in
    /// archives and tables, that is not known.
    pub(crate) fn have_lost(&self, name: &str) -> bool {
        let is_missing = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        self.places.iter().all(|place| place.file().is_some())
            && fs::symlink_metadata(self.path(name)).is_err_and(is_missing)
    }

    /// Skips those images without a class that are not skipped already.
    pub(super) fn skip_strays(&mut self) {
        for (number, row) in self.rows.iter().enumerate() {
            if row.class == NONE {
                let reason = || SkipReason::NotInAClass;
                self.reasons.entry(number).or_insert_with(reason);
            }
        }
    }

    /// Returns the names of all images, if these are those of a shard.
    pub(crate) fn divided(&self) -> Option<AllNames> {
        self.divided
    }

    /// Notes that these images are a shard of others.
    pub(super) fn set_divided(&mut self, all: AllNames) {
        self.divided = Some(all);
    }

    /// Keeps only the images with these numbers and names.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize, &str) -> bool) {
        let all = std::mem::replace(self, Self::below(&self.root));
        for (number, name) in all.names.iter().enumerate() {
            if keep(number, name) {
                self.extend(all.get(number));
            }
        }
    }

    /// Replaces each image by what `change` returns, or removes it.
    pub(crate) fn change(&mut self, change: impl FnMut(Found) -> Option<Found>) {
        let mut changed = Self::below(&self.root);
        changed.extend(self.iter().filter_map(change));
        changed.divided = self.divided;
        *self = changed;
    }

    /// Gives images other names, by number.
    pub(super) fn rename(&mut self, names: &BTreeMap<usize, String>) {
        if names.is_empty() {
            return;
        }
        let old = std::mem::take(&mut self.names);
        for (number, name) in old.iter().enumerate() {
            self.names
                .push(names.get(&number).map_or(name, String::as_str));
        }
    }

    /// Keeps each image once: the first of those with the same place.
    pub(super) fn keep_first(&mut self) {
        let mut first: HashMap<u64, usize> = HashMap::new();
        let hasher = RandomState::new();
        let mut repeated = HashSet::new();
        for (number, found) in self.iter().enumerate() {
            let same = |other: usize| self.get(other).is_some_and(|other| is_same(&found, &other));
            match first.entry(hasher.hash_one(&found.sample().place)) {
                Entry::Vacant(free) => {
                    free.insert(number);
                }
                Entry::Occupied(other) if same(*other.get()) => {
                    repeated.insert(number);
                }
                Entry::Occupied(_) => {}
            }
        }
        if !repeated.is_empty() {
            self.retain(|number, _| !repeated.contains(&number));
        }
    }
}

/// Returns whether two images are in the same place. Several members of an archive may be links to one.
fn is_same(one: &Found, other: &Found) -> bool {
    let (one, other) = (one.sample(), other.sample());
    one.place == other.place && (one.place.address().is_some() || one.name == other.name)
}

/// Returns a number of a row.
fn number(count: usize) -> u32 {
    let number = u32::try_from(count).ok().filter(|&number| number != NONE);
    number.expect("more than four billion images do not fit into memory")
}

impl Extend<Found> for Entries {
    fn extend<T: IntoIterator<Item = Found>>(&mut self, found: T) {
        for found in found {
            match found {
                Found::Sample(sample) | Found::Given { sample, .. } => self.push(sample, None),
                Found::Skipped { sample, reason } => self.push(sample, Some(reason)),
            }
        }
    }
}

impl FromIterator<Found> for Entries {
    fn from_iter<T: IntoIterator<Item = Found>>(found: T) -> Self {
        let mut entries = Self::default();
        entries.extend(found);
        entries
    }
}

/// Iterates over the images of a scan.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    entries: &'a Entries,
    left: Range<usize>,
}

impl Iterator for Iter<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        self.entries.get(self.left.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Entries {
    type Item = Found;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, name: &str, class: Option<&str>) -> Found {
        Found::Sample(Sample {
            place: PathBuf::from(path).into(),
            name: name.to_owned(),
            class: class.map(Arc::from),
        })
    }

    #[test]
    fn what_is_added_comes_back_and_only_other_places_are_stored() {
        let skipped = Found::Skipped {
            sample: Sample::default(),
            reason: SkipReason::Missing,
        };
        let all = [
            found("/photos/cat/1.jpg", "cat/1.jpg", Some("cat")),
            found("/photos/dog/\\1.jpg", "dog/\\1.jpg", Some("dog")),
            found("/elsewhere/2.jpg", "2.jpg", Some("cat")),
            skipped,
        ];
        let mut entries = Entries::below("/photos".as_ref());
        entries.extend(all.clone());
        assert_eq!(entries.iter().collect::<Vec<_>>(), all);
        assert_eq!((entries.places.len(), entries.classes.len()), (2, 2));
        entries.skip_strays();
        let reasons = entries.iter().map(|found| found.reason().cloned());
        assert_eq!(
            reasons.collect::<Vec<_>>(),
            [None, None, None, Some(SkipReason::Missing)]
        );
        entries.retain(|number, name| number > 0 && name != "2.jpg");
        assert_eq!(entries.names().collect::<Vec<_>>(), ["dog/\\1.jpg", ""]);
        assert!(entries.is_skipped(1) && !entries.is_skipped(0));
    }
}
