//! Which parts of a store become one part.

use std::path::PathBuf;

use super::kept::Kept;
use crate::error::Result;
use crate::features::manifest::StoreManifest;
use crate::features::part::{Layout, bytes_per_image};
use crate::features::writer::StoreWriter;

/// The most rows of a part, one for each view of an image: the digests of a part are read at once.
const ROWS: usize = 1 << 21;

/// A part of the store.
#[derive(Debug, Clone)]
pub(super) struct OldPart {
    pub(super) path: PathBuf,
    /// The number in the writer's directory.
    pub(super) part: usize,
    /// How many images are kept.
    kept: usize,
    /// Whether others are dropped.
    is_thinned: bool,
}

/// Parts that become one part, or none if no image is kept. What computed them is the same.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) parts: Vec<OldPart>,
    /// The manifest in each part.
    pub(super) own: StoreManifest,
}

/// The groups of parts that are replaced, and what is dropped.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) groups: Vec<Group>,
    pub(super) images: usize,
    pub(super) duplicates: usize,
    pub(super) pruned: usize,
}

impl Plan {
    /// Reads the digests of all parts, and divides the parts into groups of at most `part_bytes` each. Parts
    /// of half that size stay as they are unless they have images that are dropped.
    ///
    /// # Errors
    /// Those of reading the parts.
    pub(super) fn of(writer: &StoreWriter, kept: &Kept, part_bytes: u64) -> Result<Self> {
        let size = bytes_per_image(&writer.manifest);
        let by_rows = ROWS / writer.manifest.spec.views.len();
        let most = by_rows.min((part_bytes / size) as usize).max(1);
        let mut plan = Self::default();
        let mut open: Vec<Group> = Vec::new();
        for (part, path) in writer.parts.iter().enumerate() {
            let (layout, own) = Layout::read_with_own_manifest(path, &writer.manifest)?;
            let kinds = kept.kinds(part, &layout.digests);
            plan.images += kinds.n_kept();
            plan.duplicates += kinds.duplicates;
            plan.pruned += kinds.pruned;
            let old = OldPart {
                path: path.clone(),
                part,
                kept: kinds.n_kept(),
                is_thinned: kinds.n_kept() < layout.digests.len(),
            };
            plan.add(old, own, most, &mut open);
        }
        plan.groups.extend(open);
        plan.groups.retain(Group::changes_something);
        Ok(plan)
    }

    /// Adds a part to the open group of what computed it, or to a new one if that is full.
    fn add(&mut self, old: OldPart, own: StoreManifest, most: usize, open: &mut Vec<Group>) {
        let is_large = old.kept >= most.div_ceil(2);
        let group = open.iter_mut().find(|group| group.own == own);
        match group {
            Some(group) if !is_large && group.images() + old.kept <= most => group.parts.push(old),
            Some(group) if !is_large => {
                let full = std::mem::replace(&mut group.parts, vec![old]);
                self.groups.push(Group { parts: full, own });
            }
            _ => {
                let new = Group {
                    parts: vec![old],
                    own,
                };
                let to = if is_large { &mut self.groups } else { open };
                to.push(new);
            }
        }
    }

    /// Returns the number of images in the new parts.
    pub(super) fn n_moved(&self) -> usize {
        self.groups.iter().map(Group::images).sum()
    }
}

impl Group {
    /// Returns the number of images that are kept.
    pub(super) fn images(&self) -> usize {
        self.parts.iter().map(|old| old.kept).sum()
    }

    fn changes_something(&self) -> bool {
        self.parts.len() > 1 || self.parts.iter().any(|old| old.is_thinned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Dtype;
    use crate::features::fuzz::manifest;
    use crate::images::View;

    /// Divides parts of `kept` images into groups of at most 10. Another device computed those of `-n`.
    fn groups(kept: &[i32], thinned: &[usize]) -> Vec<Vec<usize>> {
        let one = manifest(Dtype::F16, &[View::Center]);
        let mut other = one.clone();
        other.engine.device = "cuda:0".to_owned();
        let (mut plan, mut open) = (Plan::default(), Vec::new());
        for (part, &images) in kept.iter().enumerate() {
            let old = OldPart {
                path: PathBuf::new(),
                part,
                kept: images.unsigned_abs() as usize,
                is_thinned: thinned.contains(&part),
            };
            let own = if images < 0 { &other } else { &one };
            plan.add(old, own.clone(), 10, &mut open);
        }
        plan.groups.extend(open);
        plan.groups.retain(Group::changes_something);
        let parts = |group: Group| group.parts.iter().map(|old| old.part).collect();
        plan.groups.into_iter().map(parts).collect()
    }

    #[test]
    fn small_parts_of_one_engine_become_large_ones() {
        for (kept, thinned, wanted) in [
            (&[4, 4, 4, 1][..], &[][..], vec![vec![0, 1], vec![2, 3]]),
            // Parts of half the size stay, also between others.
            (&[5, 1, 10, 2], &[], vec![vec![1, 3]]),
            (&[4, -4, 4, -4], &[], vec![vec![0, 2], vec![1, 3]]),
            // One part that is left over stays, unless images are dropped from it.
            (&[8, 3], &[], vec![]),
            (&[8, 3], &[1], vec![vec![1]]),
            (&[8, 3], &[0], vec![vec![0]]),
            (&[0, 8], &[0], vec![vec![0]]),
            (&[], &[], vec![]),
        ] {
            assert_eq!(groups(kept, thinned), wanted, "{kept:?} {thinned:?}");
        }
    }
}
