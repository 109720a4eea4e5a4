//! Why an image is not used, in words that go on after its path. The option that would have it used is named
//! as the library's parameter.

use super::format::Format;

/// Why an image is skipped. Messages read as `{path}: {reason}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// The system refused to read it; its own words.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// A listed path is not there.
    #[error("no such file")]
    Missing,
    /// A link to nothing; the target as the link has it.
    #[error("is a link to `{0}`, which does not exist")]
    DanglingLink(String),
    /// A link that cannot be followed, such as one to itself; the system's words.
    #[error("is a link that cannot be followed: {0}")]
    BrokenLink(String),
    /// A folder, pipe, socket or device, with its article. It is never opened.
    #[error("is {0}, not a regular file")]
    NotAFile(&'static str),
    /// It lies beside the class folders.
    #[error("is not in a class folder")]
    NotInAClass,
    /// A file of no bytes.
    #[error("is empty (0 bytes)")]
    Empty,
    /// Something that is recognised, and is no picture.
    #[error("is {0}, not an image")]
    NotAnImage(&'static str),
    /// A pointer of Git LFS in place of the picture.
    #[error("is a Git LFS pointer, not the image itself; fetch it with `git lfs pull`")]
    LfsPointer,
    /// Nothing that is recognised.
    #[error("is not in a known image format")]
    Unknown,
    /// A picture in a format that is not read.
    #[error("is {0}, which is not supported; convert it to JPEG or PNG")]
    Unsupported(&'static str),
    /// A picture in a format whose decoder is not in this build.
    #[error(
        "is {article} {0}, which this build of frostline does not read; build it with `--features \
         {feature}`, or convert the image to JPEG or PNG",
        article = .0.article(),
        feature = .0.feature().map_or("", |(name, _)| name)
    )]
    NotBuiltIn(Format),
    /// A picture in a format that is read, of a kind that is not.
    #[error(
        "is {} {format} with {detail}, which is not supported; convert it to an 8-bit JPEG or PNG",
        format.article()
    )]
    UnsupportedKind {
        /// The container.
        format: Format,
        /// What is special about it: `12 bits per sample`.
        detail: String,
    },
    /// The end is missing.
    #[error("is {} {format} that is cut off: {detail}", format.article())]
    Truncated {
        /// The container.
        format: Format,
        /// What is missing.
        detail: String,
    },
    /// More pixels than allowed, judged from the header.
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
        /// The most pixels that are allowed.
        limit: u64,
    },
    /// More bytes than allowed, known before it is read.
    #[error(
        "has {} bytes, over the limit of {} (`max_bytes`)",
        grouped(*bytes),
        grouped(*limit)
    )]
    TooLong {
        /// The length of the file.
        bytes: u64,
        /// The most bytes that are allowed.
        limit: u64,
    },
    /// The memory for its pixels cannot be had.
    #[error("needs {} bytes of memory to unpack, which cannot be had", grouped(*.0))]
    OutOfMemory(u64),
    /// The network gives numbers for it that are none.
    #[error("has features that are not finite (NaN or infinity)")]
    NotFinite,
    /// Its features cannot be kept in 16 bits; the largest of them, as text.
    #[error(
        "has features as large as {0}, beyond 65504, the largest number that f16 holds; keep f32 (`dtype`)"
    )]
    BeyondF16(String),
    /// The bytes contradict themselves.
    #[error("is a damaged {format}: {detail}")]
    Corrupt {
        /// The container.
        format: Format,
        /// In which way.
        detail: String,
    },
}

/// A picture in a format that is read, of a kind that is not.
pub(super) fn unsupported(format: Format, detail: impl Into<String>) -> SkipReason {
    let detail = detail.into();
    SkipReason::UnsupportedKind { format, detail }
}

/// A file whose end is missing.
pub(super) fn truncated(format: Format, detail: impl Into<String>) -> SkipReason {
    let detail = detail.into();
    SkipReason::Truncated { format, detail }
}

/// A file whose bytes contradict themselves.
pub(super) fn corrupt(format: Format, detail: impl Into<String>) -> SkipReason {
    let detail = detail.into();
    SkipReason::Corrupt { format, detail }
}

/// A number with commas between groups of three digits.
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
