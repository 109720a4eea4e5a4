use std::fs;

use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;

use super::*;

fn parsed(bytes: impl Into<Vec<u8>>, columns: &LabelColumns) -> Result<LabelFile, FileProblem> {
    LabelFile::parse(
        Path::new("labels.csv"),
        bytes.into(),
        columns,
        FileKind::Labels,
    )
}

fn read(bytes: impl Into<Vec<u8>>) -> LabelFile {
    parsed(bytes, &LabelColumns::default()).unwrap()
}

fn refused(bytes: impl Into<Vec<u8>>) -> String {
    parsed(bytes, &LabelColumns::default())
        .unwrap_err()
        .to_string()
}

fn classes<'a>(file: &'a LabelFile, paths: &[&str]) -> Vec<Given<'a>> {
    paths.iter().map(|path| file.class_of(path, None)).collect()
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
            .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

const PETS: [&str; 4] = ["a.jpg", "b.jpg", "c, d.jpg", "e.jpg"];
const WANTED: [Given<'_>; 4] = [
    Given::Class("cat"),
    Given::Class("dog, small"),
    Given::NoLabel,
    Given::Unlisted,
];

#[test]
fn csv_of_any_program_is_read() {
    for text in [
        "path,label\na.jpg,cat\nb.jpg,\"dog, small\"\n\"c, d.jpg\",\n",
        "label;n;path\ncat;1;a.jpg\ndog, small;2;b.jpg\n;3;c, d.jpg\n",
        "path\tclass\na.jpg\tcat\nb.jpg\tdog, small\nc, d.jpg\t\n",
        // As Excel writes it: a byte order mark, semicolons, carriage returns, quotes, and empty rows.
        "\u{feff}path;label\r\na.jpg;cat\r\n\"b.jpg\";\"dog, small\"\r\nc, d.jpg;\r\n;\r\n",
        "sep=;\r\npath;label\r\na.jpg;cat\r\nb.jpg;dog, small\r\nc, d.jpg;\r\n",
        // Twice with the same label.
        "path,label\na.jpg,cat\nb.jpg,\"dog, small\"\n./a.jpg,cat\n\"c, d.jpg\",",
    ] {
        assert_eq!(classes(&read(text), &PETS), WANTED, "{text}");
        assert_eq!(read(text).len(), 3);
    }
}

#[test]
fn json_lines_are_read() {
    let text = "{\"path\":\"a.jpg\",\"label\":\"cat\",\"top_k\":[{\"label\":\"x\"}]}\n\n\
        {\"label\":\"dog, small\",\"path\":\"b.jpg\"}\n{\"path\":\"c, d.jpg\",\"label\":null}\n";
    assert_eq!(classes(&read(text), &PETS), WANTED);
    let numbers = read("{\"path\":1,\"label\":7}\n{\"path\":\"2\",\"label\":true}\n");
    assert_eq!(
        classes(&numbers, &["1", "2"]),
        [Given::Class("7"), Given::Class("true")]
    );
}

#[test]
fn parquet_is_read() {
    let text = |values: &[Option<&str>]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let words: DictionaryArray<Int8Type> = [Some("cat"), Some("dog, small"), None]
        .into_iter()
        .collect();
    let paths = text(&[Some("a.jpg"), Some("b.jpg"), Some("c, d.jpg")]);
    let bytes = parquet(vec![
        ("path", Arc::clone(&paths)),
        ("label", Arc::new(words)),
        (
            "probability",
            Arc::new(Float64Array::from(vec![Some(0.5), None, Some(1.0)])),
        ),
    ]);
    let file = read(bytes);
    assert_eq!(classes(&file, &PETS), WANTED);
    let found: Vec<_> = file.rows().map(|row| (row.line, row.probability)).collect();
    assert_eq!(found, [(1, Some(0.5)), (2, None), (3, Some(1.0))]);
    let numbers = parquet(vec![
        ("path", Arc::clone(&paths)),
        ("label", Arc::new(Int64Array::from(vec![3, 4, 5]))),
    ]);
    assert_eq!(read(numbers).class_of("b.jpg", None), Given::Class("4"));
    let floats = parquet(vec![
        ("path", paths),
        ("label", Arc::new(Float64Array::from(vec![3.0, 4.0, 5.0]))),
    ]);
    assert!(refused(floats).contains("its column `label` is Float64, not text"));
}

