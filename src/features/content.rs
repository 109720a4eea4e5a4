//! The content of an image file: the digest of its bytes, which is the key of its features, and its size.

use std::fmt;

use crate::stamp::Stamp;

/// The BLAKE3 hash of a file's bytes. Files with the same bytes share their features.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Computes the digest of a file's content.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:02x}{:02x}{:02x}{:02x}…",
            self.0[0], self.0[1], self.0[2], self.0[3]
        )
    }
}

/// The digest and size of an image whose features are in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// The key of its features.
    pub digest: Digest,
    /// Upright width, in pixels.
    pub width: u32,
    /// Upright height, in pixels.
    pub height: u32,
}

impl Content {
    /// Returns the content of an image.
    #[must_use]
    pub fn of(picture: &Picture) -> Self {
        let (width, height) = picture.size;
        Self {
            digest: picture.digest,
            width,
            height,
        }
    }

    /// Combines the content with the stamp of its file.
    pub(super) fn picture(self, stamp: Option<Stamp>) -> Picture {
        Picture {
            digest: self.digest,
            size: (self.width, self.height),
            stamp,
        }
    }
}

/// The digest, size and file stamp of a used image.
#[derive(Debug, Clone, Copy)]
pub struct Picture {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Upright width and height, in pixels.
    pub size: (u32, u32),
    /// The stamp that its file had before it was read, unless a later write could have kept the stamp.
    pub stamp: Option<Stamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blake3_of_nothing() {
        // The first test vector in BLAKE3's test_vectors.json.
        let wanted = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(Digest::of(b"").to_string(), wanted);
    }
}
