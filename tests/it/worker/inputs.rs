//! Images in columns of all types, and rows without an image.

use std::fs;
use std::sync::Arc;

use arrow_array::builder::BinaryDictionaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    ArrayRef, BinaryArray, BinaryViewArray, DictionaryArray, LargeBinaryArray, LargeStringArray,
    NullArray, RecordBatch, StringArray, StringViewArray, StructArray,
};
use arrow_schema::{DataType, Field};

use super::{answer, stream};
use crate::harness::Place;

#[test]
fn images_are_found_in_every_type_of_column() {
    let Some(place) = Place::fitted() else { return };
    let paths =
        ["images/blue/0.png", "images/red/1.png", "images/none.png"].map(|name| place.path(name));
    let images: Vec<Vec<u8>> = paths[..2]
        .iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    let bytes = || {
        [
            Some(&*images[0]),
            None,
            Some(&*images[1]),
            Some(&b"no image"[..]),
        ]
    };
    let texts = || [Some(&*paths[0]), None, Some(&*paths[1]), Some(&*paths[2])];
    let binary = || -> ArrayRef { Arc::new(BinaryArray::from_iter(bytes())) };
    let mut dictionary = BinaryDictionaryBuilder::<Int8Type>::new();
    dictionary.extend(bytes());
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bytes", binary()),
        ("image", Arc::new(LargeBinaryArray::from_iter(bytes()))),
        ("bytes", Arc::new(BinaryViewArray::from_iter(bytes()))),
        ("bytes", Arc::new(dictionary.finish())),
        ("path", Arc::new(StringArray::from_iter(texts()))),
        ("image", Arc::new(LargeStringArray::from_iter(texts()))),
        ("path", Arc::new(StringViewArray::from_iter(texts()))),
        (
            "path",
            Arc::new(DictionaryArray::<Int32Type>::from_iter(texts())),
        ),
        ("image", hugging_face(Some(binary()), None)),
        (
            "image",
            hugging_face(None, Some(Arc::new(StringArray::from_iter(texts())))),
        ),
        (
            "image",
            hugging_face(Some(binary()), Some(Arc::new(NullArray::new(4)))),
        ),
    ];
    for (name, column) in columns {
        let kind = format!("`{name}`, {}", column.data_type());
        let batch = RecordBatch::try_from_iter([(name, column)]).unwrap();
        let answer = answer(&place, "", stream(&[batch]));
        let statuses = answer.statuses();
        let last = &statuses[3];
        assert_eq!(
            &statuses[..3],
            ["ok", "skipped: has no image (null)", "ok"],
            "{kind}"
        );
        assert!(
            [
                "skipped: is a text file, not an image",
                "skipped: no such file"
            ]
            .contains(&&**last),
            "{kind}: {last}"
        );
        let digests: Vec<_> = answer
            .features()
            .into_iter()
            .map(|row| Some(row?.0))
            .collect();
        let expected = images
            .iter()
            .map(|image| Some(blake3::hash(image).as_bytes().to_vec()));
        let expected: Vec<_> = expected.collect();
        assert_eq!(
            digests,
            [expected[0].clone(), None, expected[1].clone(), None],
            "{kind}"
        );
        let kept = answer.batches[0].column_by_name(name).is_some();
        assert_eq!(
            kept,
            last.ends_with("file") && !kind.contains("Struct") && last.contains("such"),
            "{kind}"
        );
    }
}

/// Returns a column as Hugging Face's datasets have it; without bytes or paths, these are null.
fn hugging_face(bytes: Option<ArrayRef>, path: Option<ArrayRef>) -> ArrayRef {
    let bytes = bytes.unwrap_or_else(|| Arc::new(BinaryArray::from_opt_vec(vec![None; 4])));
    let path = path.unwrap_or_else(|| {
        Arc::new(StringArray::from(vec![
            Some("elsewhere.png"),
            None,
            None,
            None,
        ]))
    });
    let field =
        |name, column: &ArrayRef| Arc::new(Field::new(name, column.data_type().clone(), true));
    Arc::new(StructArray::from(vec![
        (field("bytes", &bytes), bytes),
        (field("path", &path), path),
    ]))
}

/// Without another name, an image is known by the path in its struct.
#[test]
fn the_paths_of_structs_are_returned_unless_there_is_another_name() {
    let Some(place) = Place::fitted() else { return };
    let image = fs::read(place.path("images/red/1.png")).unwrap();
    let bytes = || -> ArrayRef { Arc::new(BinaryArray::from_iter(vec![Some(&image[..]); 4])) };
    let structs = hugging_face(Some(bytes()), None);
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["1", "2", "3", "4"]));
    let columns = |batch: RecordBatch, args: &str| -> Vec<String> {
        let answer = answer(&place, args, stream(&[batch]));
        assert_eq!(answer.statuses(), ["ok"; 4]);
        let schema = answer.batches[0].schema();
        if let Some(paths) = answer.batches[0].column_by_name("path") {
            let wanted = [Some("elsewhere.png"), None, None, None];
            assert_eq!(
                paths.as_string::<i32>(),
                &StringArray::from(wanted.to_vec())
            );
        }
        schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect()
    };
    let added = ["digest", "features", "width", "height", "status"];
    for (batch, args, kept) in [
        (vec![("image", structs.clone())], "", vec!["path"]),
        (
            vec![("image", structs.clone())],
            "--keep-image",
            vec!["image", "path"],
        ),
        (vec![("id", ids), ("image", structs)], "", vec!["id"]),
        (vec![("image", bytes())], "", vec![]),
    ] {
        let batch = RecordBatch::try_from_iter(batch).unwrap();
        assert_eq!(columns(batch, args), [&kept[..], &added].concat());
    }
}

#[test]
fn a_column_of_nulls_has_no_images() {
    let Some(place) = Place::installed() else {
        return;
    };
    let nulls: ArrayRef = Arc::new(NullArray::new(3));
    assert_eq!(nulls.data_type(), &DataType::Null);
    let batch = RecordBatch::try_from_iter([("bytes", nulls)]).unwrap();
    let answer = answer(&place, "", stream(&[batch]));
    assert_eq!(answer.statuses(), vec!["skipped: has no image (null)"; 3]);
    answer.ran.exits(0);
}

#[test]
fn limits_hold_for_bytes_too() {
    let Some(place) = Place::fitted() else { return };
    let image = fs::read(place.path("images/red/1.png")).unwrap();
    let batch = super::batch(0, &[Some(&image)]);
    for (limit, said) in [
        ("--max-bytes 100", "over the limit of 100 (`max_bytes`)"),
        ("--max-pixels 99", "over the limit of 99 (`max_pixels`)"),
    ] {
        let statuses = answer(&place, limit, stream(std::slice::from_ref(&batch))).statuses();
        assert!(
            statuses[0].starts_with("skipped: ") && statuses[0].ends_with(said),
            "{statuses:?}"
        );
    }
}
