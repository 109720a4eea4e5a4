//! Recognises and names files that are not decoded.

use crate::images::{Format, SkipReason};

/// The number of bytes in which text is distinguished from binary data.
const LOOK_AT: usize = 1024;

/// No format starts with this many zero bytes; what follows them is not inspected.
const ZEROS: usize = 512;

/// Image formats that are not decoded, by their first bytes.
const PICTURES: [(&[u8], &str); 9] = [
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"8BPS", "PSD (Photoshop)"),
    (b"\0\0\x01\0", "ICO"),
    (b"DDS ", "DDS"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"qoif", "QOI"),
];

/// Files that are not images, by their first bytes.
const OTHERS: [(&[u8], &str); 11] = [
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\0\x05\x16\x07", "an AppleDouble file (macOS metadata)"),
    (b"\xd0\xcf\x11\xe0", "an old Office document or Thumbs.db"),
    (b"\x7fELF", "a program"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (b"OggS", "an Ogg file"),
    (b"\x93NUMPY", "a NumPy array"),
];

/// Returns what a file is by its signature, if it is a known format that is not decoded.
pub(super) fn signature(bytes: &[u8]) -> Option<SkipReason> {
    let known = |table: &[(&[u8], &'static str)]| {
        table
            .iter()
            .find(|(magic, _)| bytes.starts_with(magic))
            .map(|&(_, name)| name)
    };
    if let Some(name) = known(&PICTURES) {
        return Some(SkipReason::Unsupported(name));
    }
    if let Some(name) = known(&OTHERS) {
        return Some(SkipReason::NotAnImage(name));
    }
    if bytes.iter().take(ZEROS).all(|&b| b == 0) {
        return Some(SkipReason::NotAnImage(if bytes.len() < ZEROS {
            "a file of zero bytes only"
        } else {
            "a file that starts with zero bytes"
        }));
    }
    (bytes.get(4..8) == Some(b"ftyp")).then(|| media_file(bytes))
}

/// Names an ISO base media file (MP4, CR3 …) that is neither HEIC nor AVIF.
fn media_file(bytes: &[u8]) -> SkipReason {
    if brands(bytes).any(|brand| brand == b"crx ") {
        SkipReason::Unsupported("a camera raw file (CR3)")
    } else {
        SkipReason::NotAnImage("a video (MP4 or QuickTime)")
    }
}

/// Recognises HEIC and AVIF by a file's brand and compatible brands.
pub(super) fn still_picture(bytes: &[u8]) -> Option<Format> {
    const AVIF: [&[u8]; 2] = [b"avif", b"avis"];
    const HEIC: [&[u8]; 8] = [
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
    ];
    let has = |names: &[&[u8]]| brands(bytes).any(|brand| names.contains(&brand));
    if has(&AVIF) {
        Some(Format::Avif)
    } else if has(&HEIC) {
        Some(Format::Heic)
    } else {
        None
    }
}

/// Returns the brands in the first box of an ISO base media file, as far as the bytes reach.
fn brands(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_media = bytes.get(4..8) == Some(b"ftyp");
    let size = bytes
        .first_chunk()
        .map_or(0, |&size| u32::from_be_bytes(size)) as usize;
    let end = match size {
        // The box extends to the end of the file; 256 bytes hold more brands than any file has.
        0 => bytes.len().min(256),
        _ => size.min(bytes.len()),
    };
    let content = bytes.get(8..end).filter(|_| is_media);
    content.unwrap_or_default().chunks(4)
}

/// Returns the kind of a text file; `None` if the bytes are not text.
pub(super) fn text_kind(bytes: &[u8]) -> Option<SkipReason> {
    let start = &bytes[..bytes.len().min(LOOK_AT)];
    let text = String::from_utf8_lossy(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start));
    if !is_text(&text) {
        return None;
    }
    let text = text.trim_start().to_ascii_lowercase();
    let begins = |with: &[&str]| with.iter().any(|w| text.starts_with(w));
    Some(if begins(&["version https://git-lfs"]) {
        SkipReason::LfsPointer
    } else if begins(&["<!doctype html", "<html"]) {
        SkipReason::NotAnImage("an HTML page")
    } else if begins(&["<svg", "<!doctype svg"]) || begins(&["<?xml"]) && text.contains("<svg") {
        SkipReason::Unsupported("SVG")
    } else if text.starts_with('<') {
        SkipReason::NotAnImage("an XML or HTML file")
    } else if begins(&["{", "["]) {
        SkipReason::NotAnImage("a JSON file")
    } else {
        SkipReason::NotAnImage("a text file")
    })
}

/// Returns whether a text has no control characters except white space; a character cut at the end is
/// allowed.
fn is_text(text: &str) -> bool {
    let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let odd =
        |c: char| c == char::REPLACEMENT_CHARACTER || c.is_control() && !c.is_ascii_whitespace();
    !whole.is_empty() && !whole.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cut_inside_a_character_is_still_text() {
        let bytes = "é".repeat(LOOK_AT).into_bytes();
        assert_eq!(
            text_kind(&bytes[..LOOK_AT - 1]),
            Some(SkipReason::NotAnImage("a text file"))
        );
    }
}
