//! Duplicates and near-duplicates: groups, leakage, contradictions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::pictures::{Pictures, Vectors};
use super::report::{Contradiction, Duplicates, Leakage, Leaked, Likeness, NearDuplicates};
use crate::error::Result;
use crate::head::{Groups, Joins, NearPair, Neighbour, NeighbourSearch, lower};

/// The number of nearest images kept per image and store: a thousand frames of one film then form a group of
/// at most eight thousand links, not half a million.
const NEAREST: usize = 8;

/// The nearest neighbours and near-duplicates of all distinct images.
pub(super) struct Alike {
    /// The nearest neighbours of each distinct image of the inspected store within it, nearest first.
    pub(super) nearest: Vec<Vec<Neighbour>>,
    /// The share of the nearest neighbours that were found; `None` if every image was compared with every
    /// other.
    pub(super) recall: Option<f64>,
    /// Pairs of distinct images that are near-duplicates, each once.
    links: Vec<NearPair>,
    /// Groups of distinct images of both stores that are near-duplicates, directly or through others.
    groups: Groups,
    /// The same for all images of the inspected store, including duplicates, from its own near pairs only.
    pub(super) own_groups: Groups,
    /// For each distinct image that only the other store has: its nearest image in the inspected store, if
    /// that is a near-duplicate.
    twins: Vec<Option<Neighbour>>,
}

impl Alike {
    pub(super) fn find(pictures: &Pictures, vectors: &Vectors, near: f32) -> Result<Self> {
        let (own, theirs) = (&vectors.own, &vectors.theirs);
        let first_copy = |distinct: usize| pictures.copies()[distinct][0];
        let (joins, own_joins) = (
            Joins::new(own.len() + theirs.len()),
            Joins::new(pictures.n_own()),
        );
        let search = NeighbourSearch::among(own, own.len() + theirs.len(), NEAREST);
        let mut recall = search.recall();
        // All near pairs are joined, including those beyond the `NEAREST` of either image.
        let nearest = search.nearest_and_near(None, NEAREST, near, |left, right| {
            joins.join(left, right);
            own_joins.join(first_copy(left), first_copy(right));
        })?;
        let mut links = near_pairs(&nearest, near, 0, 0);
        let mut twins = Vec::new();
        if !theirs.is_empty() {
            let join = |query, row| joins.join(own.len() + query, row);
            let across = search.nearest_and_near(Some(theirs), NEAREST, near, join)?;
            let first = |nearest: &Vec<Neighbour>| nearest.first().copied();
            twins = across
                .iter()
                .map(|nearest| first(nearest).filter(|n| n.cosine >= near))
                .collect();
            links.extend(near_pairs(&across, near, own.len(), 0));
            let search = NeighbourSearch::among(theirs, theirs.len(), NEAREST);
            recall = lower(recall, search.recall());
            let join = |query, row| joins.join(own.len() + query, own.len() + row);
            let among = search.nearest_and_near(None, NEAREST, near, join)?;
            links.extend(near_pairs(&among, near, own.len(), own.len()));
        }
        let digests: Vec<[u8; 32]> = pictures.digests().iter().map(|digest| digest.0).collect();
        let digest = |image| digests[pictures.distinct(image)];
        let own_digests: Vec<[u8; 32]> = (0..pictures.n_own()).map(digest).collect();
        Ok(Self {
            nearest,
            recall,
            links,
            groups: Groups::joined(&digests, &joins),
            own_groups: Groups::joined(&own_digests, &own_joins),
            twins,
        })
    }

    pub(super) fn near_duplicates(&self, pictures: &Pictures) -> Vec<NearDuplicates> {
        let mut found: BTreeMap<usize, (f32, BTreeSet<usize>)> = BTreeMap::new();
        for link in &self.links {
            let group = found
                .entry(self.groups.of_row()[link.left])
                .or_insert((-1.0, BTreeSet::new()));
            group.0 = group.0.max(link.cosine);
            for distinct in [link.left, link.right] {
                group.1.extend(&pictures.copies()[distinct]);
            }
        }
        let mut found: Vec<NearDuplicates> = found
            .into_values()
            .map(|(cosine, images)| NearDuplicates {
                cosine,
                images: pictures.described(images),
            })
            .collect();
        found.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        found
    }

