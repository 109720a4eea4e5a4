//! The streams: the columns, the order, and what happens at their ends.

use std::fs;
use std::io::{BufReader, Read};
use std::process::Stdio;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Int32Type, Int64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use frostline::features::StoreManifest;

use super::{END, answer, batch, started, stream, with_ids};
use crate::harness::{Place, contents};

/// The contents of the image files that [`Place::fitted`] has, sorted by path.
fn images(place: &Place) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for class in ["blue", "red"] {
        let folder = fs::read_dir(place.folder().join("images").join(class)).unwrap();
        paths.extend(folder.map(|file| file.unwrap().path()));
    }
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn some(images: &[Vec<u8>]) -> Vec<Option<&[u8]>> {
    images.iter().map(|image| Some(&**image)).collect()
}

#[test]
fn features_are_those_that_extract_stores() {
    let Some(place) = Place::fitted() else { return };
    let images = images(&place);
    let (_, stored) = contents(&place.path("store"));
    for more in [
        "",
        "--no-isolation",
        "--batch-size 3",
        "--threads 1 --batch-size 1",
    ] {
        let batches = [
            batch(7, &some(&images[..5])),
            batch(70, &some(&images[5..])),
        ];
        let answer = answer(&place, more, stream(&batches));
        assert!(answer.is_complete);
        assert_eq!(answer.statuses(), vec!["ok"; 12]);
        for (row, image) in answer.features().into_iter().zip(&images) {
            let (digest, features) = row.unwrap();
            assert_eq!(digest, *blake3::hash(image).as_bytes());
            let stored = &stored[&frostline::features::Digest(digest.try_into().unwrap())];
            assert_eq!(features, *stored, "bit for bit, with `{more}`");
        }
        let rows: Vec<usize> = answer.batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows, [5, 7]);
        let ids: Vec<i64> = answer.batches[1]["id"]
            .as_primitive::<Int64Type>()
            .values()
            .to_vec();
        assert_eq!(ids, [70, 71, 72, 73, 74, 75, 76]);
        answer.ran.exits(0);
    }
}

#[test]
fn the_schema_has_the_manifest_of_a_store() {
    let Some(place) = Place::fitted() else { return };
    let images = images(&place);
    let answer = answer(&place, "", stream(&[batch(0, &some(&images))]));
    let schema = answer.batches[0].schema();
    let manifest: StoreManifest =
        serde_json::from_str(&schema.metadata()["frostline.manifest"]).unwrap();
    let store = fs::read(place.path("store/manifest.json")).unwrap();
    let store: StoreManifest = serde_json::from_slice(&store).unwrap();
    assert_eq!((manifest.spec, manifest.dtype), (store.spec, store.dtype));
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| &**field.name())
        .collect();
    assert_eq!(
        names,
        ["id", "digest", "features", "width", "height", "status"]
    );
    let sides = ["width", "height"]
        .map(|side| answer.batches[0][side].as_primitive::<Int32Type>().value(0));
    assert_eq!(sides, [40, 30]);
}

#[test]
fn half_precision_and_the_images_on_request() {
    let Some(place) = Place::fitted() else { return };
    let images = images(&place);
    let input = batch(0, &some(&images));
    let whole = answer(&place, "", stream(std::slice::from_ref(&input)));
    let half = answer(
        &place,
        "--dtype f16 --keep-image",
        stream(std::slice::from_ref(&input)),
    );
    assert_eq!(&half.batches[0]["bytes"], input.column(1));
    for (row, whole) in whole.features().into_iter().enumerate() {
        let list = half.batches[0]["features"].as_list::<i32>().value(row);
        let half = list.as_primitive::<Float16Type>().values().to_vec();
        let rounded = whole.unwrap().1.into_iter().map(half::f16::from_f32);
        assert_eq!(half, rounded.collect::<Vec<_>>());
    }
}

