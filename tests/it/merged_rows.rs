//! Rows of tables of features: their labels, rows without a name, repeated rows, and answers of workers.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Schema};
use arrow_select::concat::concat_batches;
use frostline::features::{FeatureStore, MergeOptions, merge};
use frostline::images::{Labels, Names, scan_inputs};
use frostline::progress::Silent;

use crate::harness::{Place, digest, features, manifest};
use crate::merged_tables::{merged, replaced, table, write_parquet};

/// Gives a table Hugging Face's description of its columns.
fn described(batch: &RecordBatch, features: &serde_json::Value) -> RecordBatch {
    let mut metadata = batch.schema().metadata().clone();
    let text = serde_json::json!({"info": {"features": features}}).to_string();
    metadata.insert("huggingface".to_owned(), text);
    let schema = batch.schema().as_ref().clone().with_metadata(metadata);
    batch.clone().with_schema(Arc::new(schema)).unwrap()
}

/// Gives a column another name.
fn renamed(batch: &RecordBatch, from: &str, to: &str) -> RecordBatch {
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| {
        let name = if field.name() == from {
            to
        } else {
            field.name()
        };
        Field::clone(field).with_name(name)
    });
    let fields: Vec<Field> = fields.collect();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    RecordBatch::try_new(Arc::new(schema), batch.columns().to_vec()).unwrap()
}

/// Returns the class of each row of a merged table, by path.
fn classes(batch: &RecordBatch) -> Result<Vec<Option<String>>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write_parquet(&path, batch);
    let store = merged(&[&path], &folder.path().join("store"))?;
    Ok(store.index().rows().map(|row| row.class).collect())
}

#[test]
fn numbers_are_labels_and_the_schema_may_name_them() {
    let kind = |names: &[&str]| serde_json::json!({"_type": "ClassLabel", "names": names});
    let labels = |labels: [i64; 3]| {
        replaced(
            &table(&manifest()),
            "label",
            Int64Array::from(labels.to_vec()),
        )
    };
    let some = |classes: [&str; 3]| Ok(classes.map(|class| Some(class.to_owned())).to_vec());
    // The rows are `b/2.png`, `a/1.png` and `a/bad.png`; the index is sorted by path.
    let numbers = labels([1, 0, 2]);
    assert_eq!(classes(&numbers), some(["0", "2", "1"]));
    let animals = kind(&["cat", "dog", "owl"]);
    let named = described(&numbers, &serde_json::json!({"label": animals}));
    assert_eq!(classes(&named), some(["cat", "owl", "dog"]));
    for (column, features) in [
        ("labels", serde_json::json!({"labels": animals})),
        ("fine", serde_json::json!({"fine": animals})),
        ("class", serde_json::json!({"class": animals})),
    ] {
        let batch = described(&renamed(&numbers, "label", column), &features);
        assert_eq!(classes(&batch), some(["cat", "owl", "dog"]), "{column}");
    }
    let bare = renamed(&numbers, "label", "class");
    assert_eq!(classes(&bare), some(["0", "2", "1"]));
    // Datasets mark images without a label by -1.
    let without = described(&labels([-1, 0, -1]), &serde_json::json!({"label": animals}));
    assert_eq!(
        classes(&without),
        Ok(vec![Some("cat".to_owned()), None, None])
    );
    let two = described(
        &numbers,
        &serde_json::json!({"label": kind(&["cat", "dog"])}),
    );
    let said = classes(&two).unwrap_err();
    assert!(said.contains("row 3 has the label 2, for which"), "{said}");
    for column in ["label", "class"] {
        let floats = Float64Array::from(vec![1.0, 0.0, 2.0]);
        let floats = renamed(&replaced(&numbers, "label", floats), "label", column);
        let said = classes(&floats).unwrap_err();
        assert!(said.contains("its labels are Float64"), "{said}");
    }
}

#[test]
fn several_columns_of_labels_are_told() {
    let kind = serde_json::json!({"_type": "ClassLabel", "names": ["a", "b"]});
    let two = renamed(&table(&manifest()), "label", "fine");
    let two = renamed(&two, "other", "coarse");
    let batch = described(&two, &serde_json::json!({"fine": kind, "coarse": kind}));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write_parquet(&path, &batch);
    let options = MergeOptions::new(vec![path], folder.path().join("store"));
    let report = merge(&options, &Silent).unwrap();
    let [note] = &report.notes[..] else {
        panic!("{:?}", report.notes);
    };
    assert!(note.contains("(`fine`, `coarse`)"), "{note}");
}

