//! An image, as the page gets it, and lists of images.

use serde::Serialize;

use super::labeller::{Inner, Labeller};
use super::rank::{Group, Kind, is_unlabelled};
use super::tags::Mark;
use crate::images::path_text::for_terminal;

/// How many images of each group are sent with the list of groups.
const FIRST: usize = 12;

/// An image.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Item {
    id: u32,
    name: String,
    label: Option<String>,
    state: &'static str,
    kept: bool,
    status: &'static str,
    reason: Option<String>,
    predicted: Option<String>,
    probability: Option<f32>,
    v: String,
    width: Option<u32>,
    height: Option<u32>,
}

/// All groups.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "it is the name in the JSON")]
pub(super) struct Groups {
    revision: u64,
    kind: Kind,
    groups: Vec<GroupStart>,
}

#[derive(Debug, Serialize)]
struct GroupStart {
    key: String,
    title: String,
    n: usize,
    first: Vec<Item>,
}

/// A part of a list of images.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "it is the name in the JSON")]
pub(super) struct Items {
    revision: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    n: usize,
    items: Vec<Item>,
}

/// Which images to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    #[default]
    All,
    Labelled,
    Unlabelled,
    LeftOut,
    Skipped,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(default)]
pub(super) struct Window {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: 200,
        }
    }
}

impl Window {
    /// The most images that are sent at a time.
    const MOST: usize = 1000;

    pub(super) fn of<T>(self, list: &[T]) -> &[T] {
        let from = self.offset.min(list.len());
        let to = from.saturating_add(self.limit.min(Self::MOST));
        &list[from..to.min(list.len())]
    }
}

impl Labeller {
    pub(super) fn item(&self, inner: &Inner, image: u32) -> Item {
        let tags = &inner.labelling.history.tags;
        let tag = tags.get(image);
        let found = self.entries.get(image as usize);
        let name = found.as_ref().map_or("", |found| &found.sample().name);
        let row = inner
            .vectors
            .as_ref()
            .and_then(|vectors| Some((vectors, vectors.row_of(image)?)));
        let size = row.map(|(vectors, row)| vectors.size(row));
        let predicted = row.and_then(|(_, row)| inner.predictions.0.get(row));
        let reason = inner.skipped.get(&image);
        Item {
            id: image,
            name: for_terminal(name),
            label: tags.label(image).map(str::to_owned),
            state: match tag.mark {
                Mark::Unlabelled => "unlabelled",
                Mark::Class(_) => "labelled",
                Mark::LeftOut => "left_out",
            },
            kept: tag.kept,
            status: match (reason, row) {
                (Some(_), _) => "skipped",
                (None, Some(_)) => "ready",
                (None, None) => "pending",
            },
            reason: reason.map(|reason| for_terminal(reason)),
            predicted: predicted.map(|predicted| tags.name(predicted.class).to_owned()),
            probability: predicted.map(|predicted| predicted.probability),
            v: found.map_or_else(String::new, |found| version(&found.sample().place)),
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
        }
    }

    pub(super) fn groups(&self) -> Groups {
        let inner = self.lock_ranked();
        let ranking = &inner.ranking;
        let groups = ranking.groups.iter().filter_map(|group| {
            let images = inner.left(group);
            let first = images.iter().take(FIRST);
            (!images.is_empty()).then(|| GroupStart {
                key: group.key.clone(),
                title: group.title.clone(),
                n: images.len(),
                first: first.map(|&image| self.item(&inner, image)).collect(),
            })
        });
        Groups {
            revision: inner.revision,
            kind: ranking.kind,
            groups: groups.collect(),
        }
    }

    /// Lists a group; one that is gone has no images, because the page may ask for it while groups change.
    pub(super) fn group(&self, key: &str, window: Window) -> Items {
        let inner = self.lock_ranked();
        let group = inner.ranking.group(key);
        let images = group.map(|group| inner.left(group)).unwrap_or_default();
        self.items_of(&inner, Some(key), &images, window)
    }

    /// Lists images in the order of the scan.
    pub(super) fn items(&self, which: Which, class: Option<&str>, window: Window) -> Items {
        let inner = self.lock();
        let tags = &inner.labelling.history.tags;
        let class = class.map(|name| tags.class(name));
        let wanted = |image: &u32| {
            let tag = tags.get(*image);
            let is_of_kind = match which {
                Which::All => true,
                Which::Labelled => matches!(tag.mark, Mark::Class(_)),
                Which::LeftOut => tag.mark == Mark::LeftOut,
                Which::Unlabelled => is_unlabelled(tag) && !inner.skipped.contains_key(image),
                Which::Skipped => inner.skipped.contains_key(image),
            };
            let is_of_class = match class {
                None => true,
                Some(class) => class.is_some_and(|class| tag.mark == Mark::Class(class)),
            };
            is_of_kind && is_of_class
        };
        let images: Vec<u32> = (0..self.n_images() as u32).filter(wanted).collect();
        self.items_of(&inner, None, &images, window)
    }

    fn items_of(&self, inner: &Inner, key: Option<&str>, images: &[u32], window: Window) -> Items {
        let items = window.of(images).iter();
        Items {
            revision: inner.revision,
            key: key.map(str::to_owned),
            n: images.len(),
            items: items.map(|&image| self.item(inner, image)).collect(),
        }
    }
}

impl Inner {
    /// Returns the images of a group that have no label yet.
    pub(super) fn left(&self, group: &Group) -> Vec<u32> {
        let tags = &self.labelling.history.tags;
        let is_left =
            |image: &&u32| is_unlabelled(tags.get(**image)) && !self.skipped.contains_key(*image);
        group.images.iter().filter(is_left).copied().collect()
    }
}

/// Returns a text that changes with the content of an image.
pub(super) fn version(place: &crate::images::Place) -> String {
    let stamp = place.known_stamp().unwrap_or_default();
    let text = format!("{stamp:?} {}", place.key());
    blake3::hash(text.as_bytes()).to_hex()[..8].to_owned()
}
