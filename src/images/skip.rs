//! Why an image is skipped, worded to follow its path. A setting that would avoid it is named as the
//! library's parameter.

use super::format::Format;

/// Why an image is skipped. Messages read as `{path}: {reason}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// The system cannot read it; contains the system's message.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// A listed path does not exist.
    #[error("no such file")]
    Missing,
    /// A link whose target does not exist; contains the target as stored in the link.
    #[error("is a link to `{0}`, which does not exist")]
    DanglingLink(String),
    /// A link that cannot be followed, such as one to itself; contains the system's message.
    #[error("is a link that cannot be followed: {0}")]
    BrokenLink(String),
    /// A folder, pipe, socket or device; contains its name with an article. It is never opened.
    #[error("is {0}, not a regular file")]
    NotAFile(&'static str),
    /// It is next to the class folders rather than in one.
    #[error("is not in a class folder")]
    NotInAClass,
    /// An empty file.
    #[error("is empty (0 bytes)")]
    Empty,
    /// A recognised file that is not an image; contains its name with an article.
    #[error("is {0}, not an image")]
    NotAnImage(&'static str),
    /// A Git LFS pointer instead of the image.
    #[error("is a Git LFS pointer, not the image itself; fetch it with `git lfs pull`")]
    LfsPointer,
    /// An unrecognised file.
    #[error("is not in a known image format")]
    Unknown,
    /// An image in a format that is not supported; contains the format's name.
    #[error("is {0}, which is not supported; convert it to JPEG or PNG")]
    Unsupported(&'static str),
    /// An image in a format whose decoder is not in this build.
    #[error(
        "is {article} {0}, which this build of frostline cannot decode; rebuild with `--features \
         {feature}` or convert the image to JPEG or PNG",
        article = .0.article(),
        feature = .0.feature().map_or("", |(name, _)| name)
    )]
    NotBuiltIn(Format),
    /// An image of a supported format with an unsupported feature.
    #[error(
        "is {} {format} with {detail}, which is not supported; convert it to an 8-bit JPEG or PNG",
        format.article()
    )]
    UnsupportedKind {
        /// The container.
        format: Format,
        /// The unsupported feature: `12 bits per sample`.
        detail: String,
    },
    /// A truncated file.
    #[error("is a truncated {format}: {detail}")]
    Truncated {
        /// The container.
        format: Format,
        /// What is missing.
        detail: String,
    },
    /// More pixels than allowed, according to the header.
    #[error(
        "is {width} × {height} = {} pixels, over the limit of {} (`max_pixels`)",
        grouped(u64::from(*width) * u64::from(*height)),
        grouped(*limit)
    )]
    TooLarge {
        /// Stored width.
        width: u32,
        /// Stored height.
        height: u32,
        /// The most pixels allowed.
        limit: u64,
    },
    /// More bytes than allowed, detected before it is read.
    #[error(
        "has {} bytes, over the limit of {} (`max_bytes`)",
        grouped(*bytes),
        grouped(*limit)
    )]
    TooLong {
        /// The length of the file, in bytes.
        bytes: u64,
        /// The most bytes allowed.
        limit: u64,
    },
    /// Not enough memory to decode it; contains the number of bytes needed.
    #[error("needs {} bytes of memory to decode, more than is available", grouped(*.0))]
    OutOfMemory(u64),
    /// The network's output for it is not finite.
    #[error("has features that are not finite (NaN or infinity)")]
    NotFinite,
    /// Its features exceed the range of f16; contains the largest, as text.
    #[error("has features as large as {0}, beyond 65504, the maximum of f16; keep f32 (`dtype`)")]
    BeyondF16(String),
    /// A damaged file.
    #[error("is a damaged {format}: {detail}")]
    Corrupt {
        /// The container.
        format: Format,
        /// What is wrong.
        detail: String,
    },
    /// A reason of the caller, who decodes images itself, as a predicate.
    #[error("{0}")]
    Other(String),
}

/// Returns [`SkipReason::UnsupportedKind`].
pub(super) fn unsupported(format: Format, detail: impl Into<String>) -> SkipReason {
    let detail = detail.into();
    SkipReason::UnsupportedKind { format, detail }
}

/// Returns [`SkipReason::Truncated`].
pub(super) fn truncated(format: Format, detail: impl Into<String>) -> SkipReason {
    let detail = detail.into();
    SkipReason::Truncated { format, detail }
}

/// Returns [`SkipReason::Corrupt`].
pub(super) fn corrupt(format: Format, detail: impl Into<String>) -> SkipReason {
    let detail = detail.into();
    SkipReason::Corrupt { format, detail }
}

/// Formats a number with commas between groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_with_the_limit_and_the_parameter() {
        let reason = SkipReason::TooLarge {
            width: 20_000,
            height: 20_000,
            limit: 178_956_970,
        };
        assert_eq!(
            reason.to_string(),
            "is 20000 × 20000 = 400,000,000 pixels, over the limit of 178,956,970 (`max_pixels`)"
        );
    }

    #[test]
    fn lengths_are_told_with_the_limit_and_the_parameter() {
        let reason = SkipReason::TooLong {
            bytes: 1_610_612_736,
            limit: 512 << 20,
        };
        assert_eq!(
            reason.to_string(),
            "has 1,610,612,736 bytes, over the limit of 536,870,912 (`max_bytes`)"
        );
    }

    #[test]
    fn digits_are_grouped_by_three() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
