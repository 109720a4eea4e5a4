//! How a run is split into blocks of tiles and into jobs for threads.

use std::ops::Range;

use super::weights::FREQUENCIES;

/// Tiles in a block. With 64 channels, a block and its products take 0.3 MB of cache. Twice as many tiles
/// were 2 to 8 % slower with up to 256 channels, and at most 2 % faster with 512.
const BLOCK: usize = 24;

/// From this number of transformed weights on, that of 256 × 256 channels, no near cache holds them, and
/// reading all of them for every block takes most of the time. Blocks are then large, and one frequency after
/// the other is multiplied with all panels. VGG19's convolutions took 44 ms per image with this threshold,
/// and 49 ms with that of 512 × 512 or 128 × 128 channels (Intel Xeon with 2 MiB of L2 per core).
const MANY_WEIGHTS: usize = FREQUENCIES * 256 * 256;

/// The most values in a frequency of such a block, 256 KiB. Half as many were as fast, twice as many slower.
const PLANE: usize = 64 * 1024;

/// From this number of channels on, few tiles with very many weights form one block, so that each weight is
/// read once. 49 tiles of 512 channels took 4.3 ms as one block and 5.3 ms as several; 196 tiles of 256
/// channels, whose inputs each thread transforms for itself, took 5.9 ms and 4.3 ms.
const MANY_CHANNELS: usize = 512;

/// How a run is split into jobs: blocks of tiles times groups of panels.
pub(super) struct Jobs {
    tiles: usize,
    blocks: usize,
    panels: usize,
    groups: usize,
    many_weights: bool,
}

impl Jobs {
    /// Splits tiles and panels into jobs, for `weights` transformed weights of `depth` input channels.
    pub(super) fn new(
        [tiles, panels]: [usize; 2],
        threads: usize,
        (weights, depth): (usize, usize),
    ) -> Self {
        let many_weights = weights >= MANY_WEIGHTS;
        // The channels of the inputs or the products, whichever are more: the products of all panels are
        // held at the same time.
        let channels = depth.max(weights / FREQUENCIES / depth);
        let block = if many_weights {
            (PLANE / channels).min(tiles / (2 * threads)).max(BLOCK)
        } else {
            BLOCK
        };
        let blocks = tiles.div_ceil(block);
        let few_tiles = tiles <= PLANE / channels.max(MANY_CHANNELS);
        let (blocks, groups) = if many_weights && few_tiles {
            (1, threads.min(panels))
        } else if blocks >= 2 * threads {
            (blocks.next_multiple_of(threads), 1)
        } else {
            // Few tiles: each thread reads only a share of the weights, and transforms the inputs for itself.
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

    /// Returns for how many panels, at most, products are computed before they are transformed back.
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
