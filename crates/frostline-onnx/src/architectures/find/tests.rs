//! Checkpoints as trainers write them, with a network of two tensors.

use std::io::Cursor;

use super::*;
use crate::weights::tests::sample::{archive, dict, floats, safetensors, tensor};

/// The needed tensors are `conv.weight` [2] and `norm.weight` [1]; the classifier is `fc`.
fn plan(_: &StateDict) -> Plan {
    Plan {
        size: 1,
        epsilon: 0.0,
        classifier: "fc",
        add: Box::new(|network| {
            let input = network.graph.input();
            let x = network.linear("conv", "x", vec![2, 3], &input)?;
            Ok((network.linear("norm", "y", vec![1, 2], &x)?, 1))
        }),
    }
}

const SHAPES: [(&str, &[u32]); 4] = [
    ("conv.weight", &[2, 3]),
    ("conv.bias", &[2]),
    ("norm.weight", &[1, 2]),
    ("norm.bias", &[1]),
];

/// Returns the entries of a state dict with these prefixes, all with the elements of storage `key`.
fn entries(prefix: &str, key: &str) -> Vec<(String, Vec<u8>)> {
    let entry = |(name, shape): (&str, &[u32])| {
        let strides: Vec<u32> = match shape {
            [_, columns] => vec![*columns, 1],
            _ => vec![1],
        };
        let tensor = tensor(key, "FloatStorage", 6, 0, shape, &strides);
        (format!("{prefix}{name}"), tensor)
    };
    SHAPES.map(entry).to_vec()
}

fn state(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<_> = entries
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    dict(&entries)
}

fn state_of(prefix: &str, key: &str) -> Vec<u8> {
    state(&entries(prefix, key))
}

/// Finds the weights in a file whose storages `0`, `1` and `2` have the elements 0, 1 and 2.
fn found(saved: &[u8], of: &WeightsOf) -> Result<Found> {
    let storages = [("0", 0.0), ("1", 1.0), ("2", 2.0)];
    let storages = storages.map(|(key, value)| (key, 6, floats(&[value; 6])));
    let file = Cursor::new(archive(saved, &storages, "little"));
    find(
        plan,
        End::Features,
        &mut Checkpoint::open(file, "w.pth")?,
        of,
    )
}

/// Returns the name of the place, and the value of all elements.
#[track_caller]
fn place_and_value(saved: &[u8], of: &WeightsOf) -> (String, u8) {
    let found = found(saved, of).unwrap();
    let names: Vec<_> = found.weights.iter().map(|(name, _)| name).collect();
    assert_eq!(names[..4], SHAPES.map(|(name, _)| name));
    let value = found.weights.get("conv.weight").unwrap().data[0];
    (found.place.to_string(), value as u8)
}

#[track_caller]
fn message(saved: &[u8], of: &WeightsOf) -> String {
    let text = found(saved, of).unwrap_err().to_string();
    text.strip_prefix("cannot use the network `w.pth`: ")
        .unwrap()
        .to_owned()
}

#[test]
fn wrappers_and_prefixes() {
    for (wrapper, prefix, name) in [
        ("", "", "."),
        ("state_dict", "module.", "state_dict.module"),
        ("model", "", "model"),
        (
            "model_state_dict",
            "_orig_mod.",
            "model_state_dict._orig_mod",
        ),
        ("network", "module.encoder_q.", "network.module.encoder_q"),
        ("", "net.0.", "net.0"),
        ("teacher", "module.backbone.", "teacher.module.backbone"),
    ] {
        let mut saved = state_of(prefix, "1");
        if !wrapper.is_empty() {
            saved = dict(&[("epoch", b"K\x05".to_vec()), (wrapper, saved)]);
        }
        let wanted = (name.to_owned(), 1);
        assert_eq!(place_and_value(&saved, &WeightsOf::Model), wanted);
    }
}

#[test]
fn what_is_beside_the_network() {
    let other = |prefix: &str, name: &str| {
        let entry = tensor("2", "FloatStorage", 6, 0, &[6], &[1]);
        let more = [(name.to_owned(), entry)];
        state(&[entries(prefix, "1"), more.to_vec()].concat())
    };
    // A classifier of any kind, and what is not in the network.
    for (prefix, name) in [
        ("", "fc.weight"),
        ("", "fc.2.bias"),
        ("model.", "model.fc.weight"),
        ("model.", "loss.weight"),
        ("module.encoder_q.", "module.queue"),
    ] {
        assert_eq!(
            place_and_value(&other(prefix, name), &WeightsOf::Model).1,
            1
        );
    }
    let unexpected = message(&other("", "conv.mask"), &WeightsOf::Model);
    assert_eq!(unexpected, "1 unexpected: `conv.mask`");
}

