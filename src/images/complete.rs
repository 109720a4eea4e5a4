//! Detects truncated files: some decoders fill missing pixels with gray instead of failing.
//!
//! JPEG and WebP files are checked here. The decoders of the other formats reject images with missing pixels
//! themselves, which the tests of `decode` verify. Unsupported kinds of JPEG and PNG are reported here too,
//! since the decoders would call them damaged.

use super::skip::{corrupt, truncated, unsupported};
use super::{Format, SkipReason};

/// Checks that a file is complete, for the formats whose decoders do not.
///
/// # Errors
///
/// [`SkipReason::Truncated`] for a truncated file, [`SkipReason::UnsupportedKind`] for a JPEG process or PNG
/// encoding that is not supported, [`SkipReason::Corrupt`] for a JPEG without pixels.
pub(super) fn check(format: Format, bytes: &[u8]) -> Result<(), SkipReason> {
    match format {
        Format::Jpeg => jpeg(bytes),
        Format::WebP => webp(bytes),
        Format::Png => png(bytes),
        Format::Gif
        | Format::Bmp
        | Format::Tiff
        | Format::Pnm
        | Format::Heic
        | Format::Avif
        | Format::Jxl => Ok(()),
    }
}

/// Walks the segments of a JPEG (ITU-T T.81, annex B) up to its end marker, and ignores what follows.
///
/// A thumbnail inside a segment is skipped together with its own end marker.
fn jpeg(bytes: &[u8]) -> Result<(), SkipReason> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    let mut scans = 0;
    // The decoder uses the last tables for all scans, libjpeg those before each component's first scan.
    let (mut tables, mut tables_change) = (Vec::new(), false);
    loop {
        let has_pixels = scans > 0;
        let (marker, after) = next_marker(rest).ok_or_else(|| cut_jpeg(has_pixels))?;
        match marker {
            END if !has_pixels => return Err(corrupt(Format::Jpeg, "it contains no pixels")),
            END if tables_change && scans > 1 => {
                let kind = "quantization tables that change between scans";
                return Err(unsupported(Format::Jpeg, kind));
            }
            END => return Ok(()),
            SCAN => scans += 1,
            _ => {}
        }
        if let Some(process) = unknown_process(marker, after) {
            return Err(unsupported(Format::Jpeg, process));
        }
        rest = if stands_alone(marker) {
            after
        } else {
            after_segment(after, scans > 0)?
        };
        let segment = &after[..after.len() - rest.len()];
        if marker == TABLES && !tables.contains(&segment) {
            tables_change |= has_pixels || tables.len() == MOST_TABLES;
            tables.truncate(MOST_TABLES - 1);
            tables.push(segment);
        }
    }
}

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const TABLES: u8 = 0xdb;

/// The most quantization tables that are remembered: more than a JPEG needs, few enough to compare pairwise.
const MOST_TABLES: usize = 16;

/// Returns the next marker and the bytes after it.
///
/// In coded data, `ff 00` is a value and `ff d0` to `ff d7` are restart markers; neither ends a scan. Any
/// number of `ff` may precede a marker. Stray bytes between segments are skipped, as decoders do.
fn next_marker(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let at = memchr::memchr(0xff, bytes)?;
        bytes = &bytes[at + 1..];
        match *bytes.first()? {
            0 | 0xff | 0xd0..=0xd7 => {}
            marker => return Some((marker, &bytes[1..])),
        }
    }
}

/// Returns the next segment before the pixels of a JPEG: its marker, its content, and what follows; `None` at
/// the first scan, at the end, and if the segment is truncated.
pub(super) fn next_segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (marker, after) =
        next_marker(bytes).filter(|(marker, _)| !matches!(*marker, SCAN | END))?;
    if stands_alone(marker) {
        return Some((marker, &[], after));
    }
    let rest = after_segment(after, false).ok()?;
    let content = &after[2..after.len() - rest.len()];
    Some((marker, content, rest))
}

/// Returns whether a marker has no length: `TEM` or a repeated start marker. Restart markers never get here.
fn stands_alone(marker: u8) -> bool {
    matches!(marker, 0x01 | START)
}

/// Returns the bytes after a segment, which starts with its own length.
fn after_segment(bytes: &[u8], has_pixels: bool) -> Result<&[u8], SkipReason> {
    let &[high, low, ..] = bytes else {
        return Err(cut_jpeg(has_pixels));
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    bytes.get(len.max(2)..).ok_or_else(|| cut_jpeg(has_pixels))
}

/// Returns the coding process in a frame header, if it is not supported.
///
/// `header` is what follows the marker: a length of two bytes, then the bits per sample.
fn unknown_process(marker: u8, header: &[u8]) -> Option<&'static str> {
    match (marker, header.get(2)) {
        (0xc3 | 0xc7 | 0xcb, _) => Some("lossless coding"),
        (0xc5 | 0xc6 | 0xcd..=0xcf, _) => Some("hierarchical coding"),
        (0xf7, _) => Some("JPEG-LS coding"),
        (0xc0..=0xc2 | 0xc9 | 0xca, Some(12)) => Some("12 bits per sample"),
        (0xc0..=0xc2 | 0xc9 | 0xca, Some(16)) => Some("16 bits per sample"),
        _ => None,
    }
}

/// Rejects the PNG variant that Apple's tools write for apps, with swapped, premultiplied colours and raw
/// deflate data. Its first chunk is `CgBI`.
fn png(bytes: &[u8]) -> Result<(), SkipReason> {
    if bytes.get(12..16) == Some(b"CgBI") {
        return Err(unsupported(Format::Png, "Apple's CgBI encoding"));
    }
    Ok(())
}

