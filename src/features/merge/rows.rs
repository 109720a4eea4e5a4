//! The index of a merged store.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use itertools::Itertools;

use crate::error::{Conflict, FeaturesError, Result};
use crate::features::content::Digest;
use crate::features::index::{self, Index, IndexRow};
use crate::images::path_text;

/// The rows of several sources. Those of stores are read when they are needed.
#[derive(Debug, Default)]
pub(super) struct MergedRows(Vec<Source>);

/// How many rows were united, or not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Rows with the path and the content of another row of the same source.
    pub(super) repeated: usize,
    /// Paths that only the first store or table has.
    pub(super) only_first: usize,
}

/// The rows of a store or a table, and its path in messages.
#[derive(Debug)]
struct Source {
    name: PathBuf,
    /// The table or the folder of tables that the rows are of; `None` for a store.
    of: Option<PathBuf>,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    /// The index of a store is in the order of a scan.
    Sorted(PathBuf),
    InMemory(Index),
}

impl MergedRows {
    /// Adds all rows of a store, which messages call `name`. Passes the digests of used images to `used`.
    ///
    /// # Errors
    /// Those of reading the index.
    pub(super) fn add_store(
        &mut self,
        store: &Path,
        name: &Path,
        mut used: impl FnMut(&Digest),
    ) -> Result<()> {
        let (mut last, mut is_sorted) = (String::new(), true);
        for row in index::rows(store)? {
            let row = row?;
            is_sorted &= path_text::compare(&last, &row.path) != Ordering::Greater;
            row.content.iter().for_each(|content| used(&content.digest));
            last = row.path;
        }
        let rows = if is_sorted {
            Rows::Sorted(store.to_owned())
        } else {
            Rows::InMemory(Index::read(store)?)
        };
        let name = name.to_owned();
        let of = None;
        self.0.push(Source { name, of, rows });
        Ok(())
    }

    /// Adds a row of a table, which may be one of the folder `of`. Its rows are added one after the other.
    pub(super) fn add(&mut self, row: IndexRow, table: &Path, of: &Path) {
        if self.0.last().is_none_or(|last| last.name != table) {
            self.0.push(Source {
                name: table.to_owned(),
                of: Some(of.to_owned()),
                rows: Rows::InMemory(Index::default()),
            });
        }
        if let Some(Rows::InMemory(rows)) = self.0.last_mut().map(|last| &mut last.rows) {
            rows.push(row);
        }
    }

    /// Passes the rows of the merged index to `take`: one for each path, in the order of a scan. Returns what
    /// became of the others.
    ///
    /// # Errors
    /// [`FeaturesError`] for a path with two contents or two classes; those of reading and of `take`.
    pub(super) fn each_sorted(
        &self,
        mut take: impl FnMut(IndexRow) -> Result<()>,
    ) -> Result<Counted> {
        let sources = self.0.iter().enumerate();
        let rows: Vec<_> = sources
            .map(|(number, source)| {
                let rows = source.rows.sorted()?;
                Ok(rows.map(move |row| row.map(|row| (row, number))))
            })
            .collect::<Result<_>>()?;
        let mut counted = Counted::default();
        let mut united: Option<(IndexRow, usize)> = None;
        // The source of the row before.
        let mut last = 0;
        for row in rows.into_iter().kmerge_by(comes_first) {
            let (row, from) = row?;
            match &mut united {
                Some((found, first)) if found.path == row.path => {
                    let stores = [*first, from].map(|number| self.0[number].name.clone());
                    if unite(found, row, stores)? {
                        *first = from;
                    }
                    counted.repeated += usize::from(self.are_of_one(last, from));
                    counted.only_first -= usize::from(last == 0 && from != 0);
                }
                _ => {
                    counted.only_first += usize::from(from == 0);
                    let complete = united.replace((row, from));
                    complete.map_or(Ok(()), |(row, _)| take(row))?;
                }
            }
            last = from;
        }
        united.map_or(Ok(()), |(row, _)| take(row))?;
        Ok(counted)
    }

    /// Returns whether two sources are the same, or tables of the same folder.
    fn are_of_one(&self, one: usize, other: usize) -> bool {
        let of = &self.0[one].of;
        one == other || of.is_some() && *of == self.0[other].of
    }
}

impl Rows {
    fn sorted(&self) -> Result<Box<dyn Iterator<Item = Result<IndexRow>> + '_>> {
        let index = match self {
            Self::Sorted(store) => return Ok(Box::new(index::rows(store)?)),
            Self::InMemory(index) => index,
        };
        let path = |number: u32| index.path(number as usize).unwrap_or_default();
        let mut order: Vec<u32> = (0..).take(index.len()).collect();
        order.sort_by(|&a, &b| path_text::compare(path(a), path(b)));
        let rows = order.into_iter();
        Ok(Box::new(
            rows.filter_map(|number| index.row(number as usize).map(Ok)),
        ))
    }
}

/// Returns whether a row comes before another one: by its path, and then by its source. An error comes first.
fn comes_first(one: &Result<(IndexRow, usize)>, other: &Result<(IndexRow, usize)>) -> bool {
    match (one, other) {
        (Ok((one, first)), Ok((other, second))) => {
            path_text::compare(&one.path, &other.path).then(first.cmp(second)) == Ordering::Less
        }
        (one, _) => one.is_err(),
    }
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
    use crate::features::content::Content;

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
            let name = format!("shard{number}");
            store
                .iter()
                .for_each(|row| rows.add(row.clone(), Path::new(&name), Path::new(&name)));
        }
        let mut sorted = Vec::new();
        rows.each_sorted(|row| {
            sorted.push(row);
            Ok(())
        })?;
        Ok(sorted)
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

    /// Tables may have names that no scan has: these three lead to two files.
    #[test]
    fn names_of_one_file_are_rows_of_their_own() {
        let names = ["x\\xFF", "x\\xff", "x\\\\xff"];
        let rows: Vec<IndexRow> = names.iter().map(|path| row(path, Ok("a"))).collect();
        let once = merged(&[&rows]).unwrap();
        assert_eq!(once.len(), 3);
        assert_eq!(merged(&[&once, &once]).unwrap(), once);
        for path in names {
            let other = row(path, Ok("b"));
            let said = merged(&[&rows, &[other]]).unwrap_err().to_string();
            assert!(said.contains("has two contents"), "{said}");
        }
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
