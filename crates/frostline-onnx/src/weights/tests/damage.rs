//! Files of every kind, cut off and damaged in thousands of ways: reading always returns, and never returns
//! much data.

use std::io::Cursor;

use super::sample::{Random, archive, dict, floats, legacy, pickled, safetensors, tensor, zipped};
use crate::weights::fault::Fault;
use crate::weights::{Tensor, read};

/// Returns the pickled state dict of a `.pth` file.
fn state() -> Vec<u8> {
    let float = |shape, strides| tensor("0", "FloatStorage", 4, 0, shape, strides);
    dict(&[
        ("a.weight", float(&[2, 2], &[2, 1])),
        ("a.turned", float(&[2, 2], &[1, 2])),
        ("half", tensor("1", "HalfStorage", 3, 1, &[2], &[1])),
        ("seen", tensor("2", "LongStorage", 1, 0, &[], &[])),
    ])
}

/// Returns its storages: key, number of elements, bytes.
fn storages() -> Vec<(&'static str, i64, Vec<u8>)> {
    vec![
        ("0", 4, floats(&[1.0, 2.0, 3.0, 4.0])),
        ("1", 3, vec![0, 0x3c, 0, 0x3e, 0, 0xbc]),
        ("2", 1, 7_i64.to_le_bytes().to_vec()),
    ]
}

/// Returns a complete file of each kind.
fn whole_files() -> [Vec<u8>; 4] {
    let (state, storages) = (state(), storages());
    let packed = [
        ("w/data.pkl", pickled(&state), true),
        ("w/data/0", storages[0].2.clone(), true),
        ("w/data/1", storages[1].2.clone(), true),
        ("w/data/2", storages[2].2.clone(), true),
    ];
    let flat = safetensors(&[
        ("a.weight", "F32", &[2, 2], floats(&[1.0, 2.0, 3.0, 4.0])),
        ("half", "F16", &[2], vec![0, 0x3c, 0, 0x3e]),
        ("seen", "I64", &[], 7_i64.to_le_bytes().to_vec()),
    ]);
    [
        legacy(&state, &storages),
        archive(&state, &storages, "little"),
        zipped(&packed),
        flat,
    ]
}

/// Reads a file that may be anything, and checks that its size allows for the tensors.
fn check(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, Fault> {
    let tensors = read(Cursor::new(bytes))?;
    let numbers: usize = tensors.iter().map(|(_, tensor)| tensor.data.len()).sum();
    // At most, every byte is compressed 16 to 1, two bytes make a value, and each value is used 8 times.
    assert!(numbers <= bytes.len() * 16 / 2 * 8, "{numbers} values");
    for (name, tensor) in &tensors {
        assert_eq!(
            tensor.shape.iter().product::<usize>(),
            tensor.data.len(),
            "{name}"
        );
    }
    Ok(tensors)
}

#[test]
fn whole_files_are_read() {
    for whole in whole_files() {
        let tensors = check(&whole).unwrap();
        assert_eq!(tensors[0].1.data, [1.0, 2.0, 3.0, 4.0]);
        assert!(tensors.iter().any(|(name, _)| name == "half"));
    }
}

#[test]
fn wherever_a_file_is_cut_it_is_an_error() {
    for whole in whole_files() {
        for length in 0..whole.len() {
            assert!(check(&whole[..length]).is_err(), "cut after {length} bytes");
        }
    }
}

#[test]
fn a_cut_file_is_said_to_be_cut() {
    let [legacy, _, _, flat] = whole_files();
    for (whole, first) in [(legacy, 3), (flat, 9)] {
        for length in first..whole.len() {
            let fault = check(&whole[..length]).unwrap_err();
            assert!(
                matches!(fault, Fault::Cut(_)),
                "cut after {length} bytes: {fault:?}"
            );
        }
    }
}

#[test]
fn every_byte_changed() {
    for whole in whole_files() {
        for at in 0..whole.len() {
            let was = whole[at];
            for byte in [was ^ 1, was ^ 0x80, was.wrapping_add(1), 0, 0xff, b'.'] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                // Success and failure are both right: a flipped bit in a number gives a number.
                let _ = check(&bytes);
            }
        }
    }
}

#[test]
fn damaged_in_several_places() {
    let mut random = Random(1);
    for whole in whole_files() {
        for _ in 0..4000 {
            let _ = check(&random.damage(&whole));
        }
    }
}
