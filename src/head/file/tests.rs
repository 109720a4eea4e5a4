//! A head file must read back as it was written, and every other file must be refused for what it is.

use std::fs;
use std::path::PathBuf;

use half::f16;
use ndarray::{Array2, array};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::head_file::*;
use super::*;
use crate::classes::ClassIndex;
use crate::error::{Error, FileKind, FileProblem, HeadError};
use crate::head::crossval::Folds;
use crate::head::data::Groups;
use crate::head::linear::LinearHead;
use crate::head::trust::{Method, Rejection, RejectionRule, Temperature};

fn sample() -> HeadFile {
    HeadFile {
        head: LinearHead::new(
            array![[1.5, -2.0, 0.25], [0.0, 4.0, 1e-30]],
            array![0.5, -0.5],
        )
        .unwrap(),
        classes: ClassIndex::from_ordered(["grey wolf", "ä \"b\""]).unwrap(),
        manifest: json!({"backbone": "vgg19", "layer": "penultimate"}),
        params: json!({"lr": 0.001}),
        metrics: json!({"accuracy": 0.92}),
        temperature: Temperature::default(),
        rejection: None,
        record: TrainingRecord::default(),
    }
}

/// Returns the sample with a temperature and a rejection.
fn trusted() -> HeadFile {
    let rule = RejectionRule {
        method: Method::NearestNeighbours,
        k: 1,
        rate: 0.05,
        threshold: 0.75,
    };
    let features = array![[1.0, 0.0, 0.0], [0.0, -0.5, 0.75f32.sqrt()]].mapv(f16::from_f32);
    HeadFile {
        temperature: Temperature::new(1.625).unwrap(),
        rejection: Some(Rejection::new(rule, features, vec![1, 0]).unwrap()),
        ..sample()
    }
}

#[test]
fn bytes_are_those_of_the_file() {
    let (_folder, path, bytes) = written(&trusted());
    assert_eq!(trusted().encode().unwrap(), bytes);
    let decoded = HeadFile::decode(&bytes).unwrap();
    assert_eq!(
        decoded.encode().unwrap(),
        HeadFile::read(path).unwrap().encode().unwrap()
    );
    assert_eq!(decoded.temperature, trusted().temperature);
    assert!(HeadFile::decode(&bytes[..bytes.len() - 1]).is_err());
    assert!(HeadFile::decode(b"").is_err());
}

