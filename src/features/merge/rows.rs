//! The index of a merged store.

use std::path::{Path, PathBuf};

use crate::error::{Conflict, FeaturesError, Result};
use crate::features::index::{Index, IndexRow};
use crate::images::path_text::from_text;

/// Rows of several sources.
#[derive(Debug, Default)]
pub(super) struct MergedRows {
    /// Each row with the number of its source.
    rows: Vec<(IndexRow, usize)>,
    sources: Vec<PathBuf>,
}

impl MergedRows {
    /// Adds all rows of a store.
    pub(super) fn add_store(&mut self, index: &Index, store: &Path) {
        let source = self.source(store);
        let rows = index.rows.iter().cloned();
        self.rows.extend(rows.map(|row| (row, source)));
    }

    /// Adds a row of a table.
    pub(super) fn add(&mut self, row: IndexRow, table: &Path) {
        let source = self.source(table);
        self.rows.push((row, source));
    }

    /// Returns the number of a source, whose rows are added one after the other.
    fn source(&mut self, path: &Path) -> usize {
        if self.sources.last().is_none_or(|last| last != path) {
            self.sources.push(path.to_owned());
        }
        self.sources.len() - 1
    }

    /// Returns the index: one row for each path, in the order of a scan, which compares paths component by
    /// component and byte by byte.
    ///
    /// # Errors
    /// [`FeaturesError`] for a path with two contents or two classes.
    pub(super) fn sorted(mut self) -> Result<Index> {
        // The sort is stable, so the first source comes first.
        self.rows.sort_by_cached_key(|(row, _)| key(&row.path));
        let mut index = Index::default();
        let mut last = 0;
        for (row, source) in self.rows {
            match index.rows.last_mut() {
                Some(found) if found.path == row.path => {
                    let stores = [last, source].map(|number| self.sources[number].clone());
                    if unite(found, row, stores)? {
                        last = source;
                    }
                }
                _ => {
                    index.rows.push(row);
                    last = source;
                }
            }
        }
        Ok(index)
    }
}

/// Returns a key whose order is that of the components: no name contains a NUL, which sorts before any byte.
fn key(path: &str) -> Vec<u8> {
    let path = from_text(path).into_os_string().into_encoded_bytes();
    let separator = |byte| if byte == b'/' { 0 } else { byte };
    path.into_iter().map(separator).collect()
}

/// Combines two rows of the same path: a used image replaces a skipped one. Returns whether it did.
fn unite(row: &mut IndexRow, other: IndexRow, stores: [PathBuf; 2]) -> Result<bool> {
    let conflict = |what, found| {
        let conflict = Conflict {
            path: row.path.clone(),
            what,
            stores,
            found,
        };
        Err(FeaturesError::from(Box::new(conflict)).into())
    };
    if row.class != other.class {
        let classes = [&row.class, &other.class].map(|class| match class {
            Some(class) => format!("`{class}`"),
            None => "none".to_owned(),
        });
        return conflict("classes", classes);
    }
    match (&row.content, &other.content) {
        (Ok(one), Ok(two)) if one.digest != two.digest => conflict(
            "contents",
            [one, two].map(|content| content.digest.to_string()),
        ),
        (Err(_), Ok(_)) => {
            *row = other;
            Ok(true)
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::features::content::{Content, Digest};

    fn row(path: &str, content: Result<&str, &str>) -> IndexRow {
        let content = content.map(|bytes| Content {
            digest: Digest::of(bytes.as_bytes()),
            width: 1,
            height: 1,
        });
        IndexRow {
            path: path.to_owned(),
            class: None,
            content: content.map_err(str::to_owned),
        }
    }

    fn merged(stores: &[&[IndexRow]]) -> Result<Vec<IndexRow>> {
        let mut rows = MergedRows::default();
        for (number, store) in stores.iter().enumerate() {
            let index = Index {
                rows: store.to_vec(),
            };
            rows.add_store(&index, Path::new(&format!("shard{number}")));
        }
        Ok(rows.sorted()?.rows)
    }

    #[test]
    fn paths_are_in_the_order_of_a_scan() {
        // As in `scan::tests`: a folder's images come before a file whose name continues with `.` or `-`.
        let wanted = [
            "a/x.jpg",
            "a/é.jpg",
            "a-b/1.jpg",
            "a.jpg",
            "a0.jpg",
            "b\\xff.jpg",
            "c.jpg",
        ];
        let rows: Vec<IndexRow> = wanted.iter().map(|path| row(path, Ok(path))).collect();
        let mut mixed = rows.clone();
        mixed.reverse();
        assert_eq!(merged(&[&mixed[..3], &mixed[3..]]).unwrap(), rows);
    }

    #[test]
    fn a_used_image_replaces_a_skipped_one() {
        let [failed, used] = [row("a", Err("it is empty")), row("a", Ok("a"))];
        let other = row("a", Err("other"));
        for (first, second, wanted) in [
            (&failed, &used, &used),
            (&used, &failed, &used),
            (&failed, &other, &failed),
        ] {
            let stores = [from_ref(first), from_ref(second)];
            assert_eq!(merged(&stores).unwrap(), from_ref(wanted));
        }
    }

    #[test]
    fn contradictions_name_both_sides() {
        let said = |first: IndexRow, second: IndexRow| {
            let used = row("a", Err("it is empty"));
            merged(&[&[used], &[first], &[second]])
                .unwrap_err()
                .to_string()
        };
        let said_of_contents = said(row("a", Ok("1")), row("a", Ok("2")));
        let digests = ["1", "2"].map(|text| Digest::of(text.as_bytes()).to_string());
        assert_eq!(
            said_of_contents,
            format!(
                "`a` has two contents: {} in `shard1` and {} in `shard2`",
                digests[0], digests[1]
            )
        );
        let mut other = row("a", Ok("1"));
        other.class = Some("cat".to_owned());
        let mut first = row("b", Ok("1"));
        first.class = None;
        assert!(merged(&[&[first], &[other.clone()]]).is_ok());
        let said = said(row("a", Ok("1")), other);
        assert_eq!(
            said,
            "`a` has two classes: none in `shard1` and `cat` in `shard2`"
        );
    }
}
