//! What is wrong with a HEIC or AVIF, in words.

use std::io::{self, ErrorKind};

use heifer_isobmff::Error as BoxError;
use image::ImageError;
use image::error::{
    DecodingError, ImageFormatHint, LimitError, LimitErrorKind, UnsupportedError,
    UnsupportedErrorKind,
};

use crate::images::Format;

/// Why a picture cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The file ends too early.
    Cut,
    /// It contradicts itself.
    Damaged(String),
    /// It is of a kind that is not decoded.
    Unsupported(String),
    /// It asks for more memory than its pixels need.
    Memory,
}

impl Fault {
    /// Damage that the words describe.
    pub(super) fn damaged(words: impl Into<String>) -> Self {
        Self::Damaged(words.into())
    }

    /// A kind that the words describe.
    pub(super) fn unsupported(words: impl Into<String>) -> Self {
        Self::Unsupported(words.into())
    }

    /// As the error of a decoder.
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
                Self::Damaged(format!("the size of its box `{box_type}` is wrong"))
            }
            BoxError::MissingBox(name) => Self::Damaged(format!("its box `{name}` is missing")),
            BoxError::InvalidBox { box_type, reason } => {
                Self::Damaged(format!("its box `{box_type}` is wrong: {reason}"))
            }
            BoxError::UnknownItem(id) => Self::Damaged(format!("its item {id} is missing")),
            BoxError::Unimplemented(what) => Self::unsupported(what),
        }
    }
}
