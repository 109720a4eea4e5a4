//! Files of all kinds: valid, damaged and of other formats.

mod archive;
mod damage;
pub(crate) mod sample;

use std::io::Cursor;
use std::path::Path;

use self::sample::{archive, dict, floats, legacy, tensor};
use super::*;

fn state() -> Vec<u8> {
    dict(&[
        (
            "conv.weight",
            tensor("0", "FloatStorage", 4, 0, &[2, 2], &[2, 1]),
        ),
        (
            "conv.turned",
            tensor("0", "FloatStorage", 4, 0, &[2, 2], &[1, 2]),
        ),
        (
            "bn.num_batches_tracked",
            tensor("1", "LongStorage", 1, 0, &[], &[]),
        ),
    ])
}

fn storages() -> Vec<(&'static str, i64, Vec<u8>)> {
    vec![
        ("0", 4, floats(&[1.0, 2.0, 3.0, 4.0])),
        ("1", 1, 7_i64.to_le_bytes().to_vec()),
    ]
}

fn check(tensors: &[(String, Tensor)]) {
    let found: Vec<_> = tensors
        .iter()
        .map(|(n, t)| (n.as_str(), t.shape.clone(), t.data.clone()))
        .collect();
    let expected = [
        ("conv.weight", vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]),
        // Columns before rows.
        ("conv.turned", vec![2, 2], vec![1.0, 3.0, 2.0, 4.0]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn both_formats_hold_the_same() {
    check(&read(Cursor::new(legacy(&state(), &storages()))).unwrap());
    check(&read(Cursor::new(archive(&state(), &storages(), "little"))).unwrap());
}

#[test]
fn a_file_is_read_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.bin");
    std::fs::write(&path, legacy(&state(), &storages())).unwrap();
    let weights = read_state_dict(std::fs::File::open(&path).unwrap(), &path).unwrap();
    assert_eq!(weights.path(), path);
    assert_eq!(
        weights.get("conv.weight").unwrap().data,
        [1.0, 2.0, 3.0, 4.0]
    );
}

#[test]
fn foreign_files_are_named() {
    let message = |bytes: &[u8]| match read(Cursor::new(bytes)) {
        Err(fault) => fault.at(Path::new("w.pth")).to_string(),
        Ok(_) => panic!("these are not weights"),
    };
    assert_eq!(
        message(b""),
        "`w.pth` is not a PyTorch weights file: it is empty"
    );
    assert!(message(b"<!DOCTYPE html><html>").contains("web page"));
    assert!(message(b"version https://git-lfs.github.com/spec/v1\n").contains("Git LFS pointer"));
}