#[test]
fn each_batch_is_answered_before_the_next_is_sent() {
    let Some(place) = Place::fitted() else { return };
    let images = images(&place);
    let input = batch(0, &some(&images[..3]));
    let mut child = started(place.command("worker"));
    let mut writer = StreamWriter::try_new(child.stdin.take().unwrap(), &input.schema()).unwrap();
    writer.write(&input).unwrap();
    let mut reader = StreamReader::try_new(child.stdout.take().unwrap(), None).unwrap();
    for _ in 0..3 {
        assert_eq!(reader.next().unwrap().unwrap().num_rows(), 3);
        writer.write(&input).unwrap();
    }
    assert_eq!(reader.next().unwrap().unwrap().num_rows(), 3);
    writer.finish().unwrap();
    assert!(reader.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_cut_stream_is_no_complete_one() {
    let Some(place) = Place::fitted() else { return };
    let images = images(&place);
    let whole = stream(&[batch(0, &some(&images[..4])), batch(4, &some(&images[4..]))]);
    for more in ["", "--no-isolation"] {
        let cut = whole[..whole.len() - END.len()].to_vec();
        let between = answer(&place, more, cut);
        assert_eq!((between.statuses().len(), between.is_complete), (12, false));
        between
            .ran
            .exits(1)
            .says(&["after batch 2 without an end-of-stream marker"]);
        let within = answer(&place, more, whole[..whole.len() - 500].to_vec());
        assert_eq!((within.statuses().len(), within.is_complete), (4, false));
        within
            .ran
            .exits(1)
            .says(&["cannot read batch 2 of the input"]);
        let nothing = answer(&place, more, Vec::new());
        assert!(nothing.batches.is_empty());
        nothing.ran.exits(0);
        let other = answer(&place, more, b"id,bytes\n1,2\n".to_vec());
        other
            .ran
            .exits(1)
            .says(&["cannot read the schema of the input"]);
    }
}

#[test]
fn a_stream_without_batches_has_an_answer_without_batches() {
    let Some(place) = Place::installed() else {
        return;
    };
    let empty = batch(0, &[]);
    let writer = StreamWriter::try_new(Vec::new(), &empty.schema()).unwrap();
    let answer = answer(&place, "", { writer }.into_inner().unwrap());
    assert!(answer.is_complete && answer.batches.is_empty());
    answer.ran.exits(0);
}

#[test]
fn a_closed_output_is_no_error() {
    let Some(place) = Place::fitted() else { return };
    let images = images(&place);
    for more in ["", "--no-isolation"] {
        let mut child = started(place.command(&format!("worker {more}")));
        let input = batch(0, &some(&images));
        let mut writer =
            StreamWriter::try_new(child.stdin.take().unwrap(), &input.schema()).unwrap();
        drop(child.stdout.take());
        for _ in 0..20 {
            if writer.write(&input).is_err() {
                break;
            }
        }
        drop(writer);
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !err.contains("error"), "{err}");
    }
}

#[test]
fn columns_that_cannot_be_used_are_named() {
    let Some(place) = Place::installed() else {
        return;
    };
    let ids = || -> ArrayRef { Arc::new(Int64Array::from(vec![1])) };
    let of = |names: &[&str]| {
        let columns = names.iter().map(|&name| (name, ids()));
        stream(&[RecordBatch::try_from_iter(columns).unwrap()])
    };
    for (names, more, said) in [
        (
            &["id", "photo"][..],
            "",
            "no column `image`, `bytes` or `path`, only `id`, `photo`",
        ),
        (
            &["id", "photo"],
            "--column picture",
            "has 0 columns `picture`, not one",
        ),
        (
            &["id", "photo"],
            "--column photo",
            "`photo` is Int64, but images are binary",
        ),
        (
            &["image", "bytes"],
            "",
            "several columns that could be the images: `image`, `bytes`",
        ),
    ] {
        answer(&place, more, of(names)).ran.exits(1).says(&[said]);
    }
    let bytes: ArrayRef = Arc::new(arrow_array::BinaryArray::from(vec![&b"x"[..]]));
    let taken = RecordBatch::try_from_iter([("width", ids()), ("bytes", bytes)]).unwrap();
    let refused = answer(&place, "", stream(&[taken]));
    refused
        .ran
        .exits(1)
        .says(&["already has the columns `width`"]);
}

#[test]
fn a_missing_backbone_is_told_before_any_input() {
    let Some(place) = Place::installed() else {
        return;
    };
    let mut child = place.command("worker --backbone nothing");
    let child = child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut err = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{err}");
    assert!(err.contains("`nothing`"), "{err}");
}

#[test]
fn ids_are_passed_on_whatever_they_are() {
    let Some(place) = Place::fitted() else { return };
    let images = images(&place);
    let images: ArrayRef = Arc::new(arrow_array::BinaryArray::from_opt_vec(some(&images[..3])));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None, Some(5)]));
    let input = with_ids(Arc::clone(&ids), images);
    let answer = answer(
        &place,
        "",
        stream(&[input.slice(0, 0), input.clone(), input.slice(1, 0)]),
    );
    let rows: Vec<usize> = answer.batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows, [0, 3, 0]);
    assert_eq!(&answer.batches[1]["id"], &ids);
    answer.ran.exits(0);
}
