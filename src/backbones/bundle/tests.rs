//! Tests of the bundle: round trips, damage, and files made to do harm.

use std::fs;

use frostline_onnx::GraphBuilder;

use super::*;
use crate::backbones::backbone_file::BackboneFile;
use crate::backbones::onnx::write_model;

const HEAD_BYTES: &[u8] = b"the bytes of a head file, which this module does not interpret";

/// A folder with a network and `a.frostline`.
struct Made {
    folder: tempfile::TempDir,
    sha256: String,
    bytes: Vec<u8>,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut graph = GraphBuilder::new(&[3]);
        let input = graph.input();
        let path = folder.path().join("net.onnx");
        let flat = graph.flatten("flat", &input);
        write_model(&graph.finish(&[(&flat, &[3])]), &path).unwrap();
        let mut manifest = BackboneManifest::named("net");
        manifest.license = Some("MIT".to_owned());
        let network = BackboneFile {
            published: None,
            path,
            manifest,
            has_manifest: true,
        };
        let sha256 = network.sha256().unwrap();
        let place = folder.path().join("a.frostline");
        let length = write(&place, HEAD_BYTES, &network, &sha256).unwrap();
        let bytes = fs::read(&place).unwrap();
        assert_eq!(length, bytes.len() as u64);
        Self {
            folder,
            sha256,
            bytes,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.frostline")
    }

    fn home(&self) -> Home {
        Home::at(self.folder.path().join("home"))
    }

    fn header(&self) -> usize {
        8 + u64::from_le_bytes(*self.bytes.first_chunk().unwrap()) as usize
    }

    /// Opens these bytes and reads all entries; returns the error's text, or `None` if they are not a bundle.
    fn opened(&self, bytes: &[u8]) -> Option<Result<Unpacked, String>> {
        fs::write(self.path(), bytes).unwrap();
        let all = |bundle: Bundle| {
            bundle.head()?;
            bundle.manifest()?;
            bundle.unpack(&self.home())
        };
        let opened = Bundle::open(&self.path()).transpose()?;
        Some(opened.and_then(all).map_err(|error| error.to_string()))
    }

    /// Replaces text in the header by other text, corrects its length and checksum, and opens the bundle.
    fn edited(&self, from: &str, to: &str) -> String {
        let header = std::str::from_utf8(&self.bytes[8..self.header()]).unwrap();
        assert!(header.contains(from), "{header}");
        let header = header.replacen(from, to, 1);
        let length = (header.len() as u64).to_le_bytes();
        let entries = &self.bytes[self.header()..];
        let mut bytes = [&length, header.as_bytes(), entries].concat();
        reseal(&mut bytes);
        self.opened(&bytes).unwrap().unwrap_err()
    }
}

#[test]
fn a_bundle_returns_what_was_put_in() {
    let made = Made::new();
    let bundle = Bundle::open(&made.path()).unwrap().unwrap();
    assert_eq!(bundle.head().unwrap(), HEAD_BYTES);
    assert_eq!(bundle.manifest().unwrap().license.as_deref(), Some("MIT"));
    let unpacked = bundle.unpack(&made.home()).unwrap();
    assert_eq!(unpacked.sha256, made.sha256);
    let network = fs::read(made.folder.path().join("net.onnx")).unwrap();
    assert_eq!(fs::read(&unpacked.path).unwrap(), network);
    assert!(unpacked.path.starts_with(made.home().cache()));
    let path = unpacked.path.clone();
    drop(unpacked);
    assert!(!path.exists());
    assert!(fs::read_dir(made.home().cache()).unwrap().next().is_none());
}

#[test]
fn the_network_goes_elsewhere_if_the_home_cannot_be_written() {
    let made = Made::new();
    let bundle = Bundle::open(&made.path()).unwrap().unwrap();
    // A file in the place of the home's folder.
    fs::write(made.home().path(), "").unwrap();
    let unpacked = bundle.unpack(&made.home()).unwrap();
    assert!(unpacked.path.starts_with(std::env::temp_dir()));
    assert!(unpacked.path.is_file());
}

