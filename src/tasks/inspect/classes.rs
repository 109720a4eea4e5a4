//! How many images each class has.

use std::collections::{BTreeMap, HashSet};

use super::pictures::Pictures;
use super::report::{ClassCount, TINY_CLASS};

/// By name, those of the other store too.
pub(super) fn count(pictures: &Pictures) -> Vec<ClassCount> {
    let mut counts: BTreeMap<&str, ClassCount> = BTreeMap::new();
    let mut seen = HashSet::new();
    for image in 0..pictures.len() {
        let Some(name) = pictures.class(image) else {
            continue;
        };
        let count = counts.entry(name).or_insert_with(|| ClassCount {
            name: name.to_owned(),
            n_images: 0,
            n_different: 0,
            n_against: 0,
            tiny: false,
        });
        if image < pictures.n_own() {
            count.n_images += 1;
            count.n_different += usize::from(seen.insert((name, pictures.distinct(image))));
        } else {
            count.n_against += 1;
        }
        count.tiny = count.n_different < TINY_CLASS;
    }
    counts.into_values().collect()
}
