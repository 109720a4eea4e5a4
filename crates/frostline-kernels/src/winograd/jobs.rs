//! What is carried through at a time, and by whom.

use std::ops::Range;

use super::weights::FREQUENCIES;

/// Tiles in a block. With 64 channels a block and its products take 0.3 MB of a cache; twice as many were 2
/// to 8 % slower with up to 256 channels, and at most 2 % faster with 512.
const BLOCK: usize = 24;

/// Transformed weights, as 256 × 256 channels have them, that no near cache holds: reading all of them for
/// every block is what takes the time. There blocks are large, and frequency by frequency is multiplied with
/// all panels. VGG19's convolutions took 44 ms an image that way, 49 from 512 × 512 channels on, and 49 from
/// 128 × 128 on (Intel Xeon with 2 MiB of L2 a core).
const MANY_WEIGHTS: usize = FREQUENCIES * 256 * 256;

/// The most numbers of a frequency of such a block, 256 KiB: half as many were as fast, twice as many slower.
const PLANE: usize = 64 * 1024;

/// Channels from which few tiles with very many weights are one block, so that each weight is read once. 49
/// tiles of 512 channels took 4.3 ms that way and 5.3 in more blocks, 196 tiles of 256, whose inputs each
/// thread transforms for itself, 5.9 and 4.3.
const MANY_CHANNELS: usize = 512;

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
        // Of the inputs and, all panels being taken at once, of the products as well.
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
