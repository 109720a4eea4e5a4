//! What is wrong with a HEIC or AVIF file.

use std::io::{self, ErrorKind};

use heifer_isobmff::Error as BoxError;
use image::ImageError;
use image::error::{
    DecodingError, ImageFormatHint, LimitError, LimitErrorKind, UnsupportedError,
    UnsupportedErrorKind,
};

use crate::images::Format;

/// Why an image cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The file ends too early.
    Cut,
    /// The file is inconsistent.
    Damaged(String),
    /// The file is of a kind that is not supported.
    Unsupported(String),
    /// The file needs more memory than its size justifies.
    Memory,
}

impl Fault {
    /// Returns damage with this description.
    pub(super) fn damaged(words: impl Into<String>) -> Self {
        Self::Damaged(words.into())
    }

    /// Returns an unsupported kind with this description.
    pub(super) fn unsupported(words: impl Into<String>) -> Self {
        Self::Unsupported(words.into())
    }

    /// Converts to the error of a decoder.
    pub(super) fn of(self, format: Format) -> ImageError {
        let hint = ImageFormatHint::Name(format.to_string());
        match self {
            Self::Cut => ImageError::IoError(io::Error::from(ErrorKind::UnexpectedEof)),
            Self::Damaged(words) => ImageError::Decoding(DecodingError::new(hint, words)),
            Self::Unsupported(words) => {
                let kind = UnsupportedErrorKind::GenericFeature(words);
                ImageError::Unsupported(UnsupportedError::from_format_and_kind(hint, kind))
            }
            Self::Memory => {
                ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory))
            }
        }
    }
}

impl From<BoxError> for Fault {
    fn from(error: BoxError) -> Self {
        match error {
            BoxError::UnexpectedEof => Self::Cut,
            BoxError::InvalidBoxSize { box_type, .. } => {
                Self::Damaged(format!("the size of the `{box_type}` box is wrong"))
            }
            BoxError::MissingBox(name) => Self::Damaged(format!("the `{name}` box is missing")),
            BoxError::InvalidBox { box_type, reason } => {
                Self::Damaged(format!("the `{box_type}` box is invalid: {reason}"))
            }
            BoxError::UnknownItem(id) => Self::Damaged(format!("item {id} is missing")),
            BoxError::Unimplemented(what) => Self::unsupported(what),
        }
    }
}