    /// Returns the images of the other store that the inspected store also contains, with their best matches.
    pub(super) fn leakage(&self, pictures: &Pictures) -> Leakage {
        let theirs = pictures.n_own()..pictures.len();
        let n_theirs = theirs.len();
        let mut images: Vec<Leaked> = theirs
            .filter_map(|image| self.leaked(pictures, image))
            .collect();
        images.sort_by(|a, b| a.likeness.order(b.likeness));
        let n_equal = images.partition_point(|leaked| leaked.likeness == Likeness::Equal);
        Leakage {
            n_equal,
            n_near: images.len() - n_equal,
            share: images.len() as f64 / n_theirs.max(1) as f64,
            images,
        }
    }

    fn leaked(&self, pictures: &Pictures, image: usize) -> Option<Leaked> {
        let distinct = pictures.distinct(image);
        let (twin, likeness) = match distinct.checked_sub(pictures.n_own_distinct()) {
            None => (distinct, Likeness::Equal),
            Some(theirs) => {
                let Neighbour { row, cosine } = self.twins[theirs]?;
                (row, Likeness::Near { cosine })
            }
        };
        Some(Leaked {
            image: pictures.image(image).clone(),
            twin: pictures.image(pictures.copies()[twin][0]).clone(),
            likeness,
        })
    }

    pub(super) fn contradictions(&self, pictures: &Pictures) -> Vec<Contradiction> {
        let of_one = pictures
            .copies()
            .iter()
            .map(|copies| (copies.clone(), Likeness::Equal));
        let of_one = of_one.filter(|(images, _)| has_several_classes(pictures, images));
        let first = |distinct: usize| pictures.class(pictures.copies()[distinct][0]);
        let differ = |link: &&NearPair| match (first(link.left), first(link.right)) {
            (Some(left), Some(right)) => left != right,
            _ => false,
        };
        let of_two = self.links.iter().filter(differ).map(|link| {
            let copies =
                [link.left, link.right].map(|distinct| pictures.copies()[distinct].clone());
            let cosine = link.cosine;
            (copies.concat(), Likeness::Near { cosine })
        });
        let mut found: Vec<Contradiction> = of_one
            .chain(of_two)
            .map(|(images, likeness)| Contradiction {
                images: pictures.described(images),
                likeness,
            })
            .collect();
        found.sort_by(|a, b| a.likeness.order(b.likeness));
        found
    }
}

pub(super) fn duplicates(pictures: &Pictures) -> Vec<Duplicates> {
    let all = pictures.copies().iter().zip(pictures.digests());
    let mut groups: Vec<Duplicates> = all
        .filter(|(copies, _)| copies.len() > 1)
        .map(|(copies, digest)| Duplicates {
            digest: digest.to_string(),
            images: pictures.described(copies.iter().copied()),
        })
        .collect();
    groups.sort_by_key(|group| Reverse(group.images.len()));
    groups
}

fn has_several_classes(pictures: &Pictures, images: &[usize]) -> bool {
    let classes: BTreeSet<&str> = images
        .iter()
        .filter_map(|&image| pictures.class(image))
        .collect();
    classes.len() > 1
}

/// Returns the pairs (`queries + i`, `rows + j`) where j is a near neighbour of query i, each pair once.
fn near_pairs(nearest: &[Vec<Neighbour>], near: f32, queries: usize, rows: usize) -> Vec<NearPair> {
    let mut pairs = BTreeMap::new();
    for (query, neighbours) in nearest.iter().enumerate() {
        for neighbour in neighbours.iter().take_while(|n| n.cosine >= near) {
            let (one, other) = (queries + query, rows + neighbour.row);
            pairs.insert((one.min(other), one.max(other)), neighbour.cosine);
        }
    }
    let pair = |((left, right), cosine)| NearPair {
        left,
        right,
        cosine,
    };
    pairs.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_is_mutual_is_told_once() {
        let near = |row, cosine| Neighbour { row, cosine };
        let nearest = [
            vec![near(1, 0.99), near(2, 0.5)],
            vec![near(0, 0.99), near(2, 0.97)],
            vec![near(1, 0.97), near(0, 0.5)],
        ];
        let pairs = |queries, rows| -> Vec<_> {
            let pairs = near_pairs(&nearest, 0.9, queries, rows);
            pairs.iter().map(|pair| (pair.left, pair.right)).collect()
        };
        assert_eq!(pairs(0, 0), [(0, 1), (1, 2)]);
        // Queries of another set, numbered 10, 11 and 12, with neighbours among the rows of this set.
        assert_eq!(pairs(10, 0), [(0, 11), (1, 10), (1, 12), (2, 11)]);
    }
}
