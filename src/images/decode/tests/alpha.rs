//! Tests the alpha channels of TIFFs and bitmaps. The expected values are from Pillow 13 and from arithmetic.

use super::kinds::tiff;
use super::*;

const POLICIES: [Alpha; 3] = [Alpha::White, Alpha::Black, Alpha::Drop];

/// Returns the first pixel under each of the policies.
fn shown(bytes: &[u8]) -> [[u8; 3]; 3] {
    POLICIES.map(|alpha| {
        let options = DecodeOptions {
            alpha,
            ..DecodeOptions::default()
        };
        pixel(&decode(bytes, &options).unwrap(), 0, 0)
    })
}

fn wide(samples: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    samples
        .iter()
        .flat_map(|&v| order(257 * u16::from(v)))
        .collect()
}

#[test]
fn a_tiff_says_whether_its_colours_are_multiplied() {
    let straight = [[177, 127, 191], [50, 0, 64], [100, 0, 128]];
    let premultiplied = [[227, 127, 255], [100, 0, 128], [199, 0, 255]];
    let opaque = [[100, 0, 128]; 3];
    // The tag `ExtraSamples`: unspecified, associated, unassociated, none.
    let known = [
        (Some(0), opaque),
        (Some(1), premultiplied),
        (Some(2), straight),
        (None, straight),
    ];
    let samples = [100, 0, 128, 128];
    for (extra, wanted) in known {
        let tag = extra.map(|extra| (338, vec![extra]));
        let file = |bits, little, pixels: &[u8]| {
            let mut tags = vec![(258, vec![bits; 4]), (262, vec![2]), (277, vec![4])];
            tags.extend(tag.clone());
            tiff(little, &tags, pixels)
        };
        assert_eq!(shown(&file(8, true, &samples)), wanted, "{extra:?}");
        assert_eq!(shown(&file(8, false, &samples)), wanted, "{extra:?}");
        let low_first = wide(&samples, u16::to_le_bytes);
        assert_eq!(shown(&file(16, true, &low_first)), wanted, "{extra:?}");
        let high_first = wide(&samples, u16::to_be_bytes);
        assert_eq!(shown(&file(16, false, &high_first)), wanted, "{extra:?}");
    }
}

/// Encodes two 32-bit pixels: blue, green, red and possibly alpha. `header` is the size of the second header.
fn bmp(header: usize, bitfields: bool, alpha_mask: u32, alphas: [u8; 2]) -> Vec<u8> {
    let pixels: Vec<u8> = alphas.iter().flat_map(|&a| [10, 20, 200, a]).collect();
    let masks = [0x00ff_0000, 0x0000_ff00, 0x0000_00ff, alpha_mask];
    let mut second: Vec<u8> = [header as u32, 2, 1]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    second.extend([1, 0, 32, 0, if bitfields { 3 } else { 0 }, 0, 0, 0]);
    second.resize(40, 0);
    let listed = if header < 56 { 3 } else { 4 };
    if bitfields || header >= 52 {
        second.extend(masks[..listed].iter().flat_map(|mask| mask.to_le_bytes()));
    }
    second.resize(second.len().max(header), 0);
    let offset = 14 + second.len();
    let size = (offset + pixels.len()) as u32;
    let first = [
        b"BM".as_slice(),
        &size.to_le_bytes(),
        &[0; 4],
        &(offset as u32).to_le_bytes(),
    ];
    [first.concat(), second, pixels].concat()
}

#[test]
fn a_bitmap_has_transparency_where_a_mask_and_a_pixel_say_so() {
    const MASK: u32 = 0xff00_0000;
    let opaque = [[200, 20, 10]; 3];
    for header in [40, 52, 56, 108, 124] {
        for (bitfields, mask) in [(false, 0), (false, MASK), (true, 0), (true, MASK)] {
            for alphas in [[0, 0], [0, 255], [128, 128]] {
                let bytes = bmp(header, bitfields, mask, alphas);
                // Headers of 40 and 52 bytes have no alpha mask.
                let has_alpha = bitfields && mask == MASK && header >= 56;
                let wanted = match (has_alpha, alphas) {
                    // All pixels would be hidden: programs that do not support alpha write such files.
                    (false, _) | (true, [0, 0]) => opaque,
                    (true, [0, _]) => [[255; 3], [0; 3], [200, 20, 10]],
                    // (200 · 128 + 255 · 127) / 255 = 227.4 on white, 200 · 128 / 255 = 100.4 on black
                    _ => [[227, 137, 132], [100, 10, 5], [200, 20, 10]],
                };
                let what = format!("header of {header}, {bitfields}, {mask:#x}, {alphas:?}");
                assert_eq!(shown(&bytes), wanted, "{what}");
            }
        }
    }
}
