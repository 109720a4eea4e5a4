//! Weights in files next to the network, and how often their bytes are used.

use rten_onnx::onnx::{DataLocation, DataType, ModelProto, StringStringEntryProto};

use crate::Network;
use crate::tests::sample::{
    Written, info, model, node, open, parse, weight, write_within, written,
};

/// The size of a layer's weight in bytes: 243 × 243 values.
const WEIGHT: u64 = 243 * 243 * 4;

/// Returns a chain of linear layers whose weights start at these offsets of these files, then a classifier.
fn network(places: &[(&str, u64)]) -> ModelProto {
    let mut nodes = vec![node("Flatten", &["data"], &["x0"])];
    let mut weights = Vec::new();
    for (i, (location, offset)) in places.iter().enumerate() {
        let [from, to, name] = [format!("x{i}"), format!("x{}", i + 1), format!("w{i}")];
        nodes.push(node("MatMul", &[&from, &name], &[&to]));
        let entry = |(key, value): (&str, String)| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value),
        };
        let entries = [
            ("location", (*location).to_owned()),
            ("offset", offset.to_string()),
        ];
        let mut stored = weight(&name, &[243, 243], 1.0);
        stored.raw_data = None;
        stored.external_data = entries.map(entry).to_vec();
        stored.data_location = Some(DataLocation::EXTERNAL);
        weights.push(stored);
    }
    nodes.push(node(
        "MatMul",
        &[&format!("x{}", places.len()), "c"],
        &["y"],
    ));
    weights.push(weight("c", &[243, 5], 1.0));
    let input = vec![info("data", DataType::FLOAT, &[1, 3, 9, 9])];
    model(8, 13, nodes, weights, input, &["y"])
}

/// Writes the network, and next to it a file of this many weights.
fn stored(places: &[(&str, u64)], weights: usize) -> Written {
    let written = written(&network(places));
    let numbers = 0.5_f32.to_le_bytes().repeat(243 * 243 * weights);
    std::fs::write(written.folder.path().join("w.bin"), numbers).unwrap();
    written
}

fn cut(written: &Written) -> crate::Result<()> {
    let network = Network::read(&written.path, open)?;
    network.cut(&"penultimate".into()).map(drop)
}

fn refusal(places: &[(&str, u64)]) -> String {
    cut(&stored(places, 2)).unwrap_err().to_string()
}

#[test]
fn a_range_that_two_weights_share_is_written_once() {
    let written = stored(&[("w.bin", 0), ("./w.bin", 0), ("w.bin", WEIGHT)], 2);
    let path = written.folder.path().join("cut.onnx");
    let network = Network::read(&written.path, open).unwrap();
    let cut = network.cut(&"penultimate".into()).unwrap();
    let data = write_within(&cut, &path, 10_000).unwrap().unwrap();
    // The first weight ends in the middle of a page, and the next one starts a new page.
    let second = WEIGHT.next_multiple_of(4096);
    assert_eq!(data.metadata().unwrap().len(), second + WEIGHT);
    let graph = parse(&std::fs::read(&path).unwrap()).graph.unwrap();
    let offsets = graph.initializer.iter().map(|weight| {
        let entry = weight.external_data.iter();
        let mut offset = entry.filter(|entry| entry.key.as_deref() == Some("offset"));
        offset.next().and_then(|entry| entry.value.clone()).unwrap()
    });
    assert!(offsets.eq(["0".to_owned(), "0".to_owned(), second.to_string()]));
}

#[test]
fn ranges_that_overlap_are_refused() {
    let text = refusal(&[("w.bin", 0), ("w.bin", WEIGHT - 4)]);
    assert!(
        text.contains("its weights `w0` and `w1` overlap: they share bytes of `w.bin`"),
        "{text}"
    );
    assert!(refusal(&[("w.bin", 0), ("./w.bin", 4)]).contains("share"));
}

#[test]
fn a_range_that_is_used_too_often_is_refused() {
    assert!(cut(&stored(&[("w.bin", 0); 8], 1)).is_ok());
    let text = refusal(&[("w.bin", 0); 9]);
    assert!(
        text.contains("236196 bytes") && text.contains("more than 8 times"),
        "{text}"
    );
}
