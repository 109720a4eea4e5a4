//! Reads class weights from a CSV file.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;

use super::choices::ClassWeight;
use crate::error::{Error, FileKind, FileProblem, Result};
use crate::inputs::{self, Links};
use crate::phrases::shortened;

/// The largest table in bytes, enough for a million classes.
const LIMIT: u64 = 64 << 20;

#[derive(Deserialize)]
struct Row {
    class: String,
    weight: String,
}

/// Reads class weights from a CSV file with the columns `class` and `weight` and one row per class.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read; [`Error::File`] when it is not such a table, lists a class
/// twice or without a name, or has a weight that is not from 1e-6 to 1e6.
pub fn read_class_weights(path: &Path) -> Result<ClassWeight> {
    let bytes = inputs::read(path, Links::Follow, LIMIT).map_err(Error::io("read", path))?;
    parse(&bytes).map_err(|found| Error::File {
        path: path.to_owned(),
        problem: FileProblem::Foreign {
            wanted: "a CSV file of class weights",
            found,
        },
        kind: FileKind::ClassWeights,
    })
}

/// Parses the bytes of a table, or returns what is wrong with it.
pub(crate) fn parse(bytes: &[u8]) -> Result<ClassWeight, String> {
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(format!("invalid UTF-8 at position {}", error.valid_up_to()));
    }
    if let Some(place) = bytes.iter().position(|&byte| byte == 0) {
        return Err(format!("NUL byte at position {place}, as in UTF-16 text"));
    }
    let mut table = BTreeMap::new();
    for row in csv::Reader::from_reader(bytes).deserialize() {
        let Row { class, weight } = row.map_err(|error: csv::Error| error.to_string())?;
        let weight = weight_of(&class, &weight)?;
        match table.entry(class) {
            Entry::Vacant(place) => place.insert(weight),
            Entry::Occupied(there) => {
                let (class, earlier) = (shortened(there.key()), there.get());
                return Err(format!(
                    "`{class}` is listed twice, with weights {earlier} and {weight}"
                ));
            }
        };
    }
    if table.is_empty() {
        return Err("it lists no classes".to_owned());
    }
    Ok(ClassWeight::Given(table))
}

/// The allowed weights: beyond them, a class no longer counts next to others, or f32 sums lose small terms.
const WEIGHTS: RangeInclusive<f64> = 1e-6..=1e6;

fn weight_of(class: &str, text: &str) -> Result<f64, String> {
    if class.is_empty() {
        return Err("a class name is empty".to_owned());
    }
    let weight = text.trim().parse().ok();
    weight
        .filter(|weight: &f64| WEIGHTS.contains(weight))
        .ok_or_else(|| {
            let (class, text) = (shortened(class), shortened(text));
            format!("the weight of `{class}` is `{text}`, not a number from 1e-6 to 1e6")
        })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> Result<ClassWeight> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.csv");
        fs::write(&path, text).unwrap();
        read_class_weights(&path)
    }

    #[test]
    fn a_table_is_read_whatever_the_order_of_its_columns() {
        let table = [("cat".to_owned(), 2.5), ("dog, small".to_owned(), 1.0)].into();
        let table = ClassWeight::Given(table);
        assert_eq!(
            read("class,weight\ncat,2.5\n\"dog, small\",1\n").unwrap(),
            table
        );
        assert_eq!(
            read("weight,class\n1,\"dog, small\"\n2.5,cat\n").unwrap(),
            table
        );
        // As Excel writes it: with a byte order mark and carriage returns.
        assert_eq!(
            read("\u{feff}class,weight\r\ncat,2.5\r\n\"dog, small\",1\r\n").unwrap(),
            table
        );
    }

    #[test]
    fn what_is_no_table_is_named() {
        for (text, word) in [
            ("cat,2.5\ndog,1\n", "missing field"),
            ("old", "it lists no classes"),
            (
                "class,weight\ncat,heavy\n",
                "`cat` is `heavy`, not a number from 1e-6 to 1e6",
            ),
            ("class,weight\ncat,NaN\n", "`cat` is `NaN`"),
            ("class,weight\ncat,-1\n", "`cat` is `-1`"),
            ("class,weight\ncat,0\n", "`cat` is `0`"),
            ("class,weight\ncat,1e999\n", "`cat` is `1e999`"),
            ("class,weight\ncat,1e7\n", "`cat` is `1e7`"),
            ("class,weight\ncat,1e-320\n", "`cat` is `1e-320`"),
            ("class,weight\ncat,inf\n", "`cat` is `inf`"),
            ("class,weight\n,1\n", "a class name is empty"),
            ("class,weight\ncat,1,2\n", "found record with 3 fields"),
            ("class,weight\nc\0t,1\n", "NUL byte at position 14, as"),
            ("class;weight\ncat;1\n", "missing field `class`"),
            ("class,weight\ncat,1\ncat,2\n", "`cat` is listed twice"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let missing = read_class_weights(Path::new("/no/such/file")).unwrap_err();
        assert!(matches!(missing, Error::Io { action: "read", .. }));
    }

    #[test]
    fn other_encodings_are_named() {
        let refused = |bytes: &[u8]| parse(bytes).unwrap_err();
        // An é in Latin-1, and UTF-16 with its byte order mark.
        assert_eq!(
            refused(b"class,weight\ncaf\xe9,1\n"),
            "invalid UTF-8 at position 16"
        );
        assert_eq!(refused(b"\xff\xfec\0l\0"), "invalid UTF-8 at position 0");
    }

    /// Messages stay readable, whatever the file contains.
    #[test]
    fn a_long_line_does_not_make_a_long_message() {
        let long = "x".repeat(1 << 20);
        let error = parse(format!("class,weight\n{long},{long}\n").as_bytes()).unwrap_err();
        assert!(error.len() < 300 && error.contains("xx…"), "{error}");
        let table = format!("class,weight\n{long},1\n").into_bytes();
        assert!(parse(&table).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_refused() {
        let error = read_class_weights(Path::new("/dev/zero")).unwrap_err();
        let Error::Io { source, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(source.to_string(), "it is a device, not a regular file");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.csv");
        fs::File::create(&path).unwrap().set_len(LIMIT + 1).unwrap();
        let error = read_class_weights(&path).unwrap_err();
        assert!(
            matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::FileTooLarge)
        );
    }
}
