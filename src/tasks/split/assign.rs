//! Which split each group of images gets.

use std::collections::BTreeMap;

use crate::head::seeded_hash;

/// Images that stay together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// What identifies the group, whatever else there is.
    key: [u8; 32],
    /// The number of images of each class.
    classes: BTreeMap<Option<String>, usize>,
    /// The number of images that are in each split already.
    kept: [usize; 3],
    size: usize,
}

impl Group {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            classes: BTreeMap::new(),
            kept: [0; 3],
            size: 0,
        }
    }

    /// Adds an image, with the split that it is in already.
    pub(super) fn add(&mut self, class: Option<&str>, kept: Option<usize>) {
        *self.classes.entry(class.map(str::to_owned)).or_default() += 1;
        if let Some(split) = kept {
            self.kept[split] += 1;
        }
        self.size += 1;
    }

    /// Returns the number of its images.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Returns whether images of the group are in several splits already.
    pub(super) fn is_torn(&self) -> bool {
        self.kept.iter().filter(|images| **images > 0).count() > 1
    }

    /// Returns the split that most of its images are in already.
    fn fixed(&self) -> Option<usize> {
        (0..3)
            .rev()
            .max_by_key(|split| self.kept[*split])
            .filter(|split| self.kept[*split] > 0)
    }

    /// Returns the class of most of its images.
    fn class(&self) -> Option<&str> {
        let most = self.classes.iter().rev().max_by_key(|(_, images)| **images);
        most.and_then(|(class, _)| class.as_deref())
    }
}

/// Returns the split of each group. Groups of one class are taken in turn, large ones first and then in an
/// order that the seed decides; each goes to the split that lacks most images of the class.
pub(super) fn assign(groups: &[Group], fractions: [f64; 3], seed: u64) -> Vec<usize> {
    let mut splits = vec![0; groups.len()];
    let mut by_class: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (number, group) in groups.iter().enumerate() {
        by_class.entry(group.class()).or_default().push(number);
    }
    for mut numbers in by_class.into_values() {
        numbers.sort_unstable_by_key(|&number| {
            let group = &groups[number];
            let order = (seeded_hash(seed, &group.key), group.key);
            (group.fixed().is_none(), usize::MAX - group.size, order)
        });
        let images: usize = numbers.iter().map(|&number| groups[number].size).sum();
        let mut lacking = fractions.map(|share| share * images as f64);
        for number in numbers {
            let group = &groups[number];
            let split = group.fixed().unwrap_or_else(|| most_lacking(&lacking));
            splits[number] = split;
            lacking[split] -= group.size as f64;
        }
    }
    splits
}

fn most_lacking(lacking: &[f64; 3]) -> usize {
    let splits = (0..3).rev();
    splits
        .max_by(|a, b| lacking[*a].total_cmp(&lacking[*b]))
        .unwrap_or(0)
}
