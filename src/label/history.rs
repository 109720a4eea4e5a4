//! The labels with all changes that led to them, which can be taken back and made again without limit.

use super::deed::Deed;
use super::tags::{Change, Tags};

/// The labels and their history.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) tags: Tags,
    done: Vec<Change>,
    undone: Vec<Change>,
}

/// A deed that has been found possible.
#[derive(Debug)]
pub(super) enum Planned {
    /// A new change.
    New(Change),
    /// The last change is taken back.
    Undo,
    /// The last one that was taken back is made again.
    Redo,
    /// It changes nothing.
    Nothing,
}

impl History {
    pub(super) fn new(tags: Tags) -> Self {
        Self {
            tags,
            done: Vec::new(),
            undone: Vec::new(),
        }
    }

    /// Finds out what a deed changes.
    ///
    /// # Errors
    /// A sentence that says why it cannot be done.
    pub(super) fn plan(&mut self, deed: &Deed<u32>) -> Result<Planned, String> {
        match deed {
            Deed::Undo if self.done.is_empty() => Err("there is nothing to undo".to_owned()),
            Deed::Redo if self.undone.is_empty() => Err("there is nothing to redo".to_owned()),
            Deed::Undo => Ok(Planned::Undo),
            Deed::Redo => Ok(Planned::Redo),
            _ => {
                let change = self.tags.change(deed)?;
                let is_empty = change.tags.is_empty() && change.classes == self.tags.classes();
                Ok(if is_empty {
                    Planned::Nothing
                } else {
                    Planned::New(change)
                })
            }
        }
    }

    /// Makes a planned change, and returns the images that it changes.
    pub(super) fn perform(&mut self, planned: Planned) -> Vec<u32> {
        let is_undo = matches!(planned, Planned::Undo);
        let change = match planned {
            Planned::New(change) => {
                self.undone.clear();
                Some(change)
            }
            Planned::Redo => self.undone.pop(),
            Planned::Undo => self.done.pop(),
            Planned::Nothing => None,
        };
        let Some(mut change) = change else {
            return Vec::new();
        };
        self.tags.exchange(&mut change);
        let changed = change.tags.iter().map(|(image, _)| *image).collect();
        let history = if is_undo {
            &mut self.undone
        } else {
            &mut self.done
        };
        history.push(change);
        changed
    }

    /// Takes over changes that are not part of the history: they were there before it.
    pub(super) fn begin_with(&mut self, deed: &Deed<u32>) -> Result<(), String> {
        let mut change = self.tags.change(deed)?;
        self.tags.exchange(&mut change);
        Ok(())
    }

    /// Says what undoing would take back.
    pub(super) fn undo_said(&self) -> Option<&str> {
        self.done.last().map(|change| &*change.said)
    }

    pub(super) fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }
}
