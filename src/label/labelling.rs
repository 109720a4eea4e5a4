//! The labels of a session on disk: the journal, and the label file that follows it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::deed::Deed;
use super::file::read_labels;
use super::history::{History, Planned};
use super::journal::{Entry, Found, Journal};
use super::refusal::Refusal;
use super::tags::{Mark, Tags};
use crate::error::Result;
use crate::labels::write_labels;
use crate::phrases::counted;
use crate::stamp::Stamp;

/// How long writing the label file may take before it is done in the background.
const QUICK: Duration = Duration::from_millis(30);

/// The labels of all images of a scan, and of images that are in the label file but not in the scan.
#[derive(Debug)]
pub(super) struct Labelling {
    pub(super) history: History,
    journal: Journal,
    /// The label file.
    pub(super) path: PathBuf,
    /// The names of all images, those of the scan first.
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
    n_images: usize,
    /// The digests of the heads and reports that were written, by their file names.
    written: HashMap<String, String>,
    /// Whether the label file lacks deeds.
    pub(super) is_behind: bool,
    /// The label file as it was last written, and the labels in it.
    file: Option<Stamp>,
    file_labels: HashMap<u32, Mark>,
    /// How long writing it took the last time.
    took: Duration,
}

/// What a session begins with if there is no journal yet.
#[derive(Debug, Default)]
pub(super) struct Start {
    pub(super) classes: Vec<String>,
    /// Images with the classes of their folders, used only if there is no label file.
    pub(super) folders: Vec<(String, String)>,
}

/// Returns the path of the journal of a label file.
pub(super) fn journal_of(labels: &Path) -> PathBuf {
    labels.with_added_extension("journal")
}

