//! The folder with a folder for each class, and how an image gets into it.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::options::{ApplyLabelsOptions, Sorting};
use crate::error::{Error, Result, TaskError};
use crate::inputs::{self, Links};
use crate::outputs;

/// The longest name of a file, in bytes.
const LONGEST: usize = 255;

/// The folder that images are sorted into.
pub(super) struct Sorted {
    /// Its path without links, if it exists.
    folder: PathBuf,
    how: Sorting,
    /// The files that would be there, if nothing is written.
    planned: Option<HashMap<PathBuf, PathBuf>>,
    /// Whether images that are in the folder already are sorted too, because it is that of the images.
    in_place: bool,
}

/// How an image got into a class folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// Its content was there.
    There,
    /// It is new, with a number after its name if that was taken.
    New { renamed: bool },
}

impl Sorted {
    pub(super) fn new(options: &ApplyLabelsOptions) -> Result<Self> {
        let whole = |path: &Path| fs::canonicalize(path).or_else(|_| std::path::absolute(path));
        let folder = whole(&options.target).map_err(Error::io("open", &options.target))?;
        Ok(Self {
            in_place: whole(&options.images).is_ok_and(|images| images == folder),
            folder,
            how: options.how,
            planned: options.dry_run.then(HashMap::new),
        })
    }

    /// Returns whether an image is sorted already.
    pub(super) fn has(&self, image: &Path) -> bool {
        let parent = image
            .parent()
            .and_then(|parent| fs::canonicalize(parent).ok());
        !self.in_place && parent.is_some_and(|parent| parent.starts_with(&self.folder))
    }

    /// Refuses links and files in the place of class folders.
    pub(super) fn check_folders(&self, classes: &BTreeSet<&str>) -> Result<()> {
        classes
            .iter()
            .try_for_each(|class| check_folder(&self.folder.join(class)))
    }

    /// Puts an image into the folder of its class.
    pub(super) fn place(&mut self, image: &Path, class: &str) -> Result<Placed> {
        let folder = self.folder.join(class);
        check_folder(&folder)?;
        for number in 1.. {
            let place = folder.join(numbered(image, number));
            // Another process may be faster.
            if self.is_free(&place) && self.put(image, &place)? {
                let renamed = number > 1;
                return Ok(Placed::New { renamed });
            }
            let planned = self
                .planned
                .as_ref()
                .and_then(|planned| planned.get(&place));
            let there = match planned {
                Some(planned) => inputs::is_same_content(image, planned, Links::Follow),
                None => inputs::is_same_content(image, &place, Links::Refuse),
            };
            if there.map_err(Error::io("read", image))? {
                if self.how == Sorting::Move && self.planned.is_none() {
                    outputs::remove_moved(image, &place)?;
                }
                return Ok(Placed::There);
            }
        }
        unreachable!("one of the numbers is free")
    }

    fn is_free(&self, place: &Path) -> bool {
        let planned = self.planned.as_ref();
        fs::symlink_metadata(place).is_err()
            && planned.is_none_or(|planned| !planned.contains_key(place))
    }

    /// Returns false if there is a file at `place` already.
    fn put(&mut self, image: &Path, place: &Path) -> Result<bool> {
        if let Some(planned) = &mut self.planned {
            planned.insert(place.to_owned(), image.to_owned());
            return Ok(true);
        }
        outputs::make_folders(place)?;
        match self.how {
            Sorting::Copy => outputs::copy_new(image, place),
            Sorting::Link => outputs::link_or_copy_new(image, place),
            Sorting::Move => {
                let is_new = outputs::link_or_copy_new(image, place)?;
                if is_new {
                    outputs::remove_moved(image, place)?;
                }
                Ok(is_new)
            }
        }
    }
}

fn check_folder(folder: &Path) -> Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(there) if !there.is_dir() => {
            let folder = folder.to_owned();
            Err(TaskError::NoClassFolder { folder }.into())
        }
        _ => Ok(()),
    }
}

/// Returns the name of an image, with a number after its stem from the second on.
fn numbered(image: &Path, number: usize) -> OsString {
    let name = image.file_name().unwrap_or_default();
    if number == 1 {
        return name.to_owned();
    }
    let mut end = OsString::from(format!("-{number}"));
    if let Some(extension) = image.extension() {
        end.push(".");
        end.push(extension);
    }
    let stem = image.file_stem().unwrap_or_default();
    let mut numbered = match stem.to_str() {
        Some(stem) => stem[..stem.floor_char_boundary(LONGEST.saturating_sub(end.len()))].into(),
        None => stem.to_owned(),
    };
    numbered.push(end);
    numbered
}
