//! Seeds for bundles: valid ones, and ones with a changed header.

use std::fmt::Write;

use frostline::backbones::fuzz::reseal_bundle;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::network::messages;
use super::{Seed, head};

pub(super) fn seeds() -> Vec<Seed> {
    let (head, network) = (head::small(), messages::bytes(&messages::zoo(1)));
    let plain = [("head", &*head), ("network", &*network)];
    let data = |name: &'static str| [plain[0], plain[1], (name, &b"data"[..])];
    let changed = |change: &dyn Fn(&mut Value)| bundle(&plain, change);
    let whole = bundle(&plain, &|_| {});
    let mut long = whole.clone();
    long[..8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    vec![
        Seed::accepted("a head and a network", whole.clone()),
        Seed::accepted("with external data", bundle(&data("data/a.bin"), &|_| {})),
        Seed::refused("a header of 1 TiB", long),
        Seed::refused(
            "an entry of 2^60 bytes",
            changed(&|header| {
                header["network"]["shape"] = json!([1_u64 << 60]);
                header["network"]["data_offsets"][1] = json!((1_u64 << 60) + head.len() as u64);
            }),
        ),
        Seed::refused(
            "a head that is none",
            bundle(&[("head", b"{}"), plain[1]], &|_| {}),
        ),
        Seed::refused("no network", bundle(&plain[..1], &|_| {})),
        Seed::refused("the network first", bundle(&[plain[1], plain[0]], &|_| {})),
        Seed::refused(
            "data in another folder",
            bundle(&data("data/../a"), &|_| {}),
        ),
        Seed::refused(
            "data in the place of the network",
            bundle(&data("data/network.onnx"), &|_| {}),
        ),
        Seed::refused(
            "an entry without a name of data",
            bundle(&data("other"), &|_| {}),
        ),
        Seed::refused(
            "a wrong sum",
            changed(&|header| {
                header["__metadata__"]["sha256"] = "{\"head\":\"00\",\"network\":\"00\"}".into();
            }),
        ),
        Seed::refused(
            "a newer version",
            changed(&|header| {
                header["__metadata__"]["format_version"] = "2".into();
            }),
        ),
        Seed::refused("cut off", &whole[..whole.len() - 1]),
    ]
}

/// Returns a bundle of these entries, with its header changed by `change`.
fn bundle(entries: &[(&str, &[u8])], change: &dyn Fn(&mut Value)) -> Vec<u8> {
    let sums = entries
        .iter()
        .map(|(name, bytes)| ((*name).to_owned(), sum(bytes).into()));
    let sums: Map<String, Value> = sums.collect();
    let mut header = json!({ "__metadata__": {
        "format": "frostline-bundle",
        "format_version": "1",
        "checksum": "0".repeat(64),
        "sha256": Value::Object(sums).to_string(),
        "manifest": "name = \"zoo\"\n",
        "created_by": "a seed",
    } });
    let mut end = 0;
    for (name, bytes) in entries {
        let start = end;
        end += bytes.len();
        let shape = json!([bytes.len()]);
        header[name] = json!({ "dtype": "U8", "shape": shape, "data_offsets": [start, end] });
    }
    change(&mut header);
    let header = header.to_string();
    let mut bundle = (header.len() as u64).to_le_bytes().to_vec();
    bundle.extend_from_slice(header.as_bytes());
    for (_, bytes) in entries {
        bundle.extend_from_slice(bytes);
    }
    reseal_bundle(&mut bundle);
    bundle
}

fn sum(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
