//! Converts the decoders' errors to skip reasons.

use std::io::ErrorKind;

use image::error::{ImageError, UnsupportedErrorKind};

use super::kind;
use crate::images::skip::{corrupt, truncated, unsupported};
use crate::images::{Format, SkipReason};

/// The detail of damage where the decoder's own message is of no help.
pub(super) const DAMAGED: &str = "its content is inconsistent";

/// Converts a decoder's error to a skip reason; `bytes` is the whole file.
pub(super) fn reason(format: Format, bytes: &[u8], error: &ImageError) -> SkipReason {
    match error {
        ImageError::Unsupported(kind) => {
            let said = match kind.kind() {
                UnsupportedErrorKind::GenericFeature(feature) => plain(&feature),
                _ => None,
            };
            let detail = kind::detail(format, bytes).or(said);
            unsupported(format, detail.unwrap_or_else(|| "unusual features".into()))
        }
        _ if ends_early(error) => too_early(format),
        ImageError::Limits(_) => corrupt(format, "it needs more memory than its size justifies"),
        _ => {
            let detail = plain(&innermost(error));
            corrupt(format, detail.as_deref().unwrap_or(DAMAGED))
        }
    }
}

/// Returns whether a decoder reached the end of the file and needed more.
pub(super) fn ends_early(error: &ImageError) -> bool {
    if let ImageError::IoError(error) = error {
        return error.kind() == ErrorKind::UnexpectedEof;
    }
    let cause = std::error::Error::source(error);
    std::iter::successors(cause, |cause| cause.source())
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == ErrorKind::UnexpectedEof)
}

/// Returns the message of the root cause.
fn innermost(error: &ImageError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Returns a decoder's message on one line, if it is plain text: some decoders print values in Rust's debug
/// notation.
pub(super) fn plain(said: &str) -> Option<String> {
    if let Some(chunk) = said.split_once("ChunkType { type: ").map(|(_, rest)| rest) {
        let name: String = chunk
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        let what = if said.starts_with("CRC error") {
            "checksum mismatch in"
        } else {
            "error in"
        };
        return Some(format!("{what} chunk `{name}`"));
    }
    if said.starts_with("Corrupt deflate stream") {
        return Some("its compressed data is damaged".into());
    }
    let words: Vec<_> = said.trim_matches('"').split_whitespace().collect();
    let text = words.join(" ");
    (!text.is_empty() && words.iter().all(|word| is_word(word)) && text.len() < 120)
        .then(|| text.trim_end_matches('.').to_owned())
}

/// Returns whether a word is not the name of a type, value or function.
fn is_word(word: &str) -> bool {
    // Names of boxes and chunks are in backticks.
    let quoted = word.starts_with('`');
    let camel = |pair: &[char]| !quoted && pair[0].is_lowercase() && pair[1].is_uppercase();
    let letters: Vec<char> = word.chars().collect();
    !word.contains(['{', '}', '[', ']', '(', ')', '_', '"', '\\'])
        && !word.contains("::")
        && !letters.windows(2).any(camel)
}

pub(super) fn too_early(format: Format) -> SkipReason {
    truncated(format, "the file ends too early")
}

pub(super) fn no_pixels(format: Format) -> SkipReason {
    corrupt(format, "its width or height is zero")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_rust_are_no_words() {
        let chunk = "ChunkType { type: IDAT, critical: true, private: false, reserved: false, safecopy: \
            false }";
        let known = [
            (
                format!("CRC error: expected 0x1 have 0x2 while decoding {chunk} chunk."),
                Some("checksum mismatch in chunk `IDAT`"),
            ),
            (
                format!("Chunk {chunk} is invalid after IDAT chunk."),
                Some("error in chunk `IDAT`"),
            ),
            (
                "Corrupt deflate stream. DistanceTooFarBack".into(),
                Some("its compressed data is damaged"),
            ),
            (
                "Invalid PNG  signature.".into(),
                Some("Invalid PNG signature"),
            ),
            ("\"No marker found\"".into(), Some("No marker found")),
            ("Unhandled TIFF color type Palette(8)".into(), None),
            ("tag Some(Value)".into(), None),
            ("Bad BitDepth".into(), None),
            (String::new(), None),
        ];
        for (said, wanted) in known {
            assert_eq!(plain(&said).as_deref(), wanted, "{said}");
        }
    }
}