#[test]
fn a_row_without_a_name_is_skipped_if_it_has_no_features() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let ids = |ids: [Option<&str>; 3]| {
        let batch = replaced(&table(&manifest()), "id", StringArray::from(ids.to_vec()));
        write_parquet(&path, &batch);
        merged(&[&path], &folder.path().join("store"))
    };
    let said = ids([Some("a"), None, Some("c")]).unwrap_err();
    let wanted = "a.parquet` is not a table of features that can be merged: row 2 has no path";
    assert!(said.contains(wanted), "{said}");
    let store = ids([Some("a"), Some("b"), None]).unwrap();
    let skipped: Vec<_> = store.index().skipped().collect();
    assert_eq!(skipped, [("a.parquet#2", "it is empty")]);
    assert_eq!(store.index().n_used(), 2);
}

#[test]
fn rows_that_repeat_an_image_are_counted_and_other_images_of_the_same_name_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let good = table(&manifest());
    let twice = concat_batches(&good.schema(), [&good, &good.slice(1, 1)]).unwrap();
    fs::create_dir(place("spark")).unwrap();
    write_parquet(&place("spark/a.parquet"), &twice);
    write_parquet(&place("spark/b.parquet"), &good.slice(0, 1));
    let options = MergeOptions::new(vec![place("spark")], place("store"));
    let report = merge(&options, &Silent).unwrap();
    assert_eq!((report.images, report.repeated, report.kept), (2, 2, 0));
    // The same images in another source repeat nothing.
    write_parquet(&place("c.parquet"), &good);
    let sources = vec![place("spark/b.parquet"), place("c.parquet")];
    let report = merge(&MergeOptions::new(sources, place("other")), &Silent).unwrap();
    assert_eq!((report.images, report.repeated), (2, 0));
    let one_class = replaced(&good, "label", StringArray::from(vec!["a"; 3]));
    let same = replaced(&one_class, "id", StringArray::from(vec!["a", "a", "c"]));
    write_parquet(&place("same.parquet"), &same);
    let said = merged(&[&place("same.parquet")], &place("third")).unwrap_err();
    let (one, other) = (digest(1), digest(2));
    let table = place("same.parquet").display().to_string();
    let wanted = format!("`a` has two contents: {one} and {other}, both in `{table}`");
    assert_eq!(said, wanted);
}

/// Returns the bytes of a stream of one batch for each row, and how many there are after each batch.
fn stream(batch: &RecordBatch) -> (Vec<u8>, Vec<usize>) {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    let ends = (0..batch.num_rows()).map(|row| {
        writer.write(&batch.slice(row, 1)).unwrap();
        writer.get_ref().len()
    });
    let ends = ends.collect();
    (writer.into_inner().unwrap(), ends)
}

#[test]
fn a_stream_is_a_table_unless_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let (bytes, ends) = stream(&table(&manifest()));
    fs::write(place("a.arrows"), &bytes).unwrap();
    let check = |store: FeatureStore| {
        let paths: Vec<String> = store.index().rows().map(|row| row.path).collect();
        assert_eq!(paths, ["a/1.png", "a/bad.png", "b/2.png"]);
        let found = store.features(&[digest(1), digest(2)]).unwrap();
        assert_eq!(found.row(0).to_vec(), features(1));
        assert_eq!(found.row(1).to_vec(), features(2));
    };
    check(merged(&[&place("a.arrows")], &place("of-file")).unwrap());
    fs::create_dir(place("tables")).unwrap();
    fs::copy(place("a.arrows"), place("tables/a.arrows")).unwrap();
    check(merged(&[&place("tables")], &place("of-folder")).unwrap());
    let cut = |end: usize| {
        fs::write(place("cut.arrows"), &bytes[..end]).unwrap();
        let said = merged(&[&place("cut.arrows")], &place("store")).unwrap_err();
        assert!(said.contains("cut.arrows`"), "{end}: {said}");
        assert!(!place("store").exists());
        said
    };
    for (number, end) in ends.iter().enumerate() {
        let said = cut(*end);
        let after = format!("is cut off: it ends after batch {} without", number + 1);
        assert!(said.contains(&after), "{said}");
        let within = format!("is cut off: it ends within batch {}", number + 1);
        let said = cut(end - 1);
        assert!(said.contains(&within), "{said}");
    }
    for end in (0..bytes.len()).step_by(bytes.len() / 100) {
        cut(end);
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 100) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(place("flipped.arrows"), flipped).unwrap();
        let _ = merged(&[&place("flipped.arrows")], &place("flipped"));
        let _ = fs::remove_dir_all(place("flipped"));
    }
}