#[test]
fn moving_averages() {
    for ema in ["state_dict_ema", "model_ema", "ema"] {
        let saved = dict(&[
            (ema, state_of("module.", "2")),
            ("state_dict", state_of("", "1")),
        ]);
        let model = place_and_value(&saved, &WeightsOf::Model);
        assert_eq!(model, ("state_dict".to_owned(), 1));
        let found = found(&saved, &WeightsOf::Ema).unwrap();
        assert_eq!(found.place.to_string(), format!("{ema}.module"));
        assert_eq!(found.others[0].to_string(), "state_dict");
        let alone = dict(&[(ema, state_of("", "2"))]);
        assert_eq!(place_and_value(&alone, &WeightsOf::Model).1, 2);
    }
    // MoCo: the encoder of the keys is the moving average of the encoder of the queries.
    let both = [
        entries("module.encoder_k.", "2"),
        entries("module.encoder_q.", "1"),
    ]
    .concat();
    let moco = dict(&[("state_dict", state(&both))]);
    assert_eq!(place_and_value(&moco, &WeightsOf::Model).1, 1);
    assert_eq!(place_and_value(&moco, &WeightsOf::Ema).1, 2);
    assert_eq!(
        message(&dict(&[("model", state_of("", "1"))]), &WeightsOf::Ema),
        "it contains no moving average (EMA) of weights that match; these match: `model`"
    );
}

#[test]
fn two_models() {
    let dino = dict(&[
        ("student", state_of("module.backbone.", "1")),
        ("teacher", state_of("backbone.", "2")),
    ]);
    assert_eq!(
        message(&dino, &WeightsOf::Model),
        "it contains 2 models that match: `student.module.backbone`, `teacher.backbone`"
    );
    for (name, value) in [("student", 1), ("teacher", 2), ("teacher.backbone", 2)] {
        assert_eq!(place_and_value(&dino, &name.into()).1, value);
    }
    let both = message(&dino, &"backbone".into());
    assert!(both.starts_with("it contains 2 models"), "{both}");
    let none = message(&dino, &"back".into());
    assert!(
        none.starts_with("it contains no weights named `back`"),
        "{none}"
    );
    // One model under two names.
    let twice = [entries("model.", "1"), entries("net.", "1")].concat();
    let (place, _) = place_and_value(&state(&twice), &WeightsOf::Model);
    assert_eq!(place, "model");
    // One with a prefix beside one without.
    let beside = state(&[entries("", "1"), entries("module.", "2")].concat());
    assert_eq!(
        message(&beside, &WeightsOf::Model),
        "it contains 2 models that match: `.`, `module`"
    );
    for (name, value) in [(".", 1), ("module", 2)] {
        assert_eq!(place_and_value(&beside, &name.into()).1, value);
    }
}

#[test]
fn the_closest_reading_is_named() {
    let mut entries = entries("module.", "1");
    entries[1].0 = "module.conv.scale".to_owned();
    let saved = dict(&[("model", state(&entries))]);
    assert_eq!(
        message(&saved, &WeightsOf::Model),
        "no weights in it match; closest are those in `model` with the prefix `module.`: \
         1 missing: `conv.bias`; 1 unexpected: `conv.scale`"
    );
    let other = dict(&[("w", tensor("0", "FloatStorage", 6, 0, &[6], &[1]))]);
    let text = message(&other, &WeightsOf::Model);
    assert!(
        text.starts_with("4 missing: ") && text.ends_with("1 unexpected: `w`"),
        "{text}"
    );
}

#[test]
fn safetensors_have_prefixes_too() {
    let tensors = SHAPES.map(|(name, shape)| {
        let shape: Vec<usize> = shape.iter().map(|&size| size as usize).collect();
        let values = floats(&vec![3.0; shape.iter().product()]);
        (format!("backbone.{name}"), shape, values)
    });
    let tensors: Vec<_> = tensors
        .iter()
        .map(|(name, shape, values)| (name.as_str(), "F32", shape.as_slice(), values.clone()))
        .collect();
    let file = Cursor::new(safetensors(&tensors));
    let mut checkpoint = Checkpoint::open(file, "w.safetensors").unwrap();
    let found = find(plan, End::Features, &mut checkpoint, &WeightsOf::Model).unwrap();
    assert_eq!(found.place.prefix, "backbone.");
    assert_eq!(found.weights.get("norm.bias").unwrap().data, [3.0]);
}
