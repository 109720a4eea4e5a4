//! Where the features of an image are.

/// The number of a part in its store, and that of an image in the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    part: u32,
    image: u32,
}

impl Position {
    /// The position of an image that is in no part.
    pub(super) const NOWHERE: Self = Self {
        part: u32::MAX,
        image: u32::MAX,
    };

    /// Creates a position. Memory ends long before four billion parts or images.
    pub(super) fn new(part: usize, image: usize) -> Self {
        let [part, image] = [part, image].map(|n| u32::try_from(n).expect("it fits into memory"));
        Self { part, image }
    }

    pub(super) fn part(self) -> usize {
        self.part as usize
    }

    pub(super) fn image(self) -> usize {
        self.image as usize
    }
}
