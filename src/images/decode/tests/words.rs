//! Tests that reasons are plain text, without values of the decoders in Rust's debug notation.

use std::collections::BTreeSet;

use super::*;

/// A linear congruential generator (Knuth's MMIX), to damage files the same way in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Returns whether a reason contains what looks like a Rust value or type: paths, `CamelCase` names, or
/// brackets that are not frostline's own.
fn is_notation(reason: &str) -> bool {
    let told = [
        "BigTIFF",
        "CgBI",
        "WebP",
        "LogLuv",
        "YCbCr",
        "ThunderScan",
        "(fax)",
        "(`max_pixels`)",
    ];
    let rest = told
        .iter()
        .fold(reason.to_owned(), |text, name| text.replace(name, ""));
    // Names of chunks are in backticks.
    let outside: String = rest.split('`').step_by(2).collect();
    let letters: Vec<char> = outside.chars().collect();
    let camel = |w: &[char]| w[0].is_lowercase() && w[1].is_uppercase();
    outside.contains(['{', '}', '[', ']', '(', '_', '"', '\\', '\n'])
        || outside.contains("::")
        || letters.windows(2).any(camel)
}

/// Returns the reasons for several damaged copies of each file.
fn reasons(files: Vec<(Format, Vec<u8>)>, copies: usize) -> BTreeSet<String> {
    let mut random = Random(1);
    let mut reasons = BTreeSet::new();
    for (_, whole) in files {
        // Headers are short, and cause most of the reasons.
        let reach = whole.len().min(400);
        for _ in 0..copies {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(reach);
                bytes[at] = match random.below(4) {
                    0 => random.below(256) as u8,
                    1 => bytes[at] ^ 1 << random.below(8),
                    2 => 0xff,
                    _ => b'?',
                };
            }
            let options = DecodeOptions {
                limits: Limits {
                    max_pixels: 100_000,
                    ..Limits::default()
                },
                ..DecodeOptions::default()
            };
            reasons.extend(decode(&bytes, &options).err().map(|e| e.to_string()));
        }
    }
    reasons
}

#[test]
fn damage_is_said_in_words() {
    let mut files = all_formats();
    files.push((
        Format::Pnm,
        b"P3 2 2 255 1 2 3 4 5 6 7 8 9 10 11 12".to_vec(),
    ));
    files.push((Format::Pnm, b"P1 3 2 1 0 1 0 1 0".to_vec()));
    let pam = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\nabc";
    files.push((Format::Pnm, pam.to_vec()));
    files.push((Format::Jpeg, CMYK_JPEG.to_vec()));
    let reasons = reasons(files, 1500);
    assert!(reasons.len() > 40, "{reasons:#?}");
    for reason in &reasons {
        assert!(!is_notation(reason), "{reason}");
    }
}

#[test]
fn damage_of_newer_formats_is_said_in_words() {
    let files = super::fuzz::seeds().into_iter().filter_map(|file| {
        let format = sniff(&file).ok()?;
        let newer = matches!(format, Format::Heic | Format::Avif | Format::Jxl);
        newer.then_some((format, file))
    });
    let reasons = reasons(files.collect(), 150);
    for reason in &reasons {
        assert!(!is_notation(reason), "{reason}");
    }
    if Format::Heic.is_built_in() {
        assert!(reasons.len() > 20, "{reasons:#?}");
    }
}

#[test]
fn a_wrong_checksum_of_a_png_names_its_chunk() {
    let mut bytes = encoded(quarters(), ImageFormat::Png);
    let data = bytes.windows(4).position(|w| w == b"IDAT").unwrap();
    let length = u32::from_be_bytes(bytes[data - 4..data].try_into().unwrap()) as usize;
    bytes[data + 4 + length] ^= 1;
    assert_eq!(
        plain(&bytes).unwrap_err().to_string(),
        "is a damaged PNG: checksum mismatch in chunk `IDAT`"
    );
}
