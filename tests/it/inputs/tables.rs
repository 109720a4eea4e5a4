//! Parquet files, Arrow files and Arrow streams.

use std::collections::HashMap;
use std::fs::{self, File};
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BinaryViewBuilder, LargeBinaryBuilder, StringDictionaryBuilder,
};
use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{images, paths, require_all};
use crate::harness::Place;

/// What `datasets` writes into the schema.
const FEATURES: &str = r#"{"info": {"features": {"image": {"_type": "Image"},
    "label": {"names": ["blue", "red"], "_type": "ClassLabel"}}}}"#;

type Rows = Vec<(Option<String>, Option<Vec<u8>>, i64)>;

/// Returns the images of a fitted place as rows of path, bytes and number of the class.
fn rows(place: &Place) -> Rows {
    let images = images(place).into_iter();
    images
        .map(|(path, bytes)| {
            let class = i64::from(path.starts_with("red"));
            (Some(path), Some(bytes), class)
        })
        .collect()
}

/// Returns a batch as `datasets` writes it.
fn hugging_face(rows: &Rows) -> RecordBatch {
    let mut bytes = BinaryBuilder::new();
    for (_, image, _) in rows {
        bytes.append_option(image.as_ref());
    }
    let path: StringArray = rows.iter().map(|(path, ..)| path.clone()).collect();
    let field = |name: &str, kind| Arc::new(Field::new(name, kind, true));
    let image = StructArray::from(vec![
        (
            field("bytes", DataType::Binary),
            Arc::new(bytes.finish()) as ArrayRef,
        ),
        (field("path", DataType::Utf8), Arc::new(path) as ArrayRef),
    ]);
    let id: StringArray = rows.iter().map(|_| Some("an identifier")).collect();
    let label: Int64Array = rows.iter().map(|(.., class)| Some(*class)).collect();
    let schema = Schema::new(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("image", arrow_array::Array::data_type(&image).clone(), true),
        Field::new("label", DataType::Int64, true),
    ]);
    let metadata = HashMap::from([("huggingface".to_owned(), FEATURES.to_owned())]);
    let columns: Vec<ArrayRef> = vec![Arc::new(id), Arc::new(image), Arc::new(label)];
    RecordBatch::try_new(Arc::new(schema.with_metadata(metadata)), columns).unwrap()
}

