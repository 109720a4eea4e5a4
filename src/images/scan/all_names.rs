//! The names of all images that the shards of a run divide.

/// The names of all images, whatever their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AllNames {
    /// How many there are.
    pub(crate) n: u64,
    /// The sum of their hashes, modulo 2^64.
    pub(crate) sum: u64,
}

impl AllNames {
    /// Adds the hash of a name.
    pub(super) fn add(&mut self, hash: u64) {
        self.n += 1;
        self.sum = self.sum.wrapping_add(hash);
    }
}
