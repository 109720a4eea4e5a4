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

macro_rules! conversions {
    ($($variant:ident of $($from:ty),+;)+) => {$($(
        impl From<$from> for Image {
            fn from(picture: $from) -> Self {
                Self::$variant(picture.into())
            }
        }
    )+)+};
}

conversions! {
    File of &str, String, &String, &Path, PathBuf, &PathBuf;
    Bytes of Vec<u8>, &[u8];
    Rgb of RgbImage;
}
