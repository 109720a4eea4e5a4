//! How the paths in a label file correspond to those of images, and which rows and images have no partner.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::file::{Given, LabelFile};
use super::row::LabelRow;
use crate::error::Error;
use crate::features::Digest;
use crate::images::path_text;
use crate::phrases::{in_quotes, shortened};

/// How many images and rows without a partner are named.
const NAMED: usize = 5;

/// How a path in the file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is that of the image.
    Exact,
    /// It has these folders before that of the image.
    Longer(String),
    /// It lacks the first folders of that of the image.
    Shorter,
}

impl Reading {
    /// Finds the reading with which rows have images; [`Reading::Exact`] if no row has one.
    pub(super) fn of<'a>(
        file: &LabelFile,
        paths: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, String> {
        if paths.clone().any(|path| file.rows.find(path).is_some()) {
            return Ok(Self::Exact);
        }
        let before = before(file, &paths.clone().collect());
        let shorter = shorter(file, paths)?;
        match (before.len(), shorter) {
            (0, None) => Ok(Self::Exact),
            (0, Some(_)) => Ok(Self::Shorter),
            (1, None) => Ok(Self::Longer(before.into_iter().collect())),
            (1, Some(key)) => {
                let before = in_quotes(before.iter().map(String::as_str));
                Err(format!(
                    "its paths match images without {before}, and others, such as `{}`, with further folders",
                    shortened(&key)
                ))
            }
            _ => Err(format!(
                "its paths match images without the folders {}; keep the rows of one of them",
                in_quotes(before.iter().map(String::as_str))
            )),
        }
    }

    /// Returns the number of the row of the image at `path`.
    pub(super) fn row_of(&self, file: &LabelFile, path: &str) -> Option<usize> {
        match self {
            Self::Exact => file.rows.find(path),
            Self::Longer(before) => file.rows.find(&format!("{before}{path}")),
            Self::Shorter => ends(path).find_map(|(_, end)| file.rows.find(end)),
        }
    }
}

/// Returns the beginnings of a path up to a `/`, with the rest of it, the longest rest first.
fn ends(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.match_indices('/').map(|(at, _)| path.split_at(at + 1))
}

/// Returns what stands before the paths of images in the rows' paths.
fn before(file: &LabelFile, paths: &HashSet<&str>) -> BTreeSet<String> {
    let mut before = BTreeSet::new();
    for row in file.rows() {
        let found = ends(row.key).filter(|(_, end)| paths.contains(end));
        before.extend(found.map(|(start, _)| start.to_owned()));
        if before.len() > NAMED {
            break;
        }
    }
    before
}

/// Returns a row whose path is the end of an image's path, or an error if it is the end of two, or two rows
/// fit one image.
fn shorter<'a>(
    file: &LabelFile,
    paths: impl Iterator<Item = &'a str>,
) -> Result<Option<String>, String> {
    let mut image_of: Vec<Option<&str>> = vec![None; file.len()];
    let mut first = None;
    for path in paths {
        let mut rows = ends(path).filter_map(|(_, end)| file.rows.find(end));
        let Some(row) = rows.next() else { continue };
        let key = shortened(file.rows.key(row));
        if let Some(other) = rows.next() {
            let [path, other] = [path, file.rows.key(other)].map(shortened);
            return Err(format!(
                "its `{key}` and its `{other}` can both be the image `{path}`"
            ));
        }
        if let Some(other) = image_of[row].replace(path).filter(|other| *other != path) {
            let [path, other] = [path, other].map(shortened);
            return Err(format!(
                "its `{key}` can be the image `{other}` or `{path}`"
            ));
        }
        first.get_or_insert_with(|| file.rows.key(row).to_owned());
    }
    Ok(first)
}

impl LabelFile {
    /// Finds out how the paths in the file correspond to those of images, and prepares to count. `paths` are
    /// the images' paths relative to their folder. Paths in the file may have further folders before them
    /// (`data/train/cat/1.jpg`), or lack the first ones.
    ///
    /// # Errors
    /// [`Error::File`] if that is ambiguous.
    pub fn matched<'p>(
        &self,
        paths: impl Iterator<Item = &'p str> + Clone,
    ) -> Result<Matched<'_>, Error> {
        let reading = if self.is_by_digest() {
            Reading::Exact
        } else {
            Reading::of(self, paths).map_err(|problem| self.ambiguous(problem))?
        };
        Ok(Matched::new(self, reading))
    }
}

