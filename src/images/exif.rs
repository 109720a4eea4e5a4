//! Finds the EXIF block of a file. Decoders would copy everything that a file declares as metadata.

use super::{Format, complete};

/// Returns the EXIF block of a JPEG or WebP as stored; `None` if it is missing or truncated.
pub(super) fn block(format: Format, bytes: &[u8]) -> Option<&[u8]> {
    match format {
        Format::Jpeg => in_jpeg(bytes),
        Format::WebP => in_webp(bytes),
        _ => None,
    }
}

/// Returns the last of the EXIF blocks before the pixels.
fn in_jpeg(bytes: &[u8]) -> Option<&[u8]> {
    const APP1: u8 = 0xe1;
    let mut rest = bytes.get(2..)?;
    let mut found = None;
    while let Some((marker, content, after)) = complete::next_segment(rest) {
        if marker == APP1 {
            let block = content.strip_prefix(b"Exif\0\0");
            found = block.filter(|block| !block.is_empty()).or(found);
        }
        rest = after;
    }
    found
}

/// Returns the first `EXIF` chunk of a file with an extended header.
fn in_webp(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(12..).filter(|rest| rest.starts_with(b"VP8X"))?;
    loop {
        let size = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?) as usize;
        if rest.starts_with(b"EXIF") {
            return rest.get(8..size.checked_add(8)?);
        }
        rest = rest.get(size.checked_add(size & 1)?.checked_add(8)?..)?;
    }
}
