//! The order in which unlabelled images are shown: in groups, the most useful first.

use std::collections::{HashMap, HashSet};

use super::model::Predictions;
use super::tags::{Mark, Tag, Tags};
use super::vectors::Vectors;

/// What the groups are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The classes that the head predicts.
    Predictions,
    /// Images that look alike.
    Clusters,
    /// All images, in the order of the scan.
    All,
}

/// Images that are shown together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Its name in addresses.
    pub(super) key: String,
    /// The class, if the head predicts it.
    pub(super) class: Option<u32>,
    pub(super) title: String,
    /// The most useful first; some may have a label meanwhile.
    pub(super) images: Vec<u32>,
    /// The revision in which its images changed.
    pub(super) since: u64,
}

/// All groups.
#[derive(Debug, Clone)]
pub(super) struct Ranking {
    pub(super) kind: Kind,
    pub(super) groups: Vec<Group>,
}

impl Ranking {
    /// Returns all images in the order of the scan.
    pub(super) fn of_all(n_images: usize) -> Self {
        let group = Group {
            key: "all".to_owned(),
            class: None,
            title: "All images".to_owned(),
            images: (0..n_images as u32).collect(),
            since: 0,
        };
        Self {
            kind: Kind::All,
            groups: vec![group],
        }
    }

    /// Groups unlabelled images by the class that the head predicts, in the order of the classes.
    ///
    /// The rule is that of [`select`](crate::head::select): the least certain first, and of near-duplicates
    /// (rows with the same `alike`) only the first; the others come last, as do those of labelled images.
    pub(super) fn of_predictions(
        tags: &Tags,
        vectors: &Vectors,
        predictions: &Predictions,
        alike: &[u32],
    ) -> Self {
        let mut rows = unlabelled(tags, vectors);
        let uncertainty = |row: &usize| predictions.0[*row].uncertainty;
        rows.sort_by(|a, b| uncertainty(b).total_cmp(&uncertainty(a)));
        let rows = copies_last(rows.into_iter(), alike, labelled(tags, vectors, alike));
        let groups = tags.classes().iter().map(|&class| Group {
            key: format!("c{class}"),
            class: Some(class),
            title: tags.name(class).to_owned(),
            images: Vec::new(),
            since: 0,
        });
        let mut groups: Vec<Group> = groups.collect();
        let places: HashMap<u32, usize> = tags.classes().iter().copied().zip(0..).collect();
        for row in rows {
            if let Some(&place) = places.get(&predictions.0[row].class) {
                groups[place].images.push(vectors.images()[row]);
            }
        }
        groups.retain(|group| !group.images.is_empty());
        Self {
            kind: Kind::Predictions,
            groups,
        }
    }

    /// Groups unlabelled images by their clusters, which are lists of rows in order.
    pub(super) fn of_clusters(
        tags: &Tags,
        vectors: &Vectors,
        clusters: &[Vec<usize>],
        alike: &[u32],
    ) -> Self {
        let groups = clusters.iter().zip(1..).map(|(rows, number)| {
            let rows = copies_last(rows.iter().copied(), alike, HashSet::new());
            let images = rows.into_iter().map(|row| vectors.images()[row]);
            Group {
                key: format!("k{number}"),
                class: None,
                title: format!("Group {number}"),
                images: images
                    .filter(|&image| is_unlabelled(tags.get(image)))
                    .collect(),
                since: 0,
            }
        });
        Self {
            kind: Kind::Clusters,
            groups: groups.filter(|group| !group.images.is_empty()).collect(),
        }
    }

    /// Takes over since when groups have been as they are: `before` is the ranking that this one replaces.
    pub(super) fn follow(&mut self, before: &Self, revision: u64) {
        for group in &mut self.groups {
            let same = before.groups.iter().find(|old| old.key == group.key);
            let same = same.filter(|old| old.title == group.title && has_same(old, group));
            group.since = same.map_or(revision, |old| old.since);
        }
    }

    pub(super) fn group(&self, key: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.key == key)
    }
}

/// Moves rows to the end that are near-duplicates of rows before them, or of groups that were `seen`.
fn copies_last(
    rows: impl Iterator<Item = usize>,
    alike: &[u32],
    mut seen: HashSet<u32>,
) -> Vec<usize> {
    let (mut first, copies): (Vec<usize>, Vec<usize>) =
        rows.partition(|&row| seen.insert(alike[row]));
    first.extend(copies);
    first
}

fn has_same(one: &Group, other: &Group) -> bool {
    if one.images.len() != other.images.len() {
        return false;
    }
    let sorted = |group: &Group| {
        let mut images = group.images.clone();
        images.sort_unstable();
        images
    };
    sorted(one) == sorted(other)
}

pub(super) fn is_unlabelled(tag: Tag) -> bool {
    tag.mark == Mark::Unlabelled
}

fn unlabelled(tags: &Tags, vectors: &Vectors) -> Vec<usize> {
    let rows = vectors.images().iter().enumerate();
    rows.filter(|(_, image)| is_unlabelled(tags.get(**image)))
        .map(|(row, _)| row)
        .collect()
}

/// Returns the groups of near-duplicates that have a label, or are left out.
fn labelled(tags: &Tags, vectors: &Vectors, alike: &[u32]) -> HashSet<u32> {
    let rows = vectors.images().iter().zip(alike);
    rows.filter(|(image, _)| !is_unlabelled(tags.get(**image)))
        .map(|(_, alike)| *alike)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_rows_before_them_or_of_labelled_ones_come_last() {
        let alike = [0, 0, 1, 1];
        let order = |seen: &[u32]| {
            let seen = seen.iter().copied().collect();
            copies_last([3, 1, 2, 0].into_iter(), &alike, seen)
        };
        assert_eq!(order(&[]), [3, 1, 2, 0]);
        assert_eq!(order(&[1]), [1, 3, 2, 0]);
        assert_eq!(order(&[0, 1]), [3, 1, 2, 0]);
    }
}
