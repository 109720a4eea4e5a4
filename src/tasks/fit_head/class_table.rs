//! Class weights from a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, FileProblem, Result};
use crate::head::ClassWeight;

/// No table of class weights is larger: that is a million classes.
const MOST: u64 = 64 << 20;

#[derive(Deserialize)]
struct Row {
    class: String,
    weight: f64,
}

/// Reads a CSV file with the columns `class` and `weight`, a row for each class.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::File`] when it is no such table, or has a class twice.
pub fn read_class_weights(path: &Path) -> Result<ClassWeight> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut text));
    let read = read.map_err(Error::io("read", path))?;
    let not_a_table = |found: String| Error::File {
        path: path.to_owned(),
        problem: FileProblem::Foreign {
            wanted: "a CSV file of class weights",
            found,
        },
        hint: "its first line is `class,weight`, each other one a class and its weight: `cat,2.5`"
            .to_owned(),
    };
    if read as u64 > MOST {
        return Err(not_a_table(format!("it has more than {MOST} bytes")));
    }
    let mut table = BTreeMap::new();
    for row in csv::Reader::from_reader(&text[..]).deserialize() {
        let Row { class, weight } = row.map_err(|e: csv::Error| not_a_table(e.to_string()))?;
        if let Some(earlier) = table.insert(class.clone(), weight) {
            return Err(not_a_table(format!(
                "`{class}` is there twice, with {earlier} and {weight}"
            )));
        }
    }
    if table.is_empty() {
        return Err(not_a_table("it has no class".to_owned()));
    }
    Ok(ClassWeight::Given(table))
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
        // As Excel writes it: a byte order mark and carriage returns.
        assert_eq!(
            read("\u{feff}class,weight\r\ncat,2.5\r\n\"dog, small\",1\r\n").unwrap(),
            table
        );
    }

    #[test]
    fn what_is_no_table_is_named() {
        for (text, word) in [
            ("cat,2.5\ndog,1\n", "missing field"),
            ("old", "it has no class"),
            ("class,weight\ncat,heavy\n", "invalid float"),
            ("class,weight\ncat,1\ncat,2\n", "`cat` is there twice"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let missing = read_class_weights(Path::new("/no/such/file")).unwrap_err();
        assert!(matches!(missing, Error::Io { action: "read", .. }));
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_refused() {
        let error = read_class_weights(Path::new("/dev/zero")).unwrap_err();
        assert!(error.to_string().contains("more than"), "{error}");
    }
}
