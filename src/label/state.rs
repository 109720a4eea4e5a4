//! The state of a session, as the page gets it.

use serde::Serialize;

use super::labeller::{Inner, Labeller, Phase};
use crate::images::path_text::to_text;

/// The most classes with a key.
const KEYS: usize = 9;

/// The state of a session.
#[derive(Debug, Serialize)]
pub(super) struct State {
    pub(super) revision: u64,
    phase: Phase,
    message: Option<String>,
    progress: Done,
    n_images: usize,
    n_skipped: usize,
    n_labelled: usize,
    n_left_out: usize,
    n_unlabelled: usize,
    classes: Vec<ClassState>,
    can_undo: bool,
    can_redo: bool,
    undo: Option<String>,
    labels_file: String,
    features: String,
    images: String,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Done {
    done: u64,
    total: u64,
}

#[derive(Debug, Serialize)]
struct ClassState {
    name: String,
    n: usize,
    key: Option<String>,
}

impl Labeller {
    pub(super) fn state(&self) -> State {
        self.state_of(&self.lock())
    }

    pub(super) fn state_of(&self, inner: &Inner) -> State {
        let history = &inner.labelling.history;
        let tags = &history.tags;
        let class = |(place, &class): (usize, &u32)| ClassState {
            name: tags.name(class).to_owned(),
            n: tags.count(class),
            key: (place < KEYS).then(|| (place + 1).to_string()),
        };
        let (n_labelled, n_left_out) = (tags.n_labelled(), tags.n_left_out());
        let (done, total) = inner.progress;
        let undo = history.undo_said().map(str::to_owned);
        let options = &self.options;
        let inputs = options.extract.inputs.paths().iter();
        let inputs: Vec<String> = inputs.map(|path| to_text(path)).collect();
        State {
            revision: inner.revision,
            phase: inner.phase,
            message: inner.message.clone(),
            progress: Done { done, total },
            n_images: self.n_images(),
            n_skipped: inner.skipped.len(),
            n_labelled,
            n_left_out,
            n_unlabelled: inner.n_unlabelled(),
            classes: tags.classes().iter().enumerate().map(class).collect(),
            can_undo: undo.is_some(),
            can_redo: history.can_redo(),
            undo,
            labels_file: to_text(&options.labels),
            features: to_text(&options.extract.output),
            images: inputs.join(", "),
            notes: inner.notes.clone(),
        }
    }
}

impl Inner {
    /// Returns the number of images that can be labelled and are not.
    pub(super) fn n_unlabelled(&self) -> usize {
        let tags = &self.labelling.history.tags;
        let marked = tags.n_labelled() + tags.n_left_out();
        let is_marked = |image: &&u32| !super::rank::is_unlabelled(tags.get(**image));
        let skipped_and_marked = self.skipped.keys().filter(is_marked).count();
        tags.images().len() + skipped_and_marked - marked - self.skipped.len()
    }
}