impl Labelling {
    /// Reads the label file and its journal. What another program changed in the label file since it was last
    /// written is taken over as a deed. Returns also what the user should know.
    ///
    /// # Errors
    /// A label file or journal that cannot be read or written, or is used by another process.
    pub(super) fn open<'a>(
        path: &Path,
        (journal, found): (Journal, Found),
        names: impl Iterator<Item = &'a str>,
        start: Start,
    ) -> Result<(Self, Vec<String>)> {
        let names: Vec<Box<str>> = names.map(Into::into).collect();
        let numbers = names.iter().cloned().zip(0..).collect();
        let mut labelling = Self {
            history: History::new(Tags::new(names.len())),
            journal,
            path: path.to_owned(),
            n_images: names.len(),
            names,
            numbers,
            written: HashMap::new(),
            is_behind: true,
            file: None,
            file_labels: HashMap::new(),
            took: Duration::ZERO,
        };
        let mut notes = Vec::new();
        if found.torn > 0 {
            notes.push(
                "the last line of the journal was cut off, because the process ended while it was written; \
                 what it was about had not been acknowledged"
                    .to_owned(),
            );
        }
        let names = labelling.names[..labelling.n_images]
            .iter()
            .map(|name| &**name);
        let listed = read_labels(path, names)?;
        if found
            .entries
            .iter()
            .any(|entry| matches!(entry, Entry::Begin { .. }))
        {
            let written = labelling.replay(found.entries);
            notes.extend(labelling.take_edits(listed, &written)?);
            for name in start.classes {
                labelling.add_class(name)?;
            }
        } else {
            labelling.begin(listed, start)?;
        }
        notes.extend(labelling.told_absent());
        labelling.write()?;
        Ok((labelling, notes))
    }

    /// Begins a journal with the labels that are there.
    fn begin(&mut self, listed: Option<Vec<(String, String)>>, start: Start) -> Result<()> {
        let labels = listed.unwrap_or(start.folders);
        let classes = start.classes;
        let entry = Entry::Begin { classes, labels };
        self.journal.append(&entry)?;
        self.replay(vec![entry]);
        Ok(())
    }

    /// Adds a class that the user named, unless it is there.
    fn add_class(&mut self, name: String) -> Result<()> {
        let planned = self.history.plan(&Deed::AddClass { name: name.clone() });
        if let Ok(planned @ Planned::New(_)) = planned {
            self.journal.append(&Entry::Deed(Deed::AddClass { name }))?;
            self.history.perform(planned);
        }
        Ok(())
    }

    /// Makes all changes of a journal. Returns the labels that the label file had when it was last written,
    /// or when the journal began.
    fn replay(&mut self, entries: Vec<Entry>) -> HashMap<u32, Mark> {
        let is_written = |entry: &Entry| matches!(entry, Entry::Written | Entry::Begin { .. });
        let last = entries.iter().rposition(is_written);
        let mut written = self.labelled();
        for (place, entry) in entries.into_iter().enumerate() {
            match entry {
                Entry::Begin { classes, labels } => {
                    let deeds = classes.into_iter().map(|name| Deed::AddClass { name });
                    let images = labels.into_iter().map(|(name, label)| (name, Some(label)));
                    let images = images.collect();
                    for deed in deeds.chain([Deed::Edit { images }]) {
                        let deed: Deed<u32> = deed.map(|name: String| self.number(&name));
                        // A name that cannot be a class has no images.
                        let _ = self.history.begin_with(&deed);
                    }
                }
                Entry::Deed(deed) => {
                    let deed = deed.map(|name| self.number(&name));
                    // Only deeds that were possible are in the journal.
                    if let Ok(planned) = self.history.plan(&deed) {
                        self.history.perform(planned);
                    }
                }
                Entry::Output { file, digest } => {
                    self.written.insert(file, digest);
                }
                Entry::Journal { .. } | Entry::Opened { .. } | Entry::Written => {}
            }
            if Some(place) == last {
                written = self.labelled();
            }
        }
        written
    }

    /// Takes over what was changed in the label file since it was last written.
    fn take_edits(
        &mut self,
        listed: Option<Vec<(String, String)>>,
        written: &HashMap<u32, Mark>,
    ) -> Result<Option<String>> {
        let Some(listed) = listed else {
            let path = self.path.display();
            return Ok(Some(format!(
                "`{path}` was missing or empty and is written again from its journal"
            )));
        };
        let mut listed_by: HashMap<u32, String> = HashMap::new();
        for (name, label) in listed {
            listed_by.insert(self.number(&name), label);
        }
        let tags = &self.history.tags;
        let label_of = |mark: Option<&Mark>| match mark {
            Some(Mark::Class(class)) => Some(tags.name(*class)),
            _ => None,
        };
        let mut images = Vec::new();
        for image in 0..self.names.len() as u32 {
            let now = listed_by.get(&image).map(|label| {
                // The file may have a name in another Unicode form.
                let known = tags.class(label).map(|class| tags.name(class));
                known.unwrap_or(label)
            });
            let was = label_of(written.get(&image));
            // What is not labelled may be left out, which the label file does not say.
            if now != was && now != tags.label(image) {
                images.push((
                    self.names[image as usize].to_string(),
                    now.map(str::to_owned),
                ));
            }
        }
        if images.is_empty() {
            return Ok(None);
        }
        let n = images.len();
        let entry = Entry::Deed(Deed::Edit { images });
        self.journal.append(&entry)?;
        self.replay(vec![entry]);
        Ok(Some(format!(
            "{} changed in `{}` by another program; undo takes these changes back",
            counted(n, "label"),
            self.path.display()
        )))
    }

    fn told_absent(&self) -> Option<String> {
        let tags = &self.history.tags;
        let absent =
            (self.n_images..self.names.len()).filter(|&image| tags.label(image as u32).is_some());
        let absent: Vec<usize> = absent.collect();
        let first = &self.names[*absent.first()?];
        Some(format!(
            "{} in `{}` {} not among the images, such as `{first}`; their rows are kept",
            counted(absent.len(), "label"),
            self.path.display(),
            if absent.len() == 1 { "is" } else { "are" }
        ))
    }

    /// Returns the number of an image by its name, a new one if it is not among the images.
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.history.tags.add_absent();
        self.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }

    fn labelled(&self) -> HashMap<u32, Mark> {
        let tags = &self.history.tags;
        let all = 0..tags.len() as u32;
        let marks = all.map(|image| (image, tags.get(image).mark));
        marks
            .filter(|(_, mark)| matches!(mark, Mark::Class(_)))
            .collect()
    }

    /// Records the address at which this process answers.
    pub(super) fn opened(&mut self, address: Option<String>) -> Result<()> {
        let process = std::process::id();
        self.journal.note(&Entry::Opened { process, address })
    }

    /// Records a head or report that was written, so that it may be replaced later.
    pub(super) fn remember(&mut self, file: String, digest: String) -> Result<()> {
        let (name, sum) = (file.clone(), digest.clone());
        self.journal.append(&Entry::Output { file, digest })?;
        self.written.insert(name, sum);
        Ok(())
    }

    /// Returns whether a file is as a session has written it.
    pub(super) fn has_written(&self, file: &str, digest: &str) -> bool {
        self.written.get(file).is_some_and(|known| known == digest)
    }

    /// Does something to the labels, once it is in the journal. Returns the images that change.
    ///
    /// # Errors
    /// If it is not possible, or cannot be written; then nothing has changed.
    pub(super) fn act(&mut self, deed: Deed<u32>) -> Result<Vec<u32>, Refusal> {
        let planned = self.history.plan(&deed).map_err(Refusal::Bad)?;
        if matches!(planned, Planned::Nothing) {
            return Ok(Vec::new());
        }
        let names = &self.names;
        let entry = Entry::Deed(deed.map(|image| names[image as usize].to_string()));
        self.journal.append(&entry)?;
        let changed = self.history.perform(planned);
        self.is_behind = true;
        if self.took < QUICK {
            // The deed is in the journal; a label file that cannot be written now is written later.
            let _ = self.write();
        }
        Ok(changed)
    }

    /// Returns whether another program has changed the label file since it was last written.
    pub(super) fn is_edited(&self) -> bool {
        let there = stamp(&self.path);
        there.is_some() && self.file.is_some() && there != self.file
    }

    /// Takes over what another program has changed in the label file, once it seems to have finished. Returns
    /// what the user should know.
    ///
    /// # Errors
    /// A label file that cannot be read.
    pub(super) fn follow(&mut self) -> Result<Option<String>> {
        let stamp = stamp(&self.path);
        let is_done = stamp.is_some_and(|stamp| stamp.is_settled(SystemTime::now()));
        if !is_done || !self.is_edited() {
            return Ok(None);
        }
        let names = self.names[..self.n_images].iter().map(|name| &**name);
        let listed = read_labels(&self.path, names)?;
        let written = self.file_labels.clone();
        let note = self.take_edits(listed, &written)?;
        self.file = stamp;
        self.is_behind = true;
        Ok(note)
    }

    /// Writes the label file if it lacks something, unless another program has changed it.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io).
    pub(super) fn write(&mut self) -> Result<()> {
        if !self.is_behind || self.is_edited() {
            return Ok(());
        }
        let start = Instant::now();
        let tags = &self.history.tags;
        let names = self.names.iter().zip(0..);
        let rows = names.filter_map(|(name, image)| Some((&**name, tags.label(image)?)));
        write_labels(&self.path, rows)?;
        self.is_behind = false;
        self.file = stamp(&self.path);
        self.file_labels = self.labelled();
        self.took = start.elapsed();
        // Without this line, the next session compares the file with an earlier state.
        let _ = self.journal.note(&Entry::Written);
        Ok(())
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|there| Stamp::of(&there))
}

#[cfg(test)]
mod tests;
