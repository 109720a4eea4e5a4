//! Whether a file is whole: some decoders take a file without its end for a picture with a gray rest.
//!
//! JPEG and WebP are walked here. The decoders of the other formats refuse a picture with pixels missing
//! themselves; the tests at the foot of this room hold them to it. Kinds of JPEG and PNG that no decoder here
//! knows are told on the way, since the decoders call them damaged.

use super::skip::{corrupt, truncated, unsupported};
use super::{Format, SkipReason};

/// Checks for the end of the data, where the decoder of the format does not.
///
/// # Errors
///
/// [`SkipReason::Truncated`] for a file that is cut off, [`SkipReason::UnsupportedKind`] for a JPEG process
/// or a PNG that no decoder here knows, [`SkipReason::Corrupt`] for a JPEG that ends before it begins.
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

/// Walks the segments of a JPEG (ITU-T T.81, annex B) up to its end marker; what follows that does not
/// matter.
///
/// A thumbnail inside a segment is passed over together with its own end marker.
fn jpeg(bytes: &[u8]) -> Result<(), SkipReason> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    let mut scans = 0;
    // The decoder takes the last tables for all scans, libjpeg those before each component's first.
    let (mut tables, mut tables_change) = (Vec::new(), false);
    loop {
        let has_pixels = scans > 0;
        let (marker, after) = next_marker(rest).ok_or_else(|| cut_jpeg(has_pixels))?;
        match marker {
            END if !has_pixels => return Err(corrupt(Format::Jpeg, "it holds no pixels")),
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

/// More segments of tables than there are tables, few enough to compare each with all.
const MOST_TABLES: usize = 16;

/// The next marker and what follows it.
///
/// In coded data `ff 00` is a value and `ff d0` to `ff d7` are restarts, neither ends a scan; any number of
/// `ff` may stand before a marker. Stray bytes between segments are passed over, as decoders do.
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

/// The next segment before the pixels of a JPEG: its marker, its content, and what follows; `None` at the
/// first scan, at the end, and where it is not whole.
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

/// `TEM` and a repeated start have no length; restarts never get here.
fn stands_alone(marker: u8) -> bool {
    matches!(marker, 0x01 | START)
}

/// What follows a segment that begins with its own length.
fn after_segment(bytes: &[u8], has_pixels: bool) -> Result<&[u8], SkipReason> {
    let &[high, low, ..] = bytes else {
        return Err(cut_jpeg(has_pixels));
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    bytes.get(len.max(2)..).ok_or_else(|| cut_jpeg(has_pixels))
}

/// The coding process that a frame header announces, if it is one that is hardly ever decoded.
///
/// `header` is what follows the marker: two bytes of length, then the bits of a sample.
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

/// Apple's tools make PNGs of their own for apps, with swapped, premultiplied colours and bare deflate data:
/// their first chunk says so.
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
        "it ends before its pixels begin"
    };
    truncated(Format::Jpeg, detail)
}

/// Compares the length that a RIFF header gives with what is there; the last byte may be mere padding.
fn webp(bytes: &[u8]) -> Result<(), SkipReason> {
    let Some(&size) = bytes.get(4..).and_then(|b| b.first_chunk()) else {
        return Ok(());
    };
    let wanted = u64::from(u32::from_le_bytes(size)) + 8;
    let there = bytes.len() as u64;
    if there + 1 >= wanted {
        return Ok(());
    }
    let detail = format!("{there} of {wanted} bytes are there");
    Err(truncated(Format::WebP, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start, a comment, a scan header of length 3, coded data with a stuffed byte, a restart and a fill
    /// byte, the end.
    const WHOLE: &[u8] =
        b"\xff\xd8\xff\xfe\0\x04hi\xff\xda\0\x03\x01ab\xff\0c\xff\xd0d\xff\xff\xd9";

    #[test]
    fn every_cut_of_a_jpeg_is_told() {
        assert_eq!(jpeg(WHOLE), Ok(()));
        for len in 2..WHOLE.len() {
            let error = jpeg(&WHOLE[..len]).unwrap_err();
            let detail = if len < 10 {
                "it ends before its pixels begin"
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

    /// libjpeg keeps the table that a component had at its first scan (T.81, B.2.4.1).
    #[test]
    fn tables_that_change_between_scans_are_told() {
        let (table, other) = (b"\xff\xdb\0\x04\0\x01", b"\xff\xdb\0\x04\0\x02");
        let scan = &b"\xff\xda\0\x03\x01ab"[..];
        let jpeg = |parts: &[&[u8]]| {
            jpeg(&[&WHOLE[..2], table, scan, &parts.concat(), b"\xff\xd9"].concat())
        };
        assert_eq!(jpeg(&[scan]), Ok(()));
        assert_eq!(jpeg(&[table, scan]), Ok(()));
        assert_eq!(jpeg(&[other]), Ok(()), "one scan alone");
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
            // Huffman tables are no frame.
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
            Err(corrupt(Format::Jpeg, "it holds no pixels"))
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
        assert_eq!(
            reason,
            "is a WebP that is cut off: 14 of 16 bytes are there"
        );
    }
}
