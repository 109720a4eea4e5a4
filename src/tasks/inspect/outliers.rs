//! Images of the inspected store that are unlike all others of it, or of their class.

use super::alike::Alike;
use super::pictures::Pictures;
use super::report::{Outlier, Unlike};
use crate::classes::ClassIndex;
use crate::head::Distances;

/// Those unlike everything first, each kind with the farthest first. Copies are told of once.
pub(super) fn find(pictures: &Pictures, alike: &Alike) -> Vec<Outlier> {
    let overall = Distances::of(&alike.nearest);
    let alone = overall.beyond();
    let mut outliers = described(pictures, &overall, &alone, Unlike::Everything);
    if let Some(targets) = targets(pictures) {
        let within = Distances::within_classes(&pictures.own, &targets);
        let mut strangers = within.beyond();
        strangers.retain(|distinct| !alone.contains(distinct));
        outliers.extend(described(pictures, &within, &strangers, Unlike::Class));
    }
    outliers
}

/// The class of each distinct image of the inspected store, that of its first copy.
fn targets(pictures: &Pictures) -> Option<Vec<usize>> {
    let names = pictures.own_classes().ok()?;
    let classes = ClassIndex::from_names(names.iter().copied());
    let own = &pictures.copies()[..pictures.own.len()];
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
        limit: distances.limit,
    };
    rows.iter().map(outlier).collect()
}
