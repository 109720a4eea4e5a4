//! Tests files whose metadata is far larger than the image, or claims to be: the image is decoded without it.

use super::kinds::tiff;
use super::*;

const LONG: usize = 3 << 20;

/// Returns an EXIF block for [`stored_for`]`(6)`, padded with zeros.
fn long_exif(length: usize) -> Vec<u8> {
    let mut block = exif(6, true);
    block.resize(length, 0);
    block
}

fn segments(marker: u8, start: &[u8], count: usize) -> Vec<u8> {
    let segment = [start, &vec![0; 65_000 - start.len()]].concat();
    let length = (segment.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], &length[..], &segment]
        .concat()
        .repeat(count)
}

#[test]
fn a_jpeg_is_decoded_without_its_metadata() {
    let bytes = jpeg(&stored_for(6));
    let extra = [
        segments(0xe1, b"http://ns.adobe.com/xap/1.0/\0", 20),
        segments(0xe2, b"ICC_PROFILE\0\x01\x01", 20),
        segments(0xed, b"Photoshop 3.0\0", 20),
        segments(0xfe, b"comment", 20),
    ]
    .concat();
    let bytes = with_exif(&[&bytes[..2], &extra, &bytes[2..]].concat(), &exif(6, true));
    assert_quarters(&plain(&bytes).unwrap(), 12);
    // The last of two EXIF blocks counts.
    let twice = with_exif(&bytes, &exif(3, true));
    assert_quarters(&plain(&twice).unwrap(), 12);
}

#[test]
fn long_chunks_of_a_png_are_passed_over() {
    let stored = stored_for(6);
    let with = |extra: &[u8]| plain(&png(stored.dimensions(), 8, 2, stored.as_raw(), extra));
    assert_quarters(&with(&chunk(b"eXIf", &long_exif(60_000))).unwrap(), 0);
    let unread = with(&chunk(b"eXIf", &long_exif(LONG))).unwrap();
    assert_eq!((unread.width(), unread.height()), (16, 24));
    let both = [
        chunk(b"tEXt", &vec![b'a'; LONG]),
        chunk(b"abCd", &vec![0; LONG]),
        chunk(b"eXIf", &exif(6, true)),
    ];
    assert_quarters(&with(&both.concat()).unwrap(), 0);
}

#[test]
fn a_webp_may_lie_about_its_exif_block() {
    let stored = stored_for(6);
    let mut picture = Vec::new();
    let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut picture);
    encoder.set_exif_metadata(exif(6, false)).unwrap();
    encoder
        .write_image(&stored, 16, 24, ExtendedColorType::Rgb8)
        .unwrap();
    assert_quarters(&plain(&picture).unwrap(), 0);
    let at = picture.windows(4).position(|w| w == b"EXIF").unwrap() + 4;
    picture[at..at + 4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let image = plain(&picture).unwrap();
    assert_eq!((image.width(), image.height()), (16, 24));
}

/// The decoder would allocate 32 bytes for each value before any limit is known.
#[test]
fn tags_of_a_tiff_have_as_many_values_as_a_picture_can_need() {
    let with = |tag: u16, count: u32| {
        let gray = [(258, vec![8]), (262, vec![1]), (277, vec![1])];
        let more = (tag != 273).then(|| (tag, vec![8]));
        let mut bytes = tiff(true, &[&gray[..], more.as_slice()].concat(), &[90]);
        let entry = [tag.to_le_bytes(), 3_u16.to_le_bytes()].concat();
        let at = bytes.windows(4).position(|w| w == entry).unwrap() + 4;
        bytes[at..at + 4].copy_from_slice(&count.to_le_bytes());
        plain(&bytes).map_err(|reason| reason.to_string())
    };
    for (tag, most) in [(273, 1 << 18), (258, 1 << 16), (274, 1 << 16)] {
        let said = with(tag, most + 1).unwrap_err();
        let wanted = format!("values in tag {tag}, which is not supported");
        assert!(said.contains(&wanted), "{said}");
        let said = with(tag, most).err().unwrap_or_default();
        assert!(!said.contains("values in tag"), "{said}");
    }
    // A colour profile is not read, whatever its length.
    with(34_675, u32::MAX).unwrap();
}

#[test]
fn the_header_of_a_pnm_has_an_end() {
    let picture = [90; 6];
    let with = |start: &str, filling: &str, end: &str| {
        let header = [start, &filling.repeat(LONG), end].concat();
        plain(&[header.as_bytes(), &picture].concat())
    };
    for (start, filling, end) in [
        ("P6", " ", "2 1 255\n"),
        ("P6\n#", "a", "\n2 1 255\n"),
        ("P6 ", "0", "2 1 255\n"),
    ] {
        let said = with(start, filling, end).unwrap_err().to_string();
        assert_eq!(
            said,
            "is a damaged PNM: its header is longer than 65536 bytes"
        );
    }
    let fields = "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE ";
    with(fields, "A", "\nENDHDR\n").unwrap_err();
    assert!(plain(b"P6\n# a comment\n2 1 255\n\x01\x02\x03\x04\x05\x06").is_ok());
}

/// Each takes more than twice the memory of its samples, as measured.
#[test]
fn what_decoders_keep_beside_the_samples_is_counted() {
    let memory = |format, bytes: &[u8]| {
        let decoder = open(format, bytes, &DecodeOptions::default()).unwrap();
        working_memory(format, &decoder) / (24 * 16)
    };
    let webp = encoded(quarters(), ImageFormat::WebP);
    assert_eq!(memory(Format::WebP, &webp), 11);
    let tiff = encoded(quarters(), ImageFormat::Tiff);
    assert_eq!(memory(Format::Tiff, &tiff), 8);
}
