//! What the page asks to be done.

use serde::Deserialize;

use super::deed::{Deed, typed_class_name};
use super::labeller::{Inner, Labeller};
use super::refusal::Refusal;
use super::state::State;

/// Something that the page asks to be done.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Action {
    Label { ids: Vec<u32>, class: String },
    LeaveOut { ids: Vec<u32> },
    Clear { ids: Vec<u32> },
    Keep { ids: Vec<u32> },
    AcceptGroup { key: String, revision: u64 },
    AddClass { name: String },
    RenameClass { from: String, to: String },
    Undo,
    Redo,
}

/// What an action has changed.
#[derive(Debug, serde::Serialize)]
pub(super) struct Acted {
    pub(super) state: State,
    pub(super) changed: Vec<u32>,
}

impl Labeller {
    /// Does what the page asks; it is on disk when this returns.
    ///
    /// # Errors
    /// If it is impossible, refers to a group that has changed, or cannot be written. Nothing has changed
    /// then.
    pub(super) fn act(&self, action: Action) -> Result<Acted, Refusal> {
        let mut inner = self.lock();
        let deed = self.deed(&inner, action)?;
        let mut changed = inner.labelling.act(deed)?;
        changed.retain(|&image| (image as usize) < self.n_images());
        self.rank_again(&mut inner);
        let state = self.state_of(&inner);
        Ok(Acted { state, changed })
    }

    fn deed(&self, inner: &Inner, action: Action) -> Result<Deed<u32>, Refusal> {
        let images = |ids: Vec<u32>| match ids.iter().find(|id| **id as usize >= self.n_images()) {
            Some(id) => Err(Refusal::Bad(format!("there is no image {id}"))),
            None => Ok(ids),
        };
        Ok(match action {
            Action::Label { ids, class } => {
                let images = images(ids)?;
                require_fit(inner, &class)?;
                Deed::Label { images, class }
            }
            Action::LeaveOut { ids } => Deed::LeaveOut {
                images: images(ids)?,
            },
            Action::Clear { ids } => Deed::Clear {
                images: images(ids)?,
            },
            Action::Keep { ids } => Deed::Keep {
                images: images(ids)?,
            },
            Action::AcceptGroup { key, revision } => accepted(inner, &key, revision)?,
            Action::AddClass { name } => {
                require_fit(inner, &name)?;
                Deed::AddClass { name }
            }
            Action::RenameClass { from, to } => {
                require_fit(inner, &to)?;
                Deed::RenameClass { from, to }
            }
            Action::Undo => Deed::Undo,
            Action::Redo => Deed::Redo,
        })
    }
}

/// Checks the name of a class. One that is there already, from a file, may be used.
fn require_fit(inner: &Inner, name: &str) -> Result<(), Refusal> {
    if inner.labelling.history.tags.class(name).is_none() {
        typed_class_name(name).map_err(Refusal::Bad)?;
    }
    Ok(())
}

/// Labels a whole group as the head predicts, if it is still the one that the page has shown.
fn accepted(inner: &Inner, key: &str, revision: u64) -> Result<Deed<u32>, Refusal> {
    let changed = || Refusal::Stale("the group has changed meanwhile".to_owned());
    let group = inner.ranking.group(key).ok_or_else(changed)?;
    if group.since > revision {
        return Err(changed());
    }
    let Some(class) = group.class else {
        let why = "only groups that the head predicts can be accepted";
        return Err(Refusal::Bad(why.to_owned()));
    };
    let images = inner.left(group);
    if images.is_empty() {
        return Err(changed());
    }
    Ok(Deed::Label {
        images,
        class: inner.labelling.history.tags.name(class).to_owned(),
    })
}