#[test]
fn predictions_count_as_labels_unless_their_status_says_otherwise() {
    let file = read(
        "path,label,probability,status,p_cat\na,cat,0.900000,ok,0.9\nb,unknown,0.400000,unknown: unlike,0.4\n\
         c,,,\"skipped: cut off, it ends early\",\n",
    );
    let found: Vec<_> = file
        .rows()
        .map(|row| (row.verdict, row.probability))
        .collect();
    assert_eq!(
        found,
        [
            (Verdict::Class("cat"), Some(0.9)),
            (Verdict::Unknown, Some(0.4)),
            (Verdict::NoLabel, None)
        ]
    );
    assert_eq!(
        classes(&file, &["b", "c"]),
        [Given::NoLabel, Given::NoLabel]
    );
    // Names as any other without that column, or with one that says something else.
    for text in [
        "path,label\na,unknown\nb,skipped\n",
        "path,label,status\na,unknown,ok\nb,skipped,reviewed\n",
    ] {
        assert_eq!(
            classes(&read(text), &["a", "b"]),
            [Given::Class("unknown"), Given::Class("skipped")]
        );
    }
}

#[test]
fn contradictions_are_refused_with_both_lines() {
    for (text, wanted) in [
        (
            "path,label\na,cat\nb,cat\na,dog\n",
            "ambiguous: `a` is `cat` in line 2 and is `dog` in line 4",
        ),
        (
            "path,label\na,cat\n\n./a,\n",
            "`a` is `cat` in line 2 and has no label in line 4",
        ),
        (
            "sep=,\npath,label\n\"a\nb\",cat\na,cat\n./a,dog\n",
            "`a` is `cat` in line 5 and is `dog` in line 6",
        ),
        (
            "{\"path\":\"a\",\"label\":1}\n{\"path\":\"a\",\"label\":2}",
            "`1` in line 1 and is `2` in line 2",
        ),
    ] {
        let problem = refused(text);
        assert!(problem.contains(wanted), "{problem}");
    }
}

#[test]
fn what_is_no_label_file_is_named() {
    let long = "x".repeat(1 << 20);
    for (bytes, wanted) in [
        (b"".to_vec(), "not a label file: it is empty"),
        (
            b"file,label\na,b\n".to_vec(),
            "no column `path` or `digest`, only `file`, `label`",
        ),
        (b"path;label\na;b\n".to_vec().repeat(0), "it is empty"),
        (
            b"path,label\ncaf\xe9,b\n".to_vec(),
            "invalid UTF-8 at position 14",
        ),
        (b"\xff\xfep\0a\0".to_vec(), "UTF-16 or binary"),
        (
            b"path,label\na,b,c\n".to_vec(),
            "line 2 has 3 fields, and the header 2",
        ),
        (b"path,label\n,cat\n".to_vec(), "line 2 names no image"),
        (
            b"path,label,probability\na,cat,1.5\n".to_vec(),
            "line 2 is `1.5`, not a number from 0 to 1",
        ),
        (
            b"digest,label\nabc,cat\n".to_vec(),
            "the digest in line 2 is not 64",
        ),
        (
            b"{\"path\":\"a\"}".to_vec(),
            "line 1: it has no column `label` or `class`",
        ),
        (
            b"{\"path\":\"a\",\"path\":\"b\",\"label\":\"c\"}".to_vec(),
            "`path` is there twice",
        ),
        (
            b"{\"path\":[1],\"label\":\"c\"}".to_vec(),
            "expected a text, a number",
        ),
        (
            b"{\"path\":\"a\",\"label\":\"c\"} x".to_vec(),
            "line 1 cannot be read",
        ),
        (b"PAR1 and nothing more".to_vec(), "not a label file"),
        (format!("{long},{long}\n").into_bytes(), "no column `path`"),
    ] {
        let problem = refused(bytes);
        assert!(problem.contains(wanted) && problem.len() < 400, "{problem}");
    }
}

