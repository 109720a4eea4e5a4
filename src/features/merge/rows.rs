//! The index of a merged store.

use std::path::{Path, PathBuf};

use crate::error::{Conflict, FeaturesError, Result};
use crate::features::content::Digest;
use crate::features::index::{self, Index, IndexRow};
use crate::images::path_text;

/// Rows of several sources.
#[derive(Debug, Default)]
pub(super) struct MergedRows {
    rows: Index,
    /// The number of the source of each row.
    from: Vec<u32>,
    sources: Vec<PathBuf>,
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
        index::each(store, |row| {
            if let Ok(content) = &row.content {
                used(&content.digest);
            }
            self.add(row, name);
            Ok(())
        })
    }

    /// Adds a row of a source, whose rows are added one after the other.
    pub(super) fn add(&mut self, row: IndexRow, source: &Path) {
        if self.sources.last().is_none_or(|last| last != source) {
            self.sources.push(source.to_owned());
        }
        self.rows.push(row);
        let number = u32::try_from(self.sources.len() - 1);
        self.from.push(number.expect("they fit into memory"));
    }

    /// Passes the rows of the merged index to `take`: one for each path, in the order of a scan.
    ///
    /// # Errors
    /// [`FeaturesError`] for a path with two contents or two classes; those of `take`.
    pub(super) fn each_sorted(&self, mut take: impl FnMut(IndexRow) -> Result<()>) -> Result<()> {
        let path = |number: u32| self.rows.path(number as usize).unwrap_or_default();
        let mut order: Vec<u32> = (0..).take(self.rows.len()).collect();
        // The sort is stable, so the first source comes first.
        order.sort_by(|&a, &b| path_text::compare(path(a), path(b)));
        for same in order.chunk_by(|&a, &b| path(a) == path(b)) {
            let mut united: Option<(IndexRow, u32)> = None;
            for &number in same {
                let row = self.rows.row(number as usize);
                let (row, from) = (row.expect("it was added"), self.from[number as usize]);
                united = Some(match united {
                    None => (row, from),
                    Some((mut found, first)) => {
                        let stores = [first, from].map(|n| self.sources[n as usize].clone());
                        let from = if unite(&mut found, row, stores)? {
                            from
                        } else {
                            first
                        };
                        (found, from)
                    }
                });
            }
            united.map_or(Ok(()), |(row, _)| take(row))?;
        }
        Ok(())
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
                .for_each(|row| rows.add(row.clone(), Path::new(&name)));
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
