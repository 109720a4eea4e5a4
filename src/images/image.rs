//! An image to process, in whatever form the caller has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{RgbImage, SkipReason};

/// An image to process: a file, the bytes of a file, or decoded pixels. Paths, bytes, [`RgbImage`]s
/// and [`SkipReason`]s convert into it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Image {
    /// The path of an image file, which is read only when it is needed.
    File(PathBuf),
    /// The bytes of an image file, in any format that is decoded.
    Bytes(Arc<[u8]>),
    /// Upright pixels, whose colours are used unchanged.
    Rgb(Arc<RgbImage>),
    /// An image that the caller cannot provide; the result has the reason.
    Unusable(SkipReason),
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
    Unusable of SkipReason;
}