/// Bits in all parts of the file, about 1,000 of them.
#[test]
fn every_bit_counts() {
    let made = Made::new();
    // A step without a divisor of 8 reaches every bit of a byte.
    for bit in (0..8 * made.bytes.len()).step_by(11) {
        let mut flipped = made.bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match made.opened(&flipped) {
            // It is no longer recognised as a bundle, and then it is no head either.
            None => assert!(bit < 8 * 64, "bit {bit}"),
            Some(opened) => {
                let error = opened.map(drop).unwrap_err();
                let words = ["is damaged", "is cut off", "is in format version"];
                assert!(
                    words.iter().any(|word| error.contains(word)),
                    "{bit}: {error}"
                );
            }
        }
    }
}

#[test]
fn each_truncated_or_longer_file_is_named() {
    let made = Made::new();
    let start = 8 + 44;
    for length in start + 1..made.bytes.len() {
        let Some(opened) = made.opened(&made.bytes[..length]) else {
            panic!("{length}")
        };
        let error = opened.map(drop).unwrap_err();
        assert!(error.contains("is cut off: it has"), "{length}: {error}");
    }
    let longer = [&made.bytes[..], b"\0"].concat();
    let error = made.opened(&longer).unwrap().map(drop).unwrap_err();
    assert!(error.contains("it has 1 byte after its end"), "{error}");
    for other in [
        &b""[..],
        b"{",
        b"\x80\0\0\0\0\0\0\0{}",
        &made.bytes[..start - 1],
    ] {
        assert!(made.opened(other).is_none());
    }
}

#[test]
fn hostile_headers_are_refused_before_anything_is_read() {
    let made = Made::new();
    let head = HEAD_BYTES.len();
    let offsets = format!("\"shape\":[{head}],\"data_offsets\":[0,{head}]");
    let network = "\"network\":{\"dtype\"";
    let cases = [
        // Sizes far beyond the file.
        (
            &*offsets,
            "\"shape\":[4611686018427387904],\"data_offsets\":[0,4611686018427387904]",
            "damaged",
        ),
        (&*offsets, "\"shape\":[0],\"data_offsets\":[0,0]", "damaged"),
        // Other, missing and duplicate entries.
        (network, "\"networt\":{\"dtype\"", "its entries are not"),
        (network, "\"data/a\":{\"dtype\"", "its entries are not"),
        (network, "\"head\":{\"dtype\"", "damaged"),
        ("\"network\\\":", "\"other\\\":", "has no SHA-256"),
        (
            "\"dtype\":\"U8\"",
            "\"dtype\":\"I8\"",
            "is not a list of bytes",
        ),
        (
            "\"format_version\":\"1\"",
            "\"format_version\":\"2\"",
            "is in format version 2",
        ),
        (
            "\"format_version\":\"1\"",
            "\"format_version\":\"-\"",
            "not a version number",
        ),
        ("\"manifest\"", "\"manifesto\"", "no `manifest`"),
    ];
    for (from, to, wanted) in cases {
        let error = made.edited(from, to);
        assert!(error.contains(wanted), "{to}: {error}");
    }
    let mut long = made.bytes.clone();
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let error = made.opened(&long).unwrap().map(drop).unwrap_err();
    assert!(
        error.contains("its header has 18446744073709551615 bytes"),
        "{error}"
    );
}

#[test]
fn names_of_data_are_plain() {
    for name in ["a.onnx.data", "model.onnx_data", "Wörter 1", ".hidden"] {
        header::check_name(name).unwrap();
    }
    let long = "a".repeat(256);
    for name in [
        "",
        ".",
        "..",
        "../a",
        "/a",
        "a/b",
        "a\\b",
        "a\0",
        "C:a",
        "a.",
        "network.onnx",
        "Network.ONNX",
        &*long,
    ] {
        header::check_name(name).unwrap_err();
    }
}
