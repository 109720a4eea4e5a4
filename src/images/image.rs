//! A picture to work on, in whatever form the caller has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::RgbImage;

/// A picture to work on: a file, the bytes of one, or decoded pixels. Paths, bytes and [`RgbImage`]s convert
/// to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Image {
    /// The path of an image file; it is read when its turn comes.
    File(PathBuf),
    /// The bytes of an image file, in any format that is decoded.
    Bytes(Arc<[u8]>),
    /// Upright pixels. Their colours are taken as they are.
    Rgb(Arc<RgbImage>),
}

impl From<&str> for Image {
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

impl From<String> for Image {
    fn from(path: String) -> Self {
        Self::File(path.into())
    }
}

impl From<&String> for Image {
    fn from(path: &String) -> Self {
        Self::File(path.into())
    }
}

impl From<&Path> for Image {
    fn from(path: &Path) -> Self {
        Self::File(path.into())
    }
}

impl From<PathBuf> for Image {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&PathBuf> for Image {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<Vec<u8>> for Image {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&[u8]> for Image {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<RgbImage> for Image {
    fn from(pixels: RgbImage) -> Self {
        Self::Rgb(pixels.into())
    }
}