fn written(file: &HeadFile) -> (TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.safetensors");
    file.write(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    (folder, path, bytes)
}

/// Returns the problem that the reader finds in these bytes, with their checksum corrected if they have one.
fn problem(bytes: &[u8]) -> FileProblem {
    let mut bytes = bytes.to_vec();
    seal_again(&mut bytes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.safetensors");
    fs::write(&path, bytes).unwrap();
    match HeadFile::read(&path).unwrap_err() {
        Error::File { problem, kind, .. } => {
            assert_eq!(kind, FileKind::Head);
            problem
        }
        other => panic!("{other}"),
    }
}

/// Returns why a head is not written.
fn refusal(file: &HeadFile) -> HeadError {
    match file.encode().unwrap_err() {
        Error::Head(error) => error,
        other => panic!("{other}"),
    }
}

/// Returns the sample's bytes with one string in its header replaced by one of the same length.
fn patched(from: &str, to: &str) -> Vec<u8> {
    patched_in(&sample(), from, to)
}

fn patched_in(file: &HeadFile, from: &str, to: &str) -> Vec<u8> {
    let mut bytes = written(file).2;
    assert_eq!(from.len(), to.len());
    let at = bytes
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .unwrap();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

/// Returns a file's bytes with its metadata changed.
fn with_metadata(
    bytes: &[u8],
    change: impl FnOnce(&mut serde_json::Map<String, Value>),
) -> Vec<u8> {
    let (header, _) = SafeTensors::read_metadata(bytes).unwrap();
    let mut json: Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    change(json["__metadata__"].as_object_mut().unwrap());
    safetensors(&json.to_string(), &bytes[8 + header..])
}

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

#[test]
fn what_was_written_is_read() {
    let (folder, path, bytes) = written(&sample());
    assert_eq!(HeadFile::read(&path).unwrap(), sample());
    assert_eq!(written(&sample()).2, bytes);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn other_readers_of_safetensors_find_the_tensors() {
    let bytes = written(&sample()).2;
    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(
        (
            header % 8,
            metadata.metadata().as_ref().unwrap()["format"].as_str()
        ),
        (0, "frostline-head")
    );
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let weight = tensors.tensor("weight").unwrap();
    assert_eq!(weight.shape(), [2, 3]);
    assert_eq!(weight.data()[4..8], (-2.0f32).to_le_bytes());
    assert_eq!(
        tensors.tensor("bias").unwrap().data()[..4],
        0.5f32.to_le_bytes()
    );
}

/// The checksum is the output of `b3sum` for the file with zeros in its place.
#[test]
fn the_checksum_is_in_the_metadata_for_every_reader() {
    let bytes = written(&trusted()).2;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let digits = metadata.metadata().as_ref().unwrap()["checksum"].clone();
    let place = bytes
        .windows(64)
        .position(|window| window == digits.as_bytes())
        .unwrap();
    let mut blank = bytes.clone();
    blank[place..place + 64].fill(b'0');
    assert_eq!(blake3::hash(&blank).to_hex().as_str(), digits);
}

#[test]
fn a_head_without_a_checksum_is_read_as_before() {
    let (folder, path, bytes) = written(&trusted());
    let old = with_metadata(&bytes, |metadata| {
        metadata.shift_remove("checksum");
        metadata["format_version"] = "1".into();
    });
    fs::write(&path, old).unwrap();
    assert_eq!(HeadFile::read(&path).unwrap(), trusted());
    drop(folder);
    // Only version 1 has no checksum, so damage to the key alone is found.
    let without = with_metadata(&bytes, |metadata| drop(metadata.shift_remove("checksum")));
    assert!(
        problem(&without)
            .to_string()
            .contains("`checksum` is missing")
    );
    // A file that another tool changed and wrote with the old checksum.
    let changed = with_metadata(&bytes, |metadata| metadata["temperature"] = "2".into());
    let problem = HeadFile::decode(&changed).unwrap_err().to_string();
    assert!(
        problem.contains("its content does not match its checksum"),
        "{problem}"
    );
}

#[test]
fn one_flipped_bit_anywhere_is_an_error() {
    let is_refused = |bytes: &[u8], bit: usize| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        HeadFile::decode(&flipped).is_err()
    };
    let small = written(&sample()).2;
    for bit in 0..small.len() * 8 {
        assert!(is_refused(&small, bit), "bit {bit}");
    }
    let all = HeadFile {
        rejection: trusted().rejection,
        ..recorded()
    };
    let (_folder, path, bytes) = written(&all);
    let mut generator = crate::head::data::order_generator(0);
    for _ in 0..2000 {
        let bit = crate::head::data::below(bytes.len() * 8, &mut generator);
        assert!(is_refused(&bytes, bit), "bit {bit}");
    }
    // The exponent of the first weight, which would change the labels.
    let mut flipped = bytes;
    let header = u64::from_le_bytes(flipped[..8].try_into().unwrap()) as usize;
    flipped[8 + header + 3] ^= 1 << 6;
    fs::write(&path, flipped).unwrap();
    let error = HeadFile::read(&path).unwrap_err();
    assert!(
        matches!(
            &error,
            Error::File {
                kind: FileKind::Head,
                problem: FileProblem::Damaged(_),
                ..
            }
        ),
        "{error}"
    );
}

/// Changed, removed and duplicated bytes, with and without a corrected checksum, cause an error or leave a
/// usable head.
#[test]
fn damaged_heads_are_refused_or_usable() {
    let all = HeadFile {
        rejection: trusted().rejection,
        temperature: trusted().temperature,
        ..recorded()
    };
    let bytes = written(&all).2;
    let mut generator = crate::head::data::order_generator(0);
    let mut below = |n| crate::head::data::below(n, &mut generator);
    for _ in 0..1000 {
        let mut damaged = bytes.clone();
        for _ in 0..=below(4) {
            let place = below(damaged.len());
            match below(8) {
                0 => damaged.truncate(place + 1),
                1 => damaged.extend_from_within(place..),
                2 | 3 => damaged[place] = b"0123456789-.eEnul[]{}\\\", :"[below(26)],
                _ => damaged[place] = below(256) as u8,
            }
        }
        crate::head::fuzz::head_bytes(&damaged);
    }
}

#[test]
fn names_that_no_class_can_have_are_refused() {
    let bytes = written(&sample()).2;
    let refused = |names: Value, problem_of: &str| {
        let changed = with_metadata(&bytes, |metadata| {
            metadata["classes"] = names.to_string().into();
        });
        let problem = problem(&changed).to_string();
        assert!(problem.contains(problem_of), "{problem}");
    };
    refused(json!([]), "fewer than two classes (0)");
    refused(json!(["a"]), "fewer than two classes (1)");
    refused(json!(["a", ""]), "class 1 (from 0) has no name");
    refused(json!(["a\0", "b"]), "class 0 (from 0) contains NUL");
    refused(json!(["a", "a"]), "`a` is listed more than once");
    refused(json!(["a", "b".repeat(4097)]), "has 4097 bytes");
    let nameless = HeadFile {
        classes: ClassIndex::from_ordered(["a", ""]).unwrap(),
        ..sample()
    };
    assert!(matches!(refusal(&nameless), HeadError::Classes(_)));
}

#[test]
fn metadata_that_are_bombs_are_refused() {
    let bytes = written(&sample()).2;
    let refused = |key: &str, text: String, word: &str| {
        let changed = with_metadata(&bytes, |metadata| metadata[key] = text.into());
        let problem = problem(&changed).to_string();
        assert!(problem.contains(word), "{problem}");
    };
    refused("metrics", "[".repeat(100_000), "recursion limit");
    refused(
        "params",
        r#"{"lr":1e999}"#.to_owned(),
        "number out of range",
    );
    let long = with_metadata(&bytes, |metadata| {
        metadata["metrics"] = " ".repeat(LONGEST_HEADER).into();
    });
    assert!(matches!(problem(&long), FileProblem::Foreign { .. }));
    // The metrics of the largest allowed number of epochs fit.
    let epoch = json!({"epoch": 100_000, "train_loss": 0.123_456_789_012_345_67,
        "validation": {"loss": 1.234_567_890_123_456_7, "accuracy": 0.123_456_789_012_345_67}});
    let history = HeadFile {
        metrics: json!({ "history": vec![epoch; 100_000] }),
        ..sample()
    };
    assert!(history.encode().is_ok());
    let long = HeadFile {
        metrics: " ".repeat(LONGEST_HEADER).into(),
        ..sample()
    };
    assert!(matches!(refusal(&long), HeadError::LongHeader { .. }));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    let cause = |path: &std::path::Path| match HeadFile::read(path).unwrap_err() {
        Error::Io { source, .. } => source.to_string(),
        other => panic!("{other}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(cause(&pipe), "it is a named pipe, not a regular file");
    assert_eq!(
        cause("/dev/zero".as_ref()),
        "it is a device, not a regular file"
    );
    // A file that starts like a head, followed by a hole of 1 TiB.
    let (_folder, path, _) = written(&sample());
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    assert!(cause(&path).contains("more than the limit of 2147483648"));
    assert!(problem(b"").to_string().contains("an empty file"));
}

#[test]
fn a_file_cut_anywhere_is_cut() {
    let bytes = written(&sample()).2;
    let n = bytes.len();
    for end in [1, 7, 8, 9, n / 2, n - 1] {
        assert!(
            matches!(problem(&bytes[..end]), FileProblem::Cut(_)),
            "{end}"
        );
    }
    assert_eq!(
        problem(&bytes[..n - 1]).to_string(),
        format!("cut off: it has {} of {n} bytes", n - 1)
    );
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let wanted = format!(
        "cut off: it has 8 bytes, but its header alone ends at byte {}",
        8 + header
    );
    assert_eq!(problem(&bytes[..8]).to_string(), wanted);
}

#[test]
fn foreign_files_are_called_by_their_names() {
    let huge = [u64::MAX.to_le_bytes().as_slice(), b"{}"].concat();
    let of_torch = safetensors(r#"{"__metadata__":{"format":"pt"}}"#, b"");
    let plain = safetensors(
        r#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        &[0; 4],
    );
    let cases: [(&[u8], &str); 7] = [
        (b"", "an empty file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (
            b"PK\x03\x04and so on",
            "a zip archive, such as a PyTorch .pth",
        ),
        (
            b"path,class\na.png,a\n",
            "a text file that starts with \"path,clas\"",
        ),
        (
            &huge,
            "a file that starts with the bytes ff ff ff ff ff ff ff ff 7b",
        ),
        (
            &of_torch,
            "a safetensors file of format `pt` without the metadata of a head",
        ),
        (&plain, "a safetensors file without the metadata of a head"),
    ];
    for (bytes, found) in cases {
        assert_eq!(
            problem(bytes).to_string(),
            format!("not a frostline head: {found}")
        );
    }
}

#[test]
fn a_later_version_is_newer() {
    let newer = problem(&patched(
        r#""format_version":"2""#,
        r#""format_version":"9""#,
    ));
    assert_eq!(
        newer,
        FileProblem::Newer {
            found: 9,
            known: FORMAT_VERSION
        }
    );
    for version in ["0", "x"] {
        let to = format!(r#""format_version":"{version}""#);
        assert!(matches!(
            problem(&patched(r#""format_version":"2""#, &to)),
            FileProblem::Damaged(_)
        ));
    }
}

#[test]
fn damage_is_named() {
    let damage = |bytes: &[u8], what: &str| {
        let problem = problem(bytes);
        assert!(
            matches!(&problem, FileProblem::Damaged(text) if text.contains(what)),
            "{problem}"
        );
    };
    let good = written(&sample()).2;
    damage(&[good.as_slice(), b"xy"].concat(), "2 bytes after its end");
    let nan = [&good[..good.len() - 4], &f32::NAN.to_le_bytes()].concat();
    damage(&nan, "not finite");
    damage(
        &patched(r#"[\"grey wolf\","#, r#"[\"gre\",\"f\","#),
        "[2, 3] and bias [2] for 3 classes",
    );
    damage(
        &patched(r#""shape":[2,3]"#, r#""shape":[3,2]"#),
        "[3, 2] and bias [2] for 2 classes",
    );
    damage(
        &patched(r#""shape":[2,3]"#, r#""shape":[9,9]"#),
        "invalid shape",
    );
    damage(
        &patched(r#""weight""#, r#""heavy!""#),
        "`weight` is missing",
    );
    damage(
        &patched(r#""shape":[2]"#, r#""shape": 2 "#),
        "header cannot be read",
    );
    damage(
        &patched(r#"[\"grey"#, r#"{\"grey"#),
        "`classes` cannot be read",
    );
    damage(
        &patched(r#"{\"lr\":"#, r#"[\"lr\":"#),
        "`params` cannot be read",
    );
    damage(
        &safetensors("{]", b""),
        "header cannot be read (key must be a string",
    );
}

#[test]
fn a_temperature_and_a_rejection_come_back() {
    let (_folder, path, bytes) = written(&trusted());
    assert_eq!(HeadFile::read(&path).unwrap(), trusted());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let kept = tensors.tensor("training_features").unwrap();
    assert_eq!((kept.shape(), kept.data().len()), ([2, 3].as_slice(), 12));
    // 1.0 and -0.5 in IEEE 754 binary16.
    assert_eq!(
        (&kept.data()[..2], &kept.data()[8..10]),
        ([0, 0x3c].as_slice(), [0, 0xb8].as_slice())
    );
    assert_eq!(
        tensors.tensor("training_classes").unwrap().data(),
        [1, 0, 0, 0, 0, 0, 0, 0]
    );
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(
        metadata.metadata().as_ref().unwrap()["temperature"],
        "1.625"
    );
}

#[test]
fn a_head_that_says_nothing_of_them_is_as_it_was() {
    let text = String::from_utf8_lossy(&written(&sample()).2).into_owned();
    for word in ["temperature", "rejection", "training_"] {
        assert!(!text.contains(word), "{word}");
    }
    assert_eq!(text.matches("format_version\":\"2\"").count(), 1);
}

#[test]
fn damage_to_them_is_named() {
    let damage = |from: &str, to: &str, what: &str| {
        let problem = problem(&patched_in(&trusted(), from, to));
        assert!(
            matches!(&problem, FileProblem::Damaged(text) if text.contains(what)),
            "{problem}"
        );
    };
    for wrong in ["0.000", "-1.25", "  NaN", "1e999", "cold!", ""] {
        let to = format!(r#""temperature":"{wrong}"{}"#, " ".repeat(5 - wrong.len()));
        damage(r#""temperature":"1.625""#, &to, "`temperature`");
    }
    damage(
        r#"\"threshold\":0.75"#,
        r#"\"threshold\":7.75"#,
        "is not a cosine",
    );
    damage(
        r#"\"threshold\":0.75"#,
        r#"\"threshold\":null"#,
        "`rejection` cannot be read",
    );
    damage(r#"\"k\":1"#, r#"\"k\":0"#, "its k is 0");
    damage(
        r#"\"k\":1"#,
        r#"\"k\":3"#,
        "its k is 3, but it has only 2 training images",
    );
    damage(r#"\"rate\":0.05"#, r#"\"rate\":1.05"#, "its rate is 1.05");
    damage(
        "nearest-neighbours",
        "nearest-strangers!",
        "`rejection` cannot be read",
    );
    damage(
        "training_features",
        "training_futures!",
        "`training_features` is missing",
    );
    damage(
        "training_classes",
        "training_courses",
        "`training_classes` is missing",
    );
    damage(
        r#""dtype":"F16","shape":[2,3]"#,
        r#""dtype":"I16","shape":[2,3]"#,
        "not F16",
    );
    damage(
        r#""dtype":"F16","shape":[2,3]"#,
        r#""dtype":"F16","shape":[3,2]"#,
        "[3, 2] for 3 features",
    );
    damage(
        r#""dtype":"F16","shape":[2,3]"#,
        r#""dtype":"F16","shape":[  6]"#,
        "not F16 with 2 dimensions",
    );
    damage(
        r#""dtype":"I32","shape":[2]"#,
        r#""dtype":"F32","shape":[2]"#,
        "not I32",
    );
}

#[test]
fn numbers_that_break_a_rejection_are_named() {
    let good = written(&trusted()).2;
    let n = good.len();
    let with = |from_the_end: usize, bytes: &[u8]| {
        let mut broken = good.clone();
        broken[n - from_the_end..][..bytes.len()].copy_from_slice(bytes);
        problem(&broken).to_string()
    };
    // The last 12 bytes are the features, and the 8 bytes before them the classes.
    assert!(with(2, &0x7e00u16.to_le_bytes()).contains("not finite"));
    assert!(with(12, &[0; 2]).contains("row 0 of its training features has length 0, not 1"));
    assert!(
        with(6, &0x4000u16.to_le_bytes()).contains("row 1 of its training features has length")
    );
    assert!(with(20, &2i32.to_le_bytes()).contains("not classes of the head"));
    assert!(with(16, &(-1i32).to_le_bytes()).contains("not classes of the head"));
    assert!(matches!(problem(&good[..n - 1]), FileProblem::Cut(_)));
}

#[test]
fn a_rejection_of_another_head_is_not_written() {
    let mut other = trusted();
    other.head = LinearHead::zeros(2, 4);
    assert_eq!(refusal(&other), HeadError::OtherRejection);
    other.head = LinearHead::zeros(1, 3);
    other.classes = ClassIndex::from_ordered(["alone"]).unwrap();
    assert!(matches!(refusal(&other), HeadError::Classes(_)));
}

#[test]
fn sizes_beyond_all_measure_do_not_overflow() {
    // Sixteen tensors of 2^60 bytes, the last one a byte shorter, so that the data ends at 2^64 - 1.
    let tensor = |i: u64| {
        let start = i << 60;
        let n = (1u64 << 60) - i / 15;
        format!(
            r#""{i}":{{"dtype":"U8","shape":[{n}],"data_offsets":[{start},{}]}}"#,
            start + n
        )
    };
    let huge: Vec<_> = (0..16).map(tensor).collect();
    let ours = r#"{"__metadata__":{"format":"frostline-head","format_version":"1"}"#;
    let huge = safetensors(&format!("{ours},{}}}", huge.join(",")), b"");
    assert!(matches!(problem(&huge), FileProblem::Cut(_)));
}

#[test]
fn a_failed_write_leaves_the_older_file_and_nothing_else() {
    let (folder, path, bytes) = written(&sample());
    let mut broken = sample();
    broken.head = LinearHead::new(array![[f32::NAN], [0.0]], array![0.0, 0.0]).unwrap();
    let refused = |file: &HeadFile| match file.write(&path).unwrap_err() {
        Error::Head(error) => error,
        other => panic!("{other}"),
    };
    assert_eq!(refused(&broken), HeadError::NotFinite);
    broken.head = LinearHead::zeros(3, 1);
    let (rows, classes) = (3, 2);
    assert_eq!(
        refused(&broken),
        HeadError::RowsAndClasses { rows, classes }
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
    // A folder in the way cannot be replaced by a file.
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    assert!(matches!(
        sample().write(&taken).unwrap_err(),
        Error::Io {
            action: "write",
            ..
        }
    ));
    assert!(matches!(
        sample().write(path.join("head")).unwrap_err(),
        Error::Io { .. }
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_missing_file_or_a_folder_is_an_error_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        HeadFile::read(folder.path().join("none")),
        Err(Error::Io { action: "read", .. })
    ));
    assert!(matches!(
        HeadFile::read(folder.path()),
        Err(Error::Io { .. })
    ));
}

/// Returns the sample with a complete record: four training images with two views each, and one held out.
fn recorded() -> HeadFile {
    let digests = [9, 3, 5, 4].map(|first| [first; 32]);
    let folds = Folds::new(&[0, 1, 1, 0], &Groups::of_equal(&digests), 2, 0).unwrap();
    let logits = Array2::from_shape_fn((8, 2), |(row, class)| (row + class) as f64 / 8.0);
    HeadFile {
        record: TrainingRecord::new(&digests, &[[7; 32]]).with_out_of_fold(
            &digests,
            &folds,
            logits.view(),
        ),
        ..sample()
    }
}

#[test]
fn what_a_head_was_trained_on_comes_back() {
    let (_folder, path, bytes) = written(&recorded());
    let read = HeadFile::read(&path).unwrap();
    assert_eq!(read, recorded());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let training = tensors.tensor("training_digests").unwrap();
    assert_eq!(training.shape(), [4, 32]);
    // Ascending, whatever the order of training.
    assert_eq!(
        training
            .data()
            .chunks(32)
            .map(|row| row[0])
            .collect::<Vec<_>>(),
        [3, 4, 5, 9]
    );
    assert_eq!(tensors.tensor("held_out_digests").unwrap().data(), [7; 32]);
    let logits = tensors.tensor("out_of_fold_logits").unwrap();
    assert_eq!(logits.shape(), [4, 2, 2]);
    // Image 3 is the second image: its first row is 2, so its first value is 2 / 8.
    assert_eq!(logits.data()[..4], 0.25f32.to_le_bytes());
    assert_eq!(tensors.tensor("out_of_fold_folds").unwrap().shape(), [4]);
    let with_bank = HeadFile {
        rejection: trusted().rejection,
        ..recorded()
    };
    let (_folder, path, _) = written(&with_bank);
    assert_eq!(HeadFile::read(&path).unwrap(), with_bank);
}

#[test]
fn damage_to_what_it_was_trained_on_is_named() {
    let damage = |from: &str, to: &str, what: &str| {
        let problem = problem(&patched_in(&recorded(), from, to));
        assert!(
            matches!(&problem, FileProblem::Damaged(text) if text.contains(what)),
            "{problem}"
        );
    };
    damage(
        r#""shape":[4,32]"#,
        r#""shape":[8,16]"#,
        "digests of 16 bytes",
    );
    damage(
        r#""shape":[4,32]"#,
        r#""shape":[16,8]"#,
        "strictly ascending",
    );
    damage(
        r#""shape":[4,32]"#,
        r#""shape":[ 128]"#,
        "not U8 with 2 dimensions",
    );
    damage(
        r#""shape":[4,2,2]"#,
        r#""shape":[2,4,2]"#,
        "[2, 4, 2] with folds [4] for 4 training images",
    );
    damage(r#""shape":[4,2,2]"#, r#""shape":[4,1,4]"#, "and 2 classes");
    damage(
        "out_of_fold_folds",
        "out_of_fold_sheep",
        "`out_of_fold_folds` is missing",
    );
    damage(
        "training_digests",
        "training_dinners",
        "for 0 training images",
    );
    let good = written(&recorded()).2;
    // Before the digests of five images are the folds, and before the folds 16 logits.
    let (digests, folds) = (5 * 32, 4 * 4);
    let with = |from_the_end: usize, bytes: &[u8]| {
        let mut broken = good.clone();
        let at = broken.len() - from_the_end;
        broken[at..][..bytes.len()].copy_from_slice(bytes);
        problem(&broken).to_string()
    };
    assert!(with(digests, &[9; 32]).contains("strictly ascending"));
    assert!(with(digests + folds, &(-1i32).to_le_bytes()).contains("has a fold out of range"));
    assert!(with(digests + folds, &4i32.to_le_bytes()).contains("has a fold out of range"));
    assert!(with(digests + folds + 4, &f32::INFINITY.to_le_bytes()).contains("not finite"));
}

#[test]
fn predictions_of_another_head_are_not_written() {
    let mut other = recorded();
    other.head = LinearHead::zeros(1, 3);
    other.classes = ClassIndex::from_ordered(["alone"]).unwrap();
    assert!(matches!(refusal(&other), HeadError::Classes(_)));
    let mut other = recorded();
    other.record.out_of_fold.as_mut().unwrap().logits = Array2::zeros((2, 3));
    assert_eq!(refusal(&other), HeadError::OtherPredictions);
}

#[test]
fn a_head_of_no_feature_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.safetensors");
    let empty = HeadFile {
        head: LinearHead::zeros(2, 0),
        ..sample()
    };
    empty.write(&path).unwrap();
    let error = HeadFile::read(&path).unwrap_err();
    assert!(error.to_string().contains("no feature"), "{error}");
}