/// A label file that is applied to images, with the counts of what has no partner.
#[derive(Debug)]
pub struct Matched<'f> {
    file: &'f LabelFile,
    reading: Reading,
    /// The rows whose images were counted.
    seen: Vec<bool>,
    /// How many images have a label.
    pub labelled: usize,
    /// How many images are listed without a label.
    pub without_label: usize,
    /// The images that are not listed.
    pub unlisted: Named,
}

/// A number of images or rows, the first few with their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// How many there are.
    pub count: usize,
    /// The first few.
    pub first: Vec<String>,
}

impl Named {
    /// Adds one.
    pub fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(name.to_owned());
        }
    }
}

impl<'f> Matched<'f> {
    pub(super) fn new(file: &'f LabelFile, reading: Reading) -> Self {
        Self {
            file,
            reading,
            seen: vec![false; file.len()],
            labelled: 0,
            without_label: 0,
            unlisted: Named::default(),
        }
    }

    /// Returns what the file says of an image, and counts the image.
    pub fn take(&mut self, path: &str, digest: Option<&Digest>) -> Given<'f> {
        let Some(row) = self.number(path, digest) else {
            self.unlisted.add(path);
            return Given::Unlisted;
        };
        self.seen[row] = true;
        let given = self.file.rows.row(row).verdict.into();
        match given {
            Given::Class(_) => self.labelled += 1,
            Given::NoLabel | Given::Unlisted => self.without_label += 1,
        }
        given
    }

    /// Returns what the file says of an image that is not counted, because it is not used.
    pub fn pass(&mut self, path: &str) -> Given<'f> {
        let row = self.number(path, None);
        if let Some(row) = row {
            self.seen[row] = true;
        }
        row.map_or(Given::Unlisted, |row| {
            self.file.rows.row(row).verdict.into()
        })
    }

    /// Returns whether paths in the file are those of images below `root`, or lead to it from a folder around
    /// it. Paths that only end like those of images may be those of others.
    #[must_use]
    pub fn is_certain(&self, root: &Path) -> bool {
        match &self.reading {
            Reading::Exact => true,
            Reading::Longer(before) => {
                let whole = format!("/{}/", path_text::absolute(root).trim_matches('/'));
                whole.ends_with(&format!("/{}", before.trim_start_matches('/')))
            }
            Reading::Shorter => false,
        }
    }

    /// Returns for each row whether its image was counted.
    #[must_use]
    pub fn seen(&self) -> &[bool] {
        &self.seen
    }

    /// Returns whether images are listed by their digests.
    #[must_use]
    pub fn is_by_digest(&self) -> bool {
        self.file.is_by_digest()
    }

    /// Returns the row of an image, without counting it.
    #[must_use]
    pub fn row(&self, path: &str, digest: Option<&Digest>) -> Option<LabelRow<'f>> {
        let row = self.number(path, digest)?;
        Some(self.file.rows.row(row))
    }

    /// Returns the number of the row of an image.
    pub(crate) fn number(&self, path: &str, digest: Option<&Digest>) -> Option<usize> {
        if self.file.is_by_digest() {
            return self.file.rows.find(&digest?.to_string());
        }
        self.reading.row_of(self.file, path)
    }

    /// Adds the counts of other images, to which the same file is applied.
    pub fn and(&mut self, other: &Matched<'_>) {
        let both = self.seen.iter_mut().zip(&other.seen);
        both.for_each(|(seen, other)| *seen |= other);
        self.labelled += other.labelled;
        self.without_label += other.without_label;
        let first = other.unlisted.first.iter();
        first.for_each(|name| self.unlisted.add(name));
        self.unlisted.count += other.unlisted.count - other.unlisted.first.len();
    }

    /// Returns the rows of which no image was counted, the first few with their keys.
    #[must_use]
    pub fn unmatched(&self) -> Named {
        let mut unmatched = Named::default();
        let rows = self.file.rows().zip(&self.seen).filter(|(_, seen)| !**seen);
        rows.for_each(|(row, _)| unmatched.add(row.key));
        unmatched
    }
}
