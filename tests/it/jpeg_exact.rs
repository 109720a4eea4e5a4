//! Compares decoded JPEGs with Pillow (libjpeg-turbo), by pixel digests that `scripts/pixel_pictures.py`
//! wrote.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use frostline::images::{DecodeOptions, Exif, decode};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::harness::{golden_as, shared_data, tree};

#[derive(Deserialize)]
struct Golden {
    pillow: String,
    jpegs: Vec<Jpeg>,
}

#[derive(Deserialize)]
struct Jpeg {
    name: String,
    bytes: usize,
    full: String,
}

fn golden_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn hex(bytes: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in bytes {
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

/// Decodes a file; returns how its pixels fail to match the digest, or `None` if they match.
fn fault(file: &[u8], wanted: &str) -> Option<String> {
    let mut stored = DecodeOptions::default();
    stored.exif = Exif::Ignore;
    match decode(file, &stored) {
        Err(reason) => Some(reason.to_string()),
        Ok(image) => {
            let size = format!("{} {}\n", image.width(), image.height());
            let equal = hex(&[size.as_bytes(), image.pixels()]).starts_with(wanted);
            (!equal).then(|| "the pixels differ".to_owned())
        }
    }
}

#[test]
fn jpegs_of_every_kind_have_pillows_pixels() {
    let golden: Golden = golden_as("jpegs");
    let files = fs::read(golden_file("jpegs.bin")).unwrap();
    let mut rest = &files[..];
    let mut faults = Vec::new();
    for jpeg in &golden.jpegs {
        let (file, after) = rest.split_at(jpeg.bytes);
        rest = after;
        match fault(file, &jpeg.full) {
            // The one kind that Pillow decodes and libjpeg-turbo-rs 0.9 does not.
            Some(fault) if jpeg.name.contains("2 scans") => {
                assert!(
                    fault.starts_with("is a JPEG with partially interleaved scans"),
                    "{fault}"
                );
            }
            Some(fault) => faults.push(format!("{}: {fault}", jpeg.name)),
            None => {}
        }
    }
    assert!(rest.is_empty() && golden.jpegs.len() > 100);
    assert!(
        faults.is_empty(),
        "{} of {} differ from {}:\n{}",
        faults.len(),
        golden.jpegs.len(),
        golden.pillow,
        faults.join("\n")
    );
}

#[test]
fn alien_vs_predators_jpegs_have_pillows_pixels() {
    real_jpegs("alien_predator", 880);
}

#[test]
fn clothings_jpegs_have_pillows_pixels() {
    real_jpegs("clothing10", 1600);
}

fn real_jpegs(name: &str, at_least: usize) {
    let Some(folder) = shared_data(name) else {
        return;
    };
    let text = fs::read_to_string(golden_file("real_jpegs.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let wanted: HashMap<_, _> = lines.map(|line| line.split_once(' ').unwrap()).collect();
    let (mut faults, mut known) = (Vec::new(), 0);
    for (path, file) in tree(&folder) {
        let key = &hex(&[&file])[..8];
        if let Some(digest) = wanted.get(key) {
            known += 1;
            faults.extend(fault(&file, digest).map(|fault| format!("{}: {fault}", path.display())));
        }
    }
    assert!(
        known >= at_least,
        "only {known} files of {name} have a digest"
    );
    let differ = faults.len();
    assert!(
        faults.is_empty(),
        "{differ} of {known} files differ:\n{}",
        faults.join("\n")
    );
}
