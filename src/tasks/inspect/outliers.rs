//! Outliers: images of the inspected store that are unlike all its other images, or unlike their class.

use super::alike::Alike;
use super::pictures::Pictures;
use super::report::{Outlier, Unlike};
use crate::classes::ClassIndex;
use crate::head::{Distances, UnitRows};

/// The number of farthest images listed even if none is beyond the limit, since the order is more informative
/// than the limit. In a small store it is one in fifty.
const LISTED: usize = 10;

/// Returns the images unlike all others, then those unlike their class, each farthest first. Duplicates are
/// listed once. An image whose mean distance is within the near-duplicate range is not an outlier, even if
/// all others are more alike still. Also returns the recall of the searches within the classes.
pub(super) fn find(
    pictures: &Pictures,
    own: &UnitRows,
    alike: &Alike,
    near: f32,
) -> (Vec<Outlier>, Option<f64>) {
    let apart =
        |distances: &Distances, distinct: usize| distances.of_row[distinct] > 1.0 - f64::from(near);
    let overall = Distances::of(&alike.nearest);
    let mut alone = overall.farthest(LISTED.min(own.len() / 50));
    alone.retain(|&distinct| apart(&overall, distinct));
    let mut outliers = described(pictures, &overall, &alone, Unlike::Everything);
    let mut recall = None;
    if let Some(targets) = targets(pictures) {
        let within = Distances::within_classes(own, &targets);
        recall = within.recall;
        let mut strangers = within.farthest(0);
        strangers.retain(|distinct| apart(&within, *distinct) && !alone.contains(distinct));
        outliers.extend(described(pictures, &within, &strangers, Unlike::Class));
    }
    (outliers, recall)
}

/// Returns the class of each distinct image of the inspected store, taken from its first copy.
fn targets(pictures: &Pictures) -> Option<Vec<usize>> {
    let names = pictures.own_classes().ok()?;
    let classes = ClassIndex::from_names(names.iter().copied());
    let own = &pictures.copies()[..pictures.n_own_distinct()];
    own.iter()
        .map(|copies| classes.class_to_idx(names[copies[0]]))
        .collect()
}

fn described(
    pictures: &Pictures,
    distances: &Distances,
    rows: &[usize],
    unlike: Unlike,
) -> Vec<Outlier> {
    let outlier = |&distinct: &usize| Outlier {
        image: pictures.image(pictures.copies()[distinct][0]).clone(),
        unlike,
        distance: distances.of_row[distinct],
        limit: distances.limits[distinct],
        beyond: distances.is_beyond(distinct),
    };
    rows.iter().map(outlier).collect()
}