fn cut_jpeg(has_pixels: bool) -> SkipReason {
    let detail = if has_pixels {
        "the end marker is missing"
    } else {
        "the file ends before its pixels"
    };
    truncated(Format::Jpeg, detail)
}

/// Compares the length in the RIFF header with that of the file; the last byte may be padding.
fn webp(bytes: &[u8]) -> Result<(), SkipReason> {
    let Some(&size) = bytes.get(4..).and_then(|b| b.first_chunk()) else {
        return Ok(());
    };
    let wanted = u64::from(u32::from_le_bytes(size)) + 8;
    let there = bytes.len() as u64;
    if there + 1 >= wanted {
        return Ok(());
    }
    let detail = format!("it has {there} of {wanted} bytes");
    Err(truncated(Format::WebP, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A start marker, a comment, a scan header of length 3, coded data with a stuffed byte, a restart marker
    /// and a fill byte, and the end marker.
    const WHOLE: &[u8] =
        b"\xff\xd8\xff\xfe\0\x04hi\xff\xda\0\x03\x01ab\xff\0c\xff\xd0d\xff\xff\xd9";

    #[test]
    fn every_cut_of_a_jpeg_is_told() {
        assert_eq!(jpeg(WHOLE), Ok(()));
        for len in 2..WHOLE.len() {
            let error = jpeg(&WHOLE[..len]).unwrap_err();
            let detail = if len < 10 {
                "the file ends before its pixels"
            } else {
                "the end marker is missing"
            };
            assert_eq!(
                error,
                SkipReason::Truncated {
                    format: Format::Jpeg,
                    detail: detail.into()
                },
                "{len}"
            );
        }
    }

    /// libjpeg keeps the table that each component has at its first scan (T.81, B.2.4.1).
    #[test]
    fn tables_that_change_between_scans_are_told() {
        let (table, other) = (b"\xff\xdb\0\x04\0\x01", b"\xff\xdb\0\x04\0\x02");
        let scan = &b"\xff\xda\0\x03\x01ab"[..];
        let jpeg = |parts: &[&[u8]]| {
            jpeg(&[&WHOLE[..2], table, scan, &parts.concat(), b"\xff\xd9"].concat())
        };
        assert_eq!(jpeg(&[scan]), Ok(()));
        assert_eq!(jpeg(&[table, scan]), Ok(()));
        assert_eq!(jpeg(&[other]), Ok(()), "a single scan");
        let kind = "quantization tables that change between scans";
        let refused = Err(unsupported(Format::Jpeg, kind));
        assert_eq!(jpeg(&[other, scan]), refused);
        assert_eq!(jpeg(&[scan, other]), refused);
    }

    #[test]
    fn what_follows_the_end_of_a_jpeg_does_not_matter() {
        assert_eq!(jpeg(&[WHOLE, b"\xff\xd8 more, and \xff"].concat()), Ok(()));
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end() {
        let thumbnail = b"\xff\xe1\0\x08\xff\xd8\xff\xd9xx";
        let whole = [&WHOLE[..2], thumbnail, &WHOLE[2..]].concat();
        assert_eq!(jpeg(&whole), Ok(()));
        assert!(jpeg(&whole[..whole.len() - 2]).is_err());
        assert!(jpeg(&whole[..9]).is_err());
    }

    #[test]
    fn several_scans_are_walked() {
        let second = b"\xff\xc4\0\x03x\xff\xda\0\x03\x01more\xff\xd9";
        let progressive = [&WHOLE[..WHOLE.len() - 3], second].concat();
        assert_eq!(jpeg(&progressive), Ok(()));
        assert!(jpeg(&progressive[..progressive.len() - 1]).is_err());
    }

    #[test]
    fn jpeg_processes_that_nobody_decodes_are_named() {
        let known = [
            (0xc3, 8, Some("lossless coding")),
            (0xc5, 8, Some("hierarchical coding")),
            (0xcb, 8, Some("lossless coding")),
            (0xce, 8, Some("hierarchical coding")),
            (0xf7, 8, Some("JPEG-LS coding")),
            (0xc0, 12, Some("12 bits per sample")),
            (0xc1, 12, Some("12 bits per sample")),
            (0xc2, 12, Some("12 bits per sample")),
            (0xca, 12, Some("12 bits per sample")),
            (0xc0, 8, None),
            (0xc9, 8, None),
            (0xca, 8, None),
            (0xc2, 8, None),
            // Huffman tables are not a frame.
            (0xc4, 12, None),
        ];
        for (marker, bits, detail) in known {
            let frame = [0xff, marker, 0, 3, bits];
            let bytes = [b"\xff\xd8", &frame[..], b"\xff\xda\0\x03\x01ab\xff\xd9"].concat();
            let wanted = detail.map_or(Ok(()), |detail| Err(unsupported(Format::Jpeg, detail)));
            assert_eq!(jpeg(&bytes), wanted, "{marker:#x}");
        }
    }

    #[test]
    fn an_end_without_pixels_is_damage() {
        assert_eq!(
            jpeg(b"\xff\xd8\xff\xd9"),
            Err(corrupt(Format::Jpeg, "it contains no pixels"))
        );
        assert!(jpeg(b"\xff\xd8oops").is_err());
        assert!(jpeg(b"\xff\xd8\xff\xfe\0\0\xff\xd9").is_err());
    }

    #[test]
    fn a_webp_is_as_long_as_its_header_says() {
        let whole = b"RIFF\x08\0\0\0WEBPVP8 ";
        assert_eq!(webp(whole), Ok(()));
        assert_eq!(webp(&whole[..15]), Ok(()));
        let reason = webp(&whole[..14]).unwrap_err().to_string();
        assert_eq!(reason, "is a truncated WebP: it has 14 of 16 bytes");
    }
}
