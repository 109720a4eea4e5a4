//! Tests that unsupported kinds of images, built byte by byte, are named in the reason.

use super::*;

/// Encodes a TIFF of one pixel, unless the tags say otherwise. Tag values are 16 bits wide.
pub(super) fn tiff(little: bool, tags: &[(u16, Vec<u16>)], pixels: &[u8]) -> Vec<u8> {
    let short = |v: u16| {
        if little {
            v.to_le_bytes()
        } else {
            v.to_be_bytes()
        }
    };
    let long = |v: u32| {
        if little {
            v.to_le_bytes()
        } else {
            v.to_be_bytes()
        }
    };
    let mut all = vec![(256, vec![1]), (257, vec![1]), (278, vec![1])];
    all.push((259, vec![1]));
    all.push((279, vec![pixels.len() as u16]));
    for (tag, values) in tags {
        all.retain(|(known, _)| known != tag);
        all.push((*tag, values.clone()));
    }
    // The pixels follow the header, then the directory, then the values that do not fit its entries.
    all.push((273, vec![8]));
    all.sort();
    let directory = 8 + pixels.len().next_multiple_of(2);
    let mut behind = directory + 2 + 12 * all.len() + 4;
    let start = if little { b"II*\0" } else { b"MM\0*" };
    let mut file = [start.as_slice(), &long(directory as u32), pixels].concat();
    file.resize(directory, 0);
    file.extend(short(all.len() as u16));
    let mut rest = Vec::new();
    for (tag, values) in all {
        file.extend([short(tag), short(3)].concat());
        file.extend(long(values.len() as u32));
        let mut bytes: Vec<u8> = values.into_iter().flat_map(short).collect();
        if bytes.len() <= 4 {
            bytes.resize(4, 0);
            file.extend(bytes);
        } else {
            file.extend(long(behind as u32));
            behind += bytes.len();
            rest.extend(bytes);
        }
    }
    file.extend([0; 4]);
    [file, rest].concat()
}

fn said(bytes: &[u8]) -> String {
    plain(bytes).unwrap_err().to_string()
}

#[track_caller]
fn assert_unsupported(bytes: &[u8], kind: &str) {
    let wanted = format!("is a {kind}, which is not supported; convert it to an 8-bit JPEG or PNG");
    assert_eq!(said(bytes), wanted);
}

/// Returns a JPEG whose frame header has another marker and other bits per sample.
fn jpeg_of(marker: u8, bits: u8) -> Vec<u8> {
    let mut bytes = jpeg(&quarters());
    let frame = bytes.windows(2).position(|w| w == b"\xff\xc0").unwrap();
    bytes[frame + 1] = marker;
    bytes[frame + 4] = bits;
    bytes
}

#[test]
fn jpegs_of_rare_processes_are_named() {
    for (marker, bits, kind) in [
        (0xc0, 12, "JPEG with 12 bits per sample"),
        (0xc1, 12, "JPEG with 12 bits per sample"),
        (0xc2, 12, "JPEG with 12 bits per sample"),
        (0xc3, 8, "JPEG with lossless coding"),
        (0xc5, 8, "JPEG with hierarchical coding"),
        (0xcb, 8, "JPEG with lossless coding"),
        (0xcd, 8, "JPEG with hierarchical coding"),
        (0xf7, 8, "JPEG with JPEG-LS coding"),
    ] {
        assert_unsupported(&jpeg_of(marker, bits), kind);
    }
    assert!(plain(&jpeg_of(0xc0, 8)).is_ok());
}

/// Xcode's variant of PNG has another first chunk, and deflate data without its header.
#[test]
fn the_png_of_apple_s_tools_is_named() {
    let bytes = encoded(quarters(), ImageFormat::Png);
    let apple = chunk(b"CgBI", b"\x50\0\x20\x02");
    let bytes = [&bytes[..8], &apple, &bytes[8..]].concat();
    assert_unsupported(&bytes, "PNG with Apple's CgBI encoding");
}

#[test]
fn tiffs_of_rare_kinds_are_named() {
    let rgb = |tags: &[(u16, Vec<u16>)]| {
        let mut all = vec![(258, vec![8; 3]), (262, vec![2]), (277, vec![3])];
        for (tag, values) in tags {
            all.retain(|(known, _)| known != tag);
            all.push((*tag, values.clone()));
        }
        tiff(true, &all, &[7; 64])
    };
    assert!(plain(&rgb(&[])).is_ok());
    let gray = (277, vec![1]);
    let known: [(Vec<u8>, &str); 16] = [
        (
            rgb(&[
                (262, vec![3]),
                gray.clone(),
                (258, vec![8]),
                (320, vec![0; 768]),
            ]),
            "palette colours",
        ),
        (rgb(&[(262, vec![6])]), "YCbCr colours"),
        (rgb(&[(262, vec![8])]), "Lab colours"),
        (rgb(&[(262, vec![9])]), "Lab colours"),
        (
            rgb(&[(262, vec![32803]), gray.clone(), (258, vec![16])]),
            "raw camera sensor values",
        ),
        (rgb(&[(259, vec![2])]), "CCITT (fax) compression"),
        (rgb(&[(259, vec![6])]), "old-style JPEG compression"),
        (rgb(&[(259, vec![34712])]), "JPEG 2000 compression"),
        (rgb(&[(259, vec![34925])]), "LZMA compression"),
        (rgb(&[(259, vec![50000])]), "Zstandard compression"),
        (rgb(&[(259, vec![50001])]), "WebP compression"),
        (rgb(&[(258, vec![32; 3])]), "32 bits per sample"),
        (
            rgb(&[(262, vec![1]), gray.clone(), (258, vec![32])]),
            "32 bits per sample",
        ),
        (
            rgb(&[
                (262, vec![1]),
                gray.clone(),
                (258, vec![16]),
                (339, vec![2]),
            ]),
            "signed samples",
        ),
        (
            rgb(&[(262, vec![1]), gray, (258, vec![32]), (339, vec![3])]),
            "floating-point samples",
        ),
        (
            rgb(&[
                (262, vec![1]),
                (277, vec![2]),
                (258, vec![8; 2]),
                (338, vec![2]),
            ]),
            "a gray and an alpha channel",
        ),
    ];
    for (bytes, kind) in known {
        assert_unsupported(&bytes, &format!("TIFF with {kind}"));
    }
}

/// Valid texts, a valid profile and an invalid one are all ignored.
#[test]
fn what_stands_beside_the_pixels_of_a_png_is_passed_over() {
    let picture = quarters();
    // Python's `zlib.compress(b"abc")`.
    let packed = b"x\x9cKLJ\x06\0\x02M\x01\x27";
    let with = |kind: &[u8], head: &[u8]| chunk(kind, &[head, packed].concat());
    for extra in [
        with(b"iCCP", b"icc\0\0"),
        with(b"zTXt", b"Comment\0\0"),
        with(b"iTXt", b"Comment\0\x01\0\0\0"),
        chunk(b"iCCP", b"no profile"),
    ] {
        let bytes = png(picture.dimensions(), 8, 2, picture.as_raw(), &extra);
        assert_quarters(&plain(&bytes).unwrap(), 0);
    }
}
