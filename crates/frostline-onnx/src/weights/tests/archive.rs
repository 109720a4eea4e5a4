//! Valid, unrelated and hostile archives.

use std::io::Cursor;

use crate::weights::fault::Fault;
use crate::weights::tests::sample::{self, archive, dict, floats, tensor, zipped};
use crate::weights::{Tensor, read};

fn load(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, Fault> {
    read(Cursor::new(bytes))
}

fn state(class: &str) -> Vec<u8> {
    dict(&[("a", tensor("0", class, 2, 0, &[2], &[1]))])
}

fn data(bytes: &[u8]) -> Vec<f32> {
    load(bytes).unwrap()[0].1.data.clone()
}

#[test]
fn both_byte_orders() {
    assert_eq!(
        data(&archive(
            &state("FloatStorage"),
            &[("0", 2, floats(&[0.5, -2.0]))],
            "little"
        )),
        [0.5, -2.0]
    );
    // bfloat16 1.0 and -2.0, with the high byte first.
    let big = vec![0x3f, 0x80, 0xc0, 0x00];
    assert_eq!(
        data(&archive(&state("BFloat16Storage"), &[("0", 2, big)], "big")),
        [1.0, -2.0]
    );
    assert!(
        load(&archive(
            &state("FloatStorage"),
            &[("0", 2, floats(&[0.5, -2.0]))],
            "middle"
        ))
        .is_err()
    );
}

#[test]
fn packed_files_are_read_but_do_not_unfold_without_end() {
    let pickle = sample::pickled(&state("FloatStorage"));
    let packed = [
        ("w/data.pkl", pickle, true),
        ("w/data/0", floats(&[0.5, -2.0]), true),
    ];
    assert_eq!(data(&zipped(&packed)), [0.5, -2.0]);
    let large = dict(&[("a", tensor("0", "FloatStorage", 1 << 20, 0, &[2], &[1]))]);
    let bomb = [
        ("w/data.pkl", sample::pickled(&large), false),
        ("w/data/0", vec![0; 4 << 20], true),
    ];
    assert!(
        matches!(load(&zipped(&bomb)), Err(Fault::Foreign { found, .. }) if found.contains("decompresses"))
    );
}

#[test]
fn wrong_and_missing_storages() {
    let short = archive(
        &state("FloatStorage"),
        &[("0", 1, floats(&[0.5]))],
        "little",
    );
    assert!(matches!(load(&short), Err(Fault::Damaged(why)) if why.contains("has 4 bytes")));
    let none = archive(&state("FloatStorage"), &[], "little");
    assert!(matches!(load(&none), Err(Fault::Damaged(why)) if why.contains("data/0")));
}

#[test]
fn other_archives() {
    let arrays = zipped(&[("arr_0.npy", vec![1], false)]);
    assert!(
        matches!(load(&arrays), Err(Fault::Foreign { found, .. }) if found.contains("arr_0.npy"))
    );
    let script = zipped(&[
        ("m/data.pkl", vec![1], false),
        ("m/constants.pkl", vec![1], false),
    ]);
    assert!(
        matches!(load(&script), Err(Fault::Foreign { found, .. }) if found.contains("TorchScript"))
    );
}

#[test]
fn files_that_share_bytes_are_refused() {
    let mut bytes = zipped(&[
        ("w/data.pkl", sample::pickled(&state("FloatStorage")), false),
        ("w/data/0", floats(&[0.5, -2.0]), false),
        ("w/data/1", floats(&[0.5, -2.0]), false),
    ]);
    // In the central directory, the four bytes before an entry's name are its offset; two entries get the
    // same one.
    let places: Vec<_> = (4..bytes.len())
        .filter(|&at| bytes[at..].starts_with(b"w/data/"))
        .collect();
    let [.., first, second] = places[..] else {
        panic!("expected four")
    };
    bytes.copy_within(first - 4..first, second - 4);
    assert!(
        matches!(load(&bytes), Err(Fault::Foreign { found, .. }) if found.contains("share bytes"))
    );
}

#[test]
fn a_flipped_bit_is_found() {
    let mut bytes = archive(
        &state("FloatStorage"),
        &[("0", 2, floats(&[0.123, -2.0]))],
        "little",
    );
    let number = 0.123_f32.to_le_bytes();
    let at = bytes
        .windows(4)
        .position(|window| window == number)
        .unwrap();
    bytes[at] ^= 1;
    assert!(matches!(load(&bytes), Err(Fault::Damaged(_))));
}
