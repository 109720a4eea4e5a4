//! Seeds for heads: valid ones from the library's writer, and ones with a changed header.

use frostline::ClassIndex;
use frostline::head::{
    HeadFile, LinearHead, Method, Rejection, RejectionRule, Temperature, TrainingRecord,
};
use frostline::images::View;
use half::f16;
use ndarray::{Array1, Array2};
use serde_json::{Value, json};

use super::super::targets::store::spec;
use super::Seed;

/// The number of features of [`spec`], D.
const WIDTH: usize = 16;

pub(super) fn seeds() -> Vec<Seed> {
    let (plain, full) = (encoded(&plain(&["cat", "dog"], 0.25)), encoded(&full()));
    let manifest = |change: fn(&mut Value)| {
        changed(&plain, |header, _| {
            let text = header["__metadata__"]["manifest"]
                .as_str()
                .expect("it has one");
            let mut manifest = serde_json::from_str(text).expect("it is JSON");
            change(&mut manifest);
            header["__metadata__"]["manifest"] = manifest.to_string().into();
        })
    };
    let rejection = |field: &str, value: Value| {
        changed(&full, |header, _| {
            let text = header["__metadata__"]["rejection"]
                .as_str()
                .expect("it has one");
            let mut rejection: Value = serde_json::from_str(text).expect("it is JSON");
            rejection[field] = value.clone();
            header["__metadata__"]["rejection"] = rejection.to_string().into();
        })
    };
    let metadata = |key: &str, value: &str| {
        changed(&plain, |header, _| {
            header["__metadata__"][key] = value.into();
        })
    };
    vec![
        Seed::accepted("weights only", plain.clone()),
        Seed::accepted(
            "with a temperature, a rejection and a training record",
            full.clone(),
        ),
        Seed::accepted("100 classes", encoded(&many_classes(100))),
        Seed::accepted(
            "20,003 classes, which crashed the program",
            encoded(&many_classes(20_003)),
        ),
        Seed::accepted(
            "a weight of 3e38, which led to NaN",
            encoded(&self::plain(&["cat", "dog"], 3e38)),
        ),
        Seed::refused("no view", manifest(|m| m["views"] = json!([]))),
        Seed::refused(
            "100,000 identical views",
            manifest(|m| m["views"] = vec!["center"; 100_000].into()),
        ),
        Seed::refused(
            "no features",
            manifest(|m| m["backbone"]["num_features"] = 0.into()),
        ),
        Seed::refused(
            "2⁶³ features",
            manifest(|m| m["backbone"]["num_features"] = (1_u64 << 63).into()),
        ),
        Seed::refused(
            "a rejection with more neighbours than rows",
            rejection("k", json!(1000)),
        ),
        Seed::refused("a rejection with k = 0", rejection("k", json!(0))),
        Seed::refused(
            "a threshold that is not a cosine",
            rejection("threshold", json!(7)),
        ),
        Seed::refused(
            "training features of length 0",
            changed(&full, |_, data| {
                // They are the last values.
                let start = data.len() - 2 * 4 * WIDTH;
                data[start..].fill(0);
            }),
        ),
        Seed::refused("a temperature of 0", metadata("temperature", "0")),
        Seed::refused(
            "deeply nested lists",
            metadata("params", &"[".repeat(100_000)),
        ),
        Seed::refused("a class twice", metadata("classes", r#"["cat","cat"]"#)),
        Seed::unharmed(
            "a class name of one megabyte",
            metadata("classes", &json!(["a".repeat(1 << 20), "b"]).to_string()),
        ),
    ]
}

/// Returns a small head.
pub(super) fn small() -> Vec<u8> {
    encoded(&plain(&["cat", "dog"], 0.25))
}

fn plain(classes: &[&str], weight: f32) -> HeadFile {
    let head = LinearHead::new(
        Array2::from_elem((classes.len(), WIDTH), weight),
        Array1::zeros(classes.len()),
    );
    HeadFile {
        head: head.expect("one row per class"),
        classes: ClassIndex::from_names(classes.iter().copied()),
        manifest: serde_json::to_value(spec(&[View::Center])).expect("a spec serializes"),
        params: json!({"epochs": 25}),
        metrics: Value::Null,
        temperature: Temperature::default(),
        rejection: None,
        record: TrainingRecord::default(),
    }
}

fn full() -> HeadFile {
    let rule = RejectionRule {
        method: Method::NearestNeighbours,
        k: 1,
        rate: 0.05,
        threshold: 0.5,
    };
    let rows = Array2::from_shape_fn((4, WIDTH), |(row, column)| {
        f16::from_f32(if row == column { 1.0 } else { 0.0 })
    });
    let rejection = Rejection::new(rule, rows, vec![0, 0, 1, 1]);
    HeadFile {
        temperature: Temperature::new(1.5).expect("it is above 0"),
        rejection: Some(rejection.expect("rows have length 1")),
        record: TrainingRecord::new(&[[1; 32], [2; 32], [3; 32]], &[[4; 32]]),
        ..plain(&["cat", "dog"], 0.25)
    }
}

fn many_classes(classes: usize) -> HeadFile {
    let names: Vec<String> = (0..classes).map(|class| format!("{class:05}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    plain(&names, 0.125)
}

fn encoded(head: &HeadFile) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("the temporary folder can be written to");
    let path = folder.path().join("head.safetensors");
    head.write(&path).expect("it is a head");
    std::fs::read(path).expect("it was written")
}

/// Returns a head with changed header and values, as version 1 of the format, which has no checksum.
fn changed(head: &[u8], change: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Vec<u8> {
    let (length, rest) = head.split_first_chunk().expect("it has a length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(header).expect("it is JSON");
    let mut data = data.to_vec();
    change(&mut header, &mut data);
    let metadata = header["__metadata__"].as_object_mut().expect("it has them");
    metadata.insert("format_version".to_owned(), "1".into());
    metadata.remove("checksum");
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), &header[..], &data].concat()
}