#[test]
fn other_columns_and_digests_can_be_the_keys() {
    let columns = |key: &str, label: &str| LabelColumns {
        key: Some(key.to_owned()),
        label: Some(label.to_owned()),
    };
    let file = parsed("sample,path,kind\na,x,cat\n", &columns("sample", "kind")).unwrap();
    assert_eq!(file.class_of("a", None), Given::Class("cat"));
    let digest = Digest::of(b"");
    for (name, columns) in [
        ("digest", LabelColumns::default()),
        ("blake3", columns("blake3", "label")),
    ] {
        let text = format!(
            "{name},label\n{},cat\n",
            digest.to_string().to_ascii_uppercase()
        );
        let file = parsed(text, &columns).unwrap();
        assert_eq!(file.class_of("a", Some(&digest)), Given::Class("cat"));
        assert_eq!(file.class_of("a", None), Given::Unlisted);
    }
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/labels.csv");
    let rows = [
        ("a \"b\".jpg", "cat"),
        ("c;d\t,e\n.jpg", "=1+1"),
        ("caf\\xe9.jpg", "<b>dog</b>"),
        ("x", "unknown"),
        ("y", "skipped"),
    ];
    super::super::write_labels(&path, rows).unwrap();
    let file = LabelFile::read(&path, &LabelColumns::default()).unwrap();
    for (path, label) in rows {
        assert_eq!(file.class_of(path, None), Given::Class(label));
    }
    // Another spelling of the same name.
    fs::write(&path, "path,label\ncaf\\xE9.jpg,cat\n").unwrap();
    let file = LabelFile::read(&path, &LabelColumns::default()).unwrap();
    assert_eq!(file.class_of("caf\\xe9.jpg", None), Given::Class("cat"));
}

#[test]
fn paths_with_other_folders_before_them_match_if_only_one_reading_does() {
    let of = |keys: &[&str]| {
        let rows: Vec<String> = keys
            .iter()
            .map(|key| format!("{key},{}\n", key.len()))
            .collect();
        read(format!("path,label\n{}", rows.concat()))
    };
    let pets = ["cat/1.jpg", "dog/2.jpg"];
    for keys in [
        ["cat/1.jpg", "dog/2.jpg"],
        ["data/train/cat/1.jpg", "data/train/dog/2.jpg"],
        ["/data/cat/1.jpg", "/data/dog/2.jpg"],
        ["1.jpg", "2.jpg"],
        ["cat/1.jpg", "data/dog/2.jpg"],
    ] {
        let file = of(&keys);
        let mut found = file.matched(pets.into_iter()).unwrap();
        assert_eq!(
            found.take(pets[0], None),
            Given::Class(&keys[0].len().to_string()),
            "{keys:?}"
        );
        // If one path is exact, all paths of the file are read as exact.
        let second = keys[1] != "data/dog/2.jpg";
        assert_eq!(found.take(pets[1], None) != Given::Unlisted, second);
        assert_eq!(found.take("cat/3.jpg", None), Given::Unlisted);
        assert_eq!(found.labelled, 1 + usize::from(second));
        let unmatched = found.unmatched();
        assert_eq!(unmatched.count, usize::from(!second));
    }
    for (keys, paths) in [
        // The rows of two folders, and only one of them has the images.
        (["data/train/cat/1.jpg", "data/val/cat/1.jpg"], pets),
        // One row for two images.
        (["1.jpg", "x"], ["cat/1.jpg", "dog/1.jpg"]),
        // Two rows for one image.
        (["1.jpg", "cat/1.jpg"], ["all/cat/1.jpg", "y"]),
        (["data/cat/1.jpg", "2.jpg"], pets),
    ] {
        let error = of(&keys)
            .matched(paths.into_iter())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("`labels.csv` is ambiguous: its "),
            "{error}"
        );
    }
    let file = of(&["a", "b/c"]);
    let none = file.matched(pets.into_iter()).unwrap();
    assert_eq!(none.unmatched().first, ["a", "b/c"]);
}

#[test]
fn a_table_that_expands_without_end_is_refused() {
    let path = "p".repeat(1000);
    let paths: DictionaryArray<Int8Type> = std::iter::repeat_n(Some(&*path), 2000).collect();
    let labels = StringArray::from(vec!["cat"; 2000]);
    let table = parquet(vec![("path", Arc::new(paths)), ("label", Arc::new(labels))]);
    assert!(table.len() < 100_000);
    assert_eq!(refused(table), "not a label file: it has too many rows");
}
