//! Detects the format of a file from its first bytes, whatever its name.

mod foreign;

use super::{Format, SkipReason};

/// Detects the format of a file from its bytes.
///
/// # Errors
///
/// A [`SkipReason`] that says what the file is instead, if that is recognised: [`SkipReason::NotBuiltIn`] for
/// images that other builds decode, [`SkipReason::Unsupported`] for images that no build decodes,
/// [`SkipReason::NotAnImage`] for other known files.
pub fn sniff(bytes: &[u8]) -> Result<Format, SkipReason> {
    if bytes.is_empty() {
        return Err(SkipReason::Empty);
    }
    match decoded_format(bytes) {
        Some(format) if format.is_built_in() => Ok(format),
        Some(format) => Err(SkipReason::NotBuiltIn(format)),
        None => Err(foreign::signature(bytes)
            .or_else(|| foreign::text_kind(bytes))
            .unwrap_or(SkipReason::Unknown)),
    }
}

fn decoded_format(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0xff, 0xd8, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
        [b'P', b'1'..=b'6', b' ' | b'\t' | b'\r' | b'\n' | b'#', ..] | [b'P', b'7', b'\n', ..] => {
            Some(Format::Pnm)
        }
        [b'B', b'M', ..] if has_bitmap_header(bytes) => Some(Format::Bmp),
        [0xff, 0x0a, ..] => Some(Format::Jxl),
        _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => Some(Format::WebP),
        _ if bytes.starts_with(b"\0\0\0\x0cJXL \r\n\x87\n") => Some(Format::Jxl),
        _ => foreign::still_picture(bytes),
    }
}

/// Returns whether the second header has a valid size: `BM` alone may also be the start of a text.
fn has_bitmap_header(bytes: &[u8]) -> bool {
    let size = bytes
        .get(14..18)
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    matches!(size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        sniff(bytes).expect_err("not a decoded format").to_string()
    }

    #[test]
    fn decoded_formats_are_known_by_their_signatures() {
        let mut bitmap = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        let known: [(&[u8], Format); 10] = [
            (b"\xff\xd8\xff\xe0", Format::Jpeg),
            (b"\xff\xd8", Format::Jpeg),
            (b"\x89PNG\r\n\x1a\n", Format::Png),
            (b"GIF89a", Format::Gif),
            (b"RIFF\0\0\0\0WEBPVP8 ", Format::WebP),
            (b"II*\0", Format::Tiff),
            (b"MM\0*", Format::Tiff),
            (b"P6\n", Format::Pnm),
            (b"P7\nWIDTH", Format::Pnm),
            (&bitmap, Format::Bmp),
        ];
        for (bytes, format) in known {
            assert_eq!(sniff(bytes), Ok(format));
        }
        bitmap[14] = 41;
        assert_eq!(sniff(&bitmap), Err(SkipReason::Unknown));
    }

    #[test]
    fn other_pictures_are_named() {
        let known: [(&[u8], &str); 5] = [
            (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
            (b"\xff\x4f\xff\x51", "JPEG 2000"),
            (b"II\xbc\x01", "JPEG XR"),
            (b"8BPS\0\x01", "PSD (Photoshop)"),
            (b"<?xml version='1.0'?><svg/>", "SVG"),
        ];
        for (bytes, name) in known {
            let wanted = format!("is {name}, which is not supported; convert it to JPEG or PNG");
            assert_eq!(text(bytes), wanted);
        }
    }

    #[test]
    fn pictures_of_optional_decoders_are_decoded_or_named() {
        let known: [(&[u8], Format, &str); 8] = [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Format::Heic, "heic"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix", Format::Heic, "heic"),
            (b"\0\0\0\x14ftypmif1\0\0\0\0mif1", Format::Heic, "heic"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Format::Avif, "avif"),
            (b"\0\0\0\x18ftypavif\0\0\0\0", Format::Avif, "avif"),
            (b"\0\0\0\x18ftypavis\0\0\0\0", Format::Avif, "avif"),
            (b"\xff\x0a\0\0", Format::Jxl, "jxl"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", Format::Jxl, "jxl"),
        ];
        for (bytes, format, feature) in known {
            if format.is_built_in() {
                assert_eq!(sniff(bytes), Ok(format));
                continue;
            }
            let said = text(bytes);
            assert!(
                said.starts_with(&format!("is {} {format},", format.article())),
                "{said}"
            );
            assert!(said.contains(&format!("`--features {feature}`")), "{said}");
        }
    }

    #[test]
    fn other_files_are_named() {
        let known: [(&[u8], &str); 12] = [
            (b"", "is empty (0 bytes)"),
            (b"\xff", "is not in a known image format"),
            (b"\0\0\0", "is a file of zero bytes only, not an image"),
            (b"<!DOCTYPE html>\n<html>", "is an HTML page, not an image"),
            (b"\xef\xbb\xbf <HTML>", "is an HTML page, not an image"),
            (b"{\"error\":1}", "is a JSON file, not an image"),
            (b"%PDF-1.4", "is a PDF, not an image"),
            (b"PK\x03\x04..", "is a zip archive, not an image"),
            (
                b"\0\x05\x16\x07\0\x02",
                "is an AppleDouble file (macOS metadata), not an image",
            ),
            (
                b"\0\0\0\x18ftypisom\0\0\0\0",
                "is a video (MP4 or QuickTime), not an image",
            ),
            (b"BMW is a car", "is a text file, not an image"),
            (b"\x8d\x01\xc2\x99", "is not in a known image format"),
        ];
        for (bytes, wanted) in known {
            assert_eq!(text(bytes), wanted);
        }
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n";
        assert_eq!(sniff(pointer), Err(SkipReason::LfsPointer));
    }

    #[test]
    fn a_short_media_header_is_no_trouble() {
        for len in 8..24 {
            let _ = sniff(&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..len]);
        }
        for size in [b"\xff\xff\xff\xff", b"\0\0\0\0"] {
            let bytes = [&size[..], b"ftypheic"].concat();
            assert!(matches!(
                sniff(&bytes),
                Ok(Format::Heic) | Err(SkipReason::NotBuiltIn(Format::Heic))
            ));
        }
    }
}
