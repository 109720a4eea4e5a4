//! What is carried through at a time, and by whom.

use std::ops::Range;

use super::FREQUENCIES;

/// Tiles in a block. With 64 channels a block and its products take 0.3 MB of a cache; twice as many were 2 to 8 % slower
/// with up to 256 channels, and at most 2 % faster with 512.
const BLOCK: usize = 24;

/// Transformed weights, as 512 × 512 channels have them, that no near cache holds: reading all of them for every block is
/// what takes the time. There blocks are large, and frequency by frequency is multiplied with all panels: VGG19 took 59 and
/// 68 ms an image where it took 69 and 75 (Intel Xeon with 2 MiB of L2 a core).
const MANY_WEIGHTS: usize = FREQUENCIES * 512 * 512;

/// The most numbers of a frequency of such a block, 256 KiB: half or twice as many were slower.
const PLANE: usize = 64 * 1024;

/// How a run is cut into jobs: blocks of tiles, times groups of panels.
pub(super) struct Jobs {
    tiles: usize,
    blocks: usize,
    panels: usize,
    groups: usize,
    many_weights: bool,
}

impl Jobs {
    /// Of so many tiles and panels, for `weights` transformed weights of `depth` channels of input.
    pub(super) fn new(
        [tiles, panels]: [usize; 2],
        threads: usize,
        (weights, depth): (usize, usize),
    ) -> Self {
        let many_weights = weights >= MANY_WEIGHTS;
        let block = if many_weights {
            // Of the inputs and, all panels being taken at once, of the products as well.
            let channels = depth.max(weights / FREQUENCIES / depth);
            (PLANE / channels).min(tiles / (2 * threads)).max(BLOCK)
        } else {
            BLOCK
        };
        let blocks = tiles.div_ceil(block);
        let (blocks, groups) = if blocks >= 2 * threads {
            (blocks.next_multiple_of(threads), 1)
        } else {
            // Few tiles: each thread reads but a share of the weights, and transforms the inputs for itself.
            (tiles.div_ceil(2 * BLOCK).max(1), threads.min(panels))
        };
        Self {
            tiles,
            blocks,
            panels,
            groups,
            many_weights,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.blocks * self.groups
    }

    /// How many panels' products are taken before they are transformed back, at most.
    pub(super) fn panels_at_once(&self) -> usize {
        if self.many_weights { self.panels } else { 1 }
    }

    pub(super) fn get(&self, job: usize) -> (Range<usize>, Range<usize>) {
        let (block, group) = (job / self.groups, job % self.groups);
        let share = |i, all, parts| i * all / parts..(i + 1) * all / parts;
        (
            share(block, self.tiles, self.blocks),
            share(group, self.panels, self.groups),
        )
    }
}
