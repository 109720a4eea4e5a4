//! The decoders' errors in our words.

use std::io::ErrorKind;

use image::error::{ImageError, UnsupportedErrorKind};

use super::kind;
use crate::images::skip::{corrupt, truncated, unsupported};
use crate::images::{Format, SkipReason};

/// What a decoder says of damage where its own words are of no help.
pub(super) const DAMAGED: &str = "its content contradicts itself";

/// The decoder's error in our words; `bytes` are the whole file.
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
        ImageError::Limits(_) => corrupt(format, "it asks for more memory than its pixels need"),
        _ => {
            let detail = plain(&innermost(error));
            corrupt(format, detail.as_deref().unwrap_or(DAMAGED))
        }
    }
}

/// Whether a decoder came to the end of the file, and wanted more.
pub(super) fn ends_early(error: &ImageError) -> bool {
    if let ImageError::IoError(error) = error {
        return error.kind() == ErrorKind::UnexpectedEof;
    }
    let cause = std::error::Error::source(error);
    std::iter::successors(cause, |cause| cause.source())
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == ErrorKind::UnexpectedEof)
}

/// The words of the first cause.
fn innermost(error: &ImageError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A decoder's words on one line, if they are words: some print their own values in Rust's notation.
pub(super) fn plain(said: &str) -> Option<String> {
    if let Some(chunk) = said.split_once("ChunkType { type: ").map(|(_, rest)| rest) {
        let name: String = chunk
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        let what = if said.starts_with("CRC error") {
            "the checksum does not match the content of"
        } else {
            "there is something wrong with"
        };
        return Some(format!("{what} its chunk `{name}`"));
    }
    if said.starts_with("Corrupt deflate stream") {
        return Some("its compressed data is damaged".into());
    }
    let words: Vec<_> = said.trim_matches('"').split_whitespace().collect();
    let text = words.join(" ");
    (!text.is_empty() && words.iter().all(|word| is_word(word)) && text.len() < 120)
        .then(|| text.trim_end_matches('.').to_owned())
}

/// Whether it is no name of a type, value or function.
fn is_word(word: &str) -> bool {
    // Names of boxes and chunks stand between backquotes.
    let quoted = word.starts_with('`');
    let camel = |pair: &[char]| !quoted && pair[0].is_lowercase() && pair[1].is_uppercase();
    let letters: Vec<char> = word.chars().collect();
    !word.contains(['{', '}', '[', ']', '(', ')', '_', '"', '\\'])
        && !word.contains("::")
        && !letters.windows(2).any(camel)
}

pub(super) fn too_early(format: Format) -> SkipReason {
    truncated(format, "it ends too early")
}

pub(super) fn no_pixels(format: Format) -> SkipReason {
    corrupt(format, "its size is zero")
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
                Some("the checksum does not match the content of its chunk `IDAT`"),
            ),
            (
                format!("Chunk {chunk} is invalid after IDAT chunk."),
                Some("there is something wrong with its chunk `IDAT`"),
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