/// A dataset of Hugging Face goes through a worker into a store, by a file.
#[test]
fn the_answer_of_a_worker_is_merged() {
    let Some(place) = Place::fitted() else { return };
    let images: Vec<Vec<u8>> = ["blue/0", "red/1"]
        .map(|name| fs::read(place.path(&format!("images/{name}.png"))).unwrap())
        .into();
    let bytes = arrow_array::BinaryArray::from_iter([Some(&images[0]), Some(&images[1]), None]);
    let paths = StringArray::from(vec![Some("sky.png"), Some("rose.png"), None]);
    let field = |name, kind: &dyn Array| Arc::new(Field::new(name, kind.data_type().clone(), true));
    let image = arrow_array::StructArray::from(vec![
        (field("bytes", &bytes), Arc::new(bytes) as ArrayRef),
        (field("path", &paths), Arc::new(paths) as ArrayRef),
    ]);
    let label: ArrayRef = Arc::new(Int64Array::from(vec![1, 0, 0]));
    let batch =
        RecordBatch::try_from_iter([("image", Arc::new(image) as ArrayRef), ("label", label)]);
    let kind = serde_json::json!({"_type": "ClassLabel", "names": ["rose", "sky"]});
    let batch = described(&batch.unwrap(), &serde_json::json!({"label": kind}));
    fs::write(place.path("in.arrows"), crate::worker::stream(&[batch])).unwrap();
    let mut command = place.command("worker --quiet");
    command.stdin(fs::File::open(place.path("in.arrows")).unwrap());
    command.stdout(fs::File::create(place.path("out.arrows")).unwrap());
    assert!(command.status().unwrap().success());
    place
        .frostline("features merge {dir}/out.arrows -o {dir}/merged")
        .exits(3)
        .says(&["out.arrows#2: has no image (null)"]);
    let store = FeatureStore::open(Path::new(&place.path("merged"))).unwrap();
    let rows: HashMap<String, Option<String>> = store
        .index()
        .rows()
        .map(|row| (row.path, row.class))
        .collect();
    let class = |name: &str| rows[name].as_deref();
    assert_eq!(
        (class("sky.png"), class("rose.png")),
        (Some("sky"), Some("rose"))
    );
    let digests: Vec<_> = store.index().digests().collect();
    let wanted = [&images[1], &images[0]].map(|image| *blake3::hash(image).as_bytes());
    assert_eq!(
        digests.iter().map(|digest| digest.0).collect::<Vec<_>>(),
        wanted
    );
}

#[test]
fn the_same_images_under_other_names_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let one = table(&manifest());
    let names = StringArray::from(vec!["x#0", "x#1", "x#2"]);
    write_parquet(&place("a.parquet"), &one);
    write_parquet(&place("b.parquet"), &replaced(&one, "id", names));
    let merge_of = |sources: &[&str], to: &str| {
        let sources = sources.iter().map(|name| place(name)).collect();
        merge(&MergeOptions::new(sources, place(to)), &Silent).unwrap()
    };
    let report = merge_of(&["a.parquet", "b.parquet"], "both");
    assert_eq!(
        (report.images, report.duplicates, report.doubles),
        (4, 2, 2)
    );
    let again = merge_of(&["a.parquet", "a.parquet"], "one");
    assert_eq!((again.images, again.duplicates), (2, 0));
}

/// Its column `digest` is binary, but not a column of images.
#[test]
fn a_table_of_features_is_not_a_table_of_images() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("features.parquet");
    write_parquet(&path, &table(&manifest()));
    let scanned = scan_inputs(&[path], Labels::None, Names::Extensions, &Silent);
    let error = scanned.unwrap_err().to_string();
    assert!(error.contains("no column"), "{error}");
}
