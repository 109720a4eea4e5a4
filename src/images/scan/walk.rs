//! Walks a folder in order, following links that do not lead to a parent. Opens files only for `Names::Any`.
//!
//! Within one first-level folder, each folder is read only once through links, since links to links multiply:
//! 42 of them can make two million paths. Two classes may be links to the same folder.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use super::found::How;
use super::names::{class_name, extension_key, is_image, is_left_out, shown};
use super::{Entries, Labels, Names, Sample};
use crate::error::{Error, is_of_system};
use crate::images::fault::ReadFault;
use crate::images::read::sniff_file;
use crate::images::{SkipReason, path_text};
use crate::inputs::kind_text;
use crate::phrases::counted;
use crate::progress::go_on;

/// A walk through a folder, and what it has found so far.
pub(super) struct Walk<'a> {
    /// The prefix that names omit.
    base: &'a Path,
    how: How<'a>,
    pub(super) found: Entries,
    pub(super) ignored: BTreeMap<String, usize>,
    pub(super) notes: Vec<String>,
    /// First-level folders and their classes.
    pub(super) classes: Vec<(OsString, Arc<str>)>,
    class: Option<Arc<str>>,
    /// The folders from the root down to the current position, without the root.
    open: Vec<OpenFolder>,
    /// The real paths of the folders whose links were followed on the way to the current position.
    trail: Vec<PathBuf>,
    /// The real paths of the folders that were read through links within this first-level folder.
    linked: HashSet<PathBuf>,
    /// How often one of those folders was reached again, and the first path that reached one.
    repeated: (usize, Option<PathBuf>),
    /// The error that stopped the walk early: the system has run out of a resource, or the walk should stop.
    pub(super) fault: Option<Error>,
}

impl<'a> Walk<'a> {
    /// Creates a walk whose names are relative to `base`; with an empty base, names are whole paths.
    pub(super) fn new(base: &'a Path, how: How<'a>) -> Self {
        Self {
            base,
            how,
            found: Entries::below(base),
            ignored: BTreeMap::new(),
            notes: Vec::new(),
            classes: Vec::new(),
            class: None,
            open: Vec::new(),
            trail: Vec::new(),
            linked: HashSet::new(),
            repeated: (0, None),
            fault: None,
        }
    }

    /// Walks the root.
    ///
    /// # Errors
    ///
    /// If the root itself cannot be read. An unreadable folder inside it becomes a skipped entry.
    pub(super) fn root(&mut self, root: &Path) -> io::Result<()> {
        for (name, kind) in self.sorted_entries(root)? {
            if self.how.labels == Labels::FromFolders {
                self.class = None;
            }
            self.linked.clear();
            if self.has_ended() {
                return Ok(());
            }
            self.entry(root.join(&name), &name, kind, Depth::First);
            self.below();
        }
        // The last folder may have been read in part.
        self.has_ended();
        self.class = None;
        self.note_repeated();
        Ok(())
    }

    /// Walks the open folders. They are kept here rather than on the call stack, so only the system limits
    /// their depth.
    fn below(&mut self) {
        while !self.has_ended()
            && let Some(folder) = self.open.last_mut()
        {
            if let Some((name, kind)) = folder.entries.next() {
                let path = folder.path.join(&name);
                self.entry(path, &name, kind, Depth::Inner);
            } else {
                if folder.way == Way::Link {
                    self.trail.pop();
                }
                self.open.pop();
            }
        }
    }

    fn has_ended(&mut self) -> bool {
        if let Err(stopped) = go_on(self.how.progress) {
            self.fault.get_or_insert(stopped);
        }
        self.fault.is_some()
    }

    fn open(&mut self, folder: &Path, way: Way) {
        let entries = self.sorted_entries(folder).unwrap_or_else(|error| {
            if is_of_system(&error) {
                self.fault = Some(Error::io("read", folder)(error));
            } else {
                self.skip(folder.into(), SkipReason::Unreadable(error.to_string()));
            }
            Vec::new()
        });
        self.open.push(OpenFolder {
            path: folder.to_owned(),
            entries: entries.into_iter(),
            way,
        });
    }

