//! What should be looked at again among the labelled images.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::analyses::{Outlying, Similar, SuspectLabel};
use super::item::{Item, Window};
use super::labeller::{Inner, Labeller};
use super::tags::{Mark, Tags};
use super::vectors::Vectors;

/// The nearest labelled images that are shown with an image.
const NEIGHBOURS: usize = 6;

/// What to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Doubt {
    Suspects,
    Duplicates,
    NearDuplicates,
    Contradictions,
    Outliers,
}

/// A part of what should be looked at.
#[derive(Debug, Serialize)]
pub(super) struct Doubts {
    revision: u64,
    computing: bool,
    n: usize,
    entries: Vec<Value>,
}

/// An image near another one.
#[derive(Debug, Serialize)]
pub(super) struct Near {
    pub(super) item: Item,
    pub(super) cosine: f32,
}

/// One thing to look at.
enum Entry {
    Suspect(SuspectLabel),
    Alike(Similar),
    Outlier(Outlying),
}

impl Labeller {
    /// Lists what should be looked at; it may be about labels of a moment ago.
    pub(super) fn check(&self, doubt: Doubt, window: Window) -> Doubts {
        let mut inner = self.lock();
        let edition = inner.edition;
        let ready = inner.vectors.is_some();
        let analyses = &mut inner.analyses;
        let computing = match doubt {
            Doubt::Suspects => analyses.cross_validation.want(edition),
            _ => analyses.inspection.want(edition),
        };
        self.wanted.notify_all();
        let entries = entries(&inner, doubt);
        let tags = inner.labelling.history.tags.clone();
        let vectors = inner.vectors.clone();
        let revision = inner.revision;
        drop(inner);
        let shown = window.of(&entries).iter();
        Doubts {
            revision,
            computing: computing || !ready,
            n: entries.len(),
            entries: shown
                .map(|entry| self.told(entry, &tags, vectors.as_ref()))
                .collect(),
        }
    }

    /// Describes an entry with the nearest labelled images, which are searched without the lock.
    fn told(&self, entry: &Entry, tags: &Tags, vectors: Option<&Arc<Vectors>>) -> Value {
        let near =
            |image| vectors.map_or_else(Vec::new, |vectors| neighbours(image, tags, vectors));
        let near: Vec<(u32, f32)> = match entry {
            Entry::Suspect(suspect) => near(suspect.image),
            Entry::Outlier(outlier) => near(outlier.image),
            Entry::Alike(_) => Vec::new(),
        };
        let inner = self.lock();
        let item = |image| self.item(&inner, image);
        let near = near.into_iter().map(|(image, cosine)| Near {
            item: item(image),
            cosine,
        });
        match entry {
            Entry::Suspect(suspect) => json!({
                "item": item(suspect.image),
                "suggested": tags.name(suspect.suggested),
                "given_probability": suspect.given_probability,
                "suggested_probability": suspect.suggested_probability,
                "neighbours": near.collect::<Vec<_>>(),
            }),
            Entry::Alike(alike) => json!({
                "cosine": alike.cosine,
                "items": alike.images.iter().map(|&image| item(image)).collect::<Vec<_>>(),
            }),
            Entry::Outlier(outlier) => json!({
                "item": item(outlier.image),
                "distance": outlier.distance,
                // JSON has no infinity: without a limit, nothing is beyond it.
                "limit": Some(outlier.limit).filter(|limit| limit.is_finite()),
                "beyond": outlier.beyond,
                "neighbours": near.collect::<Vec<_>>(),
            }),
        }
    }
}

/// Returns the entries that are still to be looked at.
fn entries(inner: &Inner, doubt: Doubt) -> Vec<Entry> {
    let (analyses, tags) = (&inner.analyses, &inner.labelling.history.tags);
    let is_open = |image: u32| {
        let tag = tags.get(image);
        matches!(tag.mark, Mark::Class(_)) && !tag.kept
    };
    if doubt == Doubt::Suspects {
        let Some(found) = analyses.cross_validation.get() else {
            return Vec::new();
        };
        let open = found.suspects.iter().filter(|suspect| {
            is_open(suspect.image) && tags.get(suspect.image).mark == Mark::Class(suspect.given)
        });
        return open.map(|suspect| Entry::Suspect(*suspect)).collect();
    }
    let Some(found) = analyses.inspection.get() else {
        return Vec::new();
    };
    // What was done about one of two images settles both.
    let all_open = |alike: &&Similar| alike.images.iter().all(|&image| is_open(image));
    let is_contradiction = |alike: &&Similar| {
        let first = tags.get(alike.images[0]).mark;
        alike
            .images
            .iter()
            .any(|&image| tags.get(image).mark != first)
    };
    let alike = |alike: &Similar| Entry::Alike(alike.clone());
    match doubt {
        Doubt::Suspects => Vec::new(),
        Doubt::Duplicates => found
            .duplicates
            .iter()
            .filter(all_open)
            .map(alike)
            .collect(),
        Doubt::NearDuplicates => found
            .near_duplicates
            .iter()
            .filter(all_open)
            .map(alike)
            .collect(),
        Doubt::Contradictions => {
            let open = found.contradictions.iter().filter(all_open);
            open.filter(is_contradiction).map(alike).collect()
        }
        Doubt::Outliers => {
            let open = found
                .outliers
                .iter()
                .filter(|outlier| is_open(outlier.image));
            open.map(|outlier| Entry::Outlier(*outlier)).collect()
        }
    }
}

/// Returns the labelled images nearest to an image.
fn neighbours(image: u32, tags: &Tags, vectors: &Vectors) -> Vec<(u32, f32)> {
    let Some(own) = vectors.row_of(image) else {
        return Vec::new();
    };
    let is_labelled =
        |row: usize| row != own && matches!(tags.get(vectors.images()[row]).mark, Mark::Class(_));
    let near = vectors.nearest(vectors.row(own), NEIGHBOURS, is_labelled);
    let near = near
        .iter()
        .map(|near| (vectors.images()[near.row], near.cosine));
    near.collect()
}
