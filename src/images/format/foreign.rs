//! The names of files that are not decoded.

use crate::images::SkipReason;

/// How much of a file is looked at to tell text from noise.
const LOOK_AT: usize = 1024;

/// So many zero bytes at the start are those of no format; whether more follow is not looked at.
const ZEROS: usize = 512;

/// Pictures that are not decoded, by their first bytes.
const PICTURES: [(&[u8], &str); 11] = [
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
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

/// Files that are no pictures, by their first bytes.
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

/// What a file is by its signature, if it is one that is known and not decoded.
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
            "nothing but zero bytes"
        } else {
            "a file that starts with zero bytes"
        }));
    }
    (bytes.get(4..8) == Some(b"ftyp")).then(|| media_file(bytes))
}

/// An ISO base media file (HEIC, AVIF, MP4 …), by its brand and the brands it says to be compatible with.
fn media_file(bytes: &[u8]) -> SkipReason {
    let size = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let brands: Vec<&[u8]> = bytes[8..size.clamp(8, bytes.len())].chunks(4).collect();
    let has = |names: &[&[u8]]| names.iter().any(|name| brands.contains(name));
    if has(&[b"avif", b"avis"]) {
        SkipReason::Unsupported("AVIF")
    } else if has(&[
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
    ]) {
        SkipReason::Unsupported("HEIC")
    } else if has(&[b"crx "]) {
        SkipReason::Unsupported("a camera's raw file (CR3)")
    } else {
        SkipReason::NotAnImage("a video (MP4 or QuickTime)")
    }
}

/// What a file of text holds; `None` for bytes that are no text.
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

/// No control characters but white space; a character cut at the end of the look is no fault.
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
