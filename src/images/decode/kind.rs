//! Names the unsupported feature of an image from its header.

use crate::images::{Format, tags};

/// Returns the feature, such as `palette colours`; `None` if the header shows nothing unusual.
pub(super) fn detail(format: Format, bytes: &[u8]) -> Option<String> {
    match format {
        Format::Tiff => tiff(bytes),
        // The other formats have no unusual features, or their decoders name them.
        _ => None,
    }
}

const BITS_PER_SAMPLE: u16 = 258;
const COMPRESSION: u16 = 259;
const COLOURS: u16 = 262;
const SAMPLES_PER_PIXEL: u16 = 277;
const SAMPLE_FORMAT: u16 = 339;

/// Numbers are from TIFF 6.0 and its supplements; the rarest property comes first.
fn tiff(bytes: &[u8]) -> Option<String> {
    let first = |tag| tags::values(bytes, tag).and_then(|values| values.first().copied());
    let compression = first(COMPRESSION).and_then(compression);
    let format = first(SAMPLE_FORMAT).and_then(sample_format);
    let colours = first(COLOURS).and_then(colours);
    let named = compression.or(format).or(colours).map(str::to_owned);
    named.or_else(|| {
        let bits = first(BITS_PER_SAMPLE).unwrap_or(1);
        let samples = first(SAMPLES_PER_PIXEL).unwrap_or(1);
        match (bits, samples) {
            (8 | 16, 1 | 3) => None,
            (8 | 16, 2) => Some("a gray and an alpha channel".into()),
            (8 | 16, _) => Some(format!("{samples} channels")),
            (1, _) => Some("1 bit per sample".into()),
            _ => Some(format!("{bits} bits per sample")),
        }
    })
}

/// Names a compression that is not supported.
fn compression(number: u32) -> Option<&'static str> {
    Some(match number {
        2 | 3 => "CCITT (fax) compression",
        6 => "old-style JPEG compression",
        9 | 10 | 34661 => "JBIG compression",
        32766 | 32771 | 32809 => "an old NeXT or ThunderScan compression",
        32895..=32898 | 32908 | 32909 | 34676 | 34677 => "a rare compression",
        33003 | 33004 | 33005 | 34712 => "JPEG 2000 compression",
        34887 => "LERC compression",
        34892 => "the lossy JPEG compression of DNG",
        34925 => "LZMA compression",
        34933 => "PNG compression",
        34934 | 22610 => "JPEG XR compression",
        50000 => "Zstandard compression",
        50001 | 34927 => "WebP compression",
        50002 | 52546 => "JPEG XL compression",
        _ => return None,
    })
}

fn sample_format(number: u32) -> Option<&'static str> {
    match number {
        2 => Some("signed samples"),
        3 => Some("floating-point samples"),
        5 | 6 => Some("complex samples"),
        _ => None,
    }
}

fn colours(number: u32) -> Option<&'static str> {
    Some(match number {
        3 => "palette colours",
        4 => "a transparency mask instead of an image",
        6 => "YCbCr colours",
        8..=10 => "Lab colours",
        32803 | 34892 => "raw camera sensor values",
        32844 | 32845 => "LogLuv colours",
        _ => return None,
    })
}