/// Returns a batch with a binary column and labels in a dictionary.
fn plain(rows: &Rows, image: ArrayRef) -> RecordBatch {
    let mut label = StringDictionaryBuilder::<Int8Type>::new();
    for (.., class) in rows {
        label.append_value(["blue", "red"][*class as usize]);
    }
    let columns: [(&str, ArrayRef); 2] = [("label", Arc::new(label.finish())), ("img", image)];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write_parquet(path: &str, batch: &RecordBatch, group: usize, compression: Compression) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_compression(compression)
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn write_arrow(path: &str, batch: &RecordBatch, rows: usize, is_stream: bool) {
    let file = File::create(path).unwrap();
    let parts = (0..batch.num_rows()).step_by(rows);
    let parts = parts.map(|at| batch.slice(at, rows.min(batch.num_rows() - at)));
    if is_stream {
        let mut writer = StreamWriter::try_new(file, &batch.schema()).unwrap();
        parts.for_each(|part| writer.write(&part).unwrap());
        writer.finish().unwrap();
    } else {
        let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
        parts.for_each(|part| writer.write(&part).unwrap());
        writer.finish().unwrap();
    }
}

/// Returns the bytes of a Parquet file with the images of a fitted place.
pub(crate) fn parquet_of(place: &Place) -> Vec<u8> {
    let path = place.path("of-store.parquet");
    write_parquet(&path, &hugging_face(&rows(place)), 5, Compression::SNAPPY);
    fs::read(path).unwrap()
}

fn require(place: &Place, name: &str) {
    let extract = format!("extract {{dir}}/{name} -o {{dir}}/of-{name}");
    place.frostline(&extract).exits(0).says(&["12 computed"]);
    require_all(place, &format!("of-{name}"));
    place
        .frostline(&extract)
        .exits(0)
        .says(&["0 computed, 12 reused"]);
}

#[test]
fn a_table_of_hugging_face_is_like_its_folder() {
    let Some(place) = Place::fitted() else { return };
    let batch = hugging_face(&rows(&place));
    let path = |name: &str| place.path(name);
    write_parquet(&path("a.parquet"), &batch, 100, Compression::SNAPPY);
    write_parquet(
        &path("b.parquet"),
        &batch,
        1,
        Compression::ZSTD(ZstdLevel::default()),
    );
    write_parquet(
        &path("c.parquet"),
        &batch,
        5,
        Compression::GZIP(GzipLevel::default()),
    );
    write_arrow(&path("d.arrow"), &batch, 5, false);
    write_arrow(&path("e.arrow"), &batch, 1, true);
    for name in ["a.parquet", "b.parquet", "c.parquet", "d.arrow", "e.arrow"] {
        require(&place, name);
        let first = &paths(&place, &format!("of-{name}"))[0];
        assert_eq!(*first, (format!("{name}/blue/0.png"), None));
        place
            .frostline(&format!(
                "preview {{dir}}/{name} -o {{dir}}/sheet.png --count 3"
            ))
            .exits(0);
        let line = format!("classify {{dir}}/{name} --head {{dir}}/head --format csv");
        let labels = |line: &str| {
            let rows = place.frostline(line).exits(0).out;
            let rows = rows.lines().skip(1);
            rows.map(|row| row.split_once(',').unwrap().1.to_owned())
                .collect::<Vec<_>>()
        };
        let known = labels("classify {dir}/images --head {dir}/head --format csv");
        assert_eq!(labels(&line), known);
    }
}

#[test]
fn a_column_of_bytes_has_any_type_of_bytes() {
    let Some(place) = Place::fitted() else { return };
    let rows = rows(&place);
    let images = || rows.iter().map(|(_, image, _)| image.as_ref().unwrap());
    let (mut large, mut view) = (LargeBinaryBuilder::new(), BinaryViewBuilder::new());
    images().for_each(|image| large.append_value(image));
    images().for_each(|image| view.append_value(image));
    let columns: [ArrayRef; 2] = [Arc::new(large.finish()), Arc::new(view.finish())];
    for (name, column) in ["large", "view"].into_iter().zip(columns) {
        let batch = plain(&rows, column);
        let names = ["parquet", "arrow", "stream.arrow"].map(|end| format!("{name}.{end}"));
        write_parquet(&place.path(&names[0]), &batch, 4, Compression::UNCOMPRESSED);
        write_arrow(&place.path(&names[1]), &batch, 5, false);
        write_arrow(&place.path(&names[2]), &batch, 5, true);
        for name in names {
            require(&place, &name);
            let first = &paths(&place, &format!("of-{name}"))[0];
            assert_eq!(*first, (format!("{name}#0"), None));
        }
    }
}

#[test]
fn awkward_rows_are_skipped_with_their_reasons() {
    let Some(place) = Place::fitted() else { return };
    let image = |n: usize| Some(images(&place)[n].1.clone());
    let path = |path: &str| Some(path.to_owned());
    let rows = vec![
        (path("same.png"), image(0), 0),
        (path("same.png"), image(1), 1),
        (path("images/red/0.png"), None, 1),
        (path("../outside.png"), None, 1),
        (path("/etc/passwd"), None, 1),
        (None, None, 1),
        (None, image(2), -1),
        (path("text.png"), Some(b"no image".to_vec()), 1),
        (path("empty.png"), Some(Vec::new()), 1),
    ];
    let batch = hugging_face(&rows);
    write_parquet(&place.path("a.parquet"), &batch, 2, Compression::SNAPPY);
    write_arrow(&place.path("a.arrow"), &batch, 4, false);
    let lost = "has no bytes: its cell is null, and it has no path to a file next to the table";
    for name in ["a.parquet", "a.arrow"] {
        place
            .frostline(&format!("extract {{dir}}/{name} -o {{dir}}/of-{name}"))
            .exits(3)
            .says(&["3 computed"]);
        let known = [
            ("#0", None),
            ("#1", None),
            ("/images/red/0.png", None),
            ("//outside.png", Some(lost)),
            ("/etc/passwd", Some(lost)),
            ("#5", Some(lost)),
            ("#6", Some("is not in a class folder")),
            ("/text.png", Some("is a text file, not an image")),
            ("/empty.png", Some("is empty (0 bytes)")),
        ];
        let known = known.map(|(end, reason)| {
            let end = end.replace("//", "/");
            (format!("{name}{end}"), reason.map(str::to_owned))
        });
        assert_eq!(paths(&place, &format!("of-{name}")), known);
    }
}

#[test]
fn other_columns_are_told() {
    let Some(place) = Place::fitted() else { return };
    let rows = rows(&place);
    write_parquet(
        &place.path("a.parquet"),
        &hugging_face(&rows),
        9,
        Compression::SNAPPY,
    );
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let none = RecordBatch::try_from_iter([("text", words.clone()), ("word", words)]).unwrap();
    write_parquet(&place.path("b.parquet"), &none, 9, Compression::SNAPPY);
    place
        .frostline("extract {dir}/b.parquet -o {dir}/new")
        .exits(1)
        .says(&[
            "has no column of images; its columns are `text`, `word`",
            "hint: name the column of the images `image`",
        ]);
    let mut bytes = LargeBinaryBuilder::new();
    for (_, image, _) in &rows {
        bytes.append_option(image.as_ref());
    }
    let other = plain(&rows, Arc::new(bytes.finish()));
    write_parquet(&place.path("c.parquet"), &other, 9, Compression::SNAPPY);
    place
        .frostline("extract {dir}/a.parquet {dir}/c.parquet -o {dir}/new")
        .exits(1)
        .says(&[
            "its columns are not those of `",
            "images in `img` and labels in `label`",
        ]);
    // A table that is cut off, and files that are none.
    let whole = fs::read(place.path("a.parquet")).unwrap();
    for bytes in [
        &whole[..whole.len() / 2],
        b"PAR1",
        b"text that is no table at all",
    ] {
        fs::write(place.path("d.parquet"), bytes).unwrap();
        place
            .frostline("extract {dir}/d.parquet -o {dir}/new")
            .exits(1)
            .says(&["cannot read the images in `"]);
    }
}

#[test]
fn a_stream_that_is_cut_is_used_up_to_there() {
    let Some(place) = Place::fitted() else { return };
    let path = place.path("a.arrow");
    write_arrow(&path, &hugging_face(&rows(&place)), 2, true);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    place
        .frostline("extract {dir}/a.arrow -o {dir}/new")
        .exits(3)
        .says(&["it is cut off"]);
    let used = paths(&place, "new")
        .iter()
        .filter(|row| row.1.is_none())
        .count();
    assert!((2..12).contains(&used), "{used}");
}
