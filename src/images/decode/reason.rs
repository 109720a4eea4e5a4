//! The decoders' errors in our words.

use std::io::ErrorKind;

use image::error::{ImageError, UnsupportedErrorKind};

use crate::images::{Format, SkipReason};

/// The decoder's error in our words.
pub(super) fn reason(format: Format, error: &ImageError) -> SkipReason {
    let detail = innermost(error);
    match error {
        ImageError::Unsupported(_) => SkipReason::UnsupportedKind { format, detail },
        ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => SkipReason::Truncated {
            format,
            detail: "it ends too early".into(),
        },
        _ => SkipReason::Corrupt { format, detail },
    }
}

/// The words of the first cause, on one line.
fn innermost(error: &ImageError) -> String {
    if let ImageError::Unsupported(unsupported) = error {
        return match unsupported.kind() {
            UnsupportedErrorKind::GenericFeature(feature) => feature,
            UnsupportedErrorKind::Color(color) => format!("colour type {color:?}"),
            kind => format!("{kind:?}"),
        };
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn floating_point(format: Format) -> SkipReason {
    SkipReason::UnsupportedKind {
        format,
        detail: "floating-point samples".into(),
    }
}

pub(super) fn no_pixels(format: Format) -> SkipReason {
    SkipReason::Corrupt {
        format,
        detail: "its size is zero".into(),
    }
}