    /// Returns a folder's entries sorted by name, without those to skip; only some if the walk should stop.
    /// On most systems, this does not access the files themselves.
    fn sorted_entries(&self, folder: &Path) -> io::Result<Vec<(OsString, FileType)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)? {
            if self.how.progress.is_stopped() {
                break;
            }
            let entry = entry?;
            let name = entry.file_name();
            if !is_left_out(&name) {
                entries.push((name, entry.file_type()?));
            }
        }
        entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }

    fn entry(&mut self, path: PathBuf, name: &OsStr, kind: FileType, depth: Depth) {
        if kind.is_dir() {
            self.plain_folder(&path, name, depth);
        } else if kind.is_symlink() {
            self.link(path, name, depth);
        } else {
            self.file(path, name, kind);
        }
    }

    /// Walks a folder, unless it is behind a link and was already reached through another link.
    fn plain_folder(&mut self, path: &Path, name: &OsStr, depth: Depth) {
        let repeated = !self.trail.is_empty()
            && path
                .canonicalize()
                .is_ok_and(|real| !self.linked.insert(real));
        if repeated {
            self.note_repetition(path);
        } else {
            self.folder(path, name, depth, Way::Plain);
        }
    }

    fn folder(&mut self, path: &Path, name: &OsStr, depth: Depth, way: Way) {
        if depth == Depth::First && self.how.labels == Labels::FromFolders {
            let class = Arc::from(class_name(name));
            self.class = Some(Arc::clone(&class));
            self.classes.push((name.into(), class));
        }
        self.open(path, way);
    }

    fn file(&mut self, path: PathBuf, name: &OsStr, kind: FileType) {
        let is_listed =
            is_image(name) || self.how.names == Names::Any && self.is_picture(&path, kind);
        if !is_listed {
            *self.ignored.entry(extension_key(name)).or_default() += 1;
        } else if kind.is_file() {
            let sample = self.sample(path);
            self.found.push(sample, None);
        } else {
            self.skip(path, SkipReason::NotAFile(kind_text(kind)));
        }
    }

    /// Returns whether a file starts like an image. Unsupported formats count, so that they are reported.
    fn is_picture(&mut self, path: &Path, kind: FileType) -> bool {
        if !kind.is_file() {
            return false;
        }
        match sniff_file(path) {
            Ok(_) => true,
            Err(ReadFault::OfFile(reason)) => matches!(
                reason,
                SkipReason::Unsupported(_) | SkipReason::UnsupportedKind { .. }
            ),
            Err(ReadFault::OfSystem(error)) => {
                self.fault = Some(error);
                false
            }
        }
    }

    fn link(&mut self, path: PathBuf, name: &OsStr, depth: Depth) {
        match fs::metadata(&path) {
            Ok(target) if target.is_dir() => self.linked_folder(&path, name, depth),
            Ok(target) => self.file(path, name, target.file_type()),
            Err(error) if is_image(name) => {
                let reason = link_reason(&path, &error);
                self.skip(path, reason);
            }
            Err(_) => *self.ignored.entry(extension_key(name)).or_default() += 1,
        }
    }

    /// Walks a linked folder, unless it contains the current position by any path and would be walked
    /// forever.
    fn linked_folder(&mut self, path: &Path, name: &OsStr, depth: Depth) {
        let here = path.parent().unwrap_or(path);
        let (Ok(target), Ok(here)) = (path.canonicalize(), canonical(here)) else {
            return self.skip(
                path.into(),
                SkipReason::Unreadable("its target no longer exists".into()),
            );
        };
        if here.starts_with(&target) || self.trail.iter().any(|place| place.starts_with(&target)) {
            let note = format!(
                "`{}` is a link to a parent folder and was not followed",
                shown(path)
            );
            self.notes.push(note);
            return;
        }
        if !self.linked.insert(target) {
            return self.note_repetition(path);
        }
        self.trail.push(here);
        self.folder(path, name, depth, Way::Link);
    }

    fn note_repetition(&mut self, path: &Path) {
        let (count, first) = &mut self.repeated;
        *count += 1;
        first.get_or_insert_with(|| path.to_owned());
    }

    /// Adds a single note for all repeated folders, since there may be as many as files.
    fn note_repeated(&mut self) {
        if let (count, Some(first)) = &self.repeated {
            self.notes.push(format!(
                "{} behind links had already been read through another link and {} skipped: `{}`{}",
                counted(*count, "folder"),
                if *count == 1 { "was" } else { "were" },
                shown(first),
                if *count == 1 { "" } else { " …" }
            ));
        }
    }

    fn skip(&mut self, path: PathBuf, reason: SkipReason) {
        let sample = self.sample(path);
        self.found.push(sample, Some(reason));
    }

    fn sample(&self, path: PathBuf) -> Sample {
        let name = name_below(&path, self.base);
        Sample {
            place: path.into(),
            name,
            class: self.class.clone(),
        }
    }
}

/// A folder, its remaining entries, and how it was reached.
struct OpenFolder {
    path: PathBuf,
    entries: vec::IntoIter<(OsString, FileType)>,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Link,
}

/// Whether an entry is directly in the root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    First,
    Inner,
}

fn canonical(folder: &Path) -> io::Result<PathBuf> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    here.canonicalize()
}

fn name_below(path: &Path, base: &Path) -> String {
    let name = path_text::to_text(path.strip_prefix(base).unwrap_or(path));
    if std::path::MAIN_SEPARATOR == '/' {
        name
    } else {
        name.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

/// Returns why a link cannot be followed.
pub(super) fn link_reason(path: &Path, error: &io::Error) -> SkipReason {
    match fs::read_link(path) {
        Ok(target) if error.kind() == io::ErrorKind::NotFound => {
            SkipReason::DanglingLink(shown(&target))
        }
        _ => SkipReason::BrokenLink(error.to_string()),
    }
}
