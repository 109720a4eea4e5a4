//! Only the images of one split, such as `test`, of a file that `split` has written.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::error::{FileKind, Result, TaskError};
use crate::features::{FeatureStore, IndexRow};
use crate::images::Scan;
use crate::labels::{Given, LabelColumns, LabelFile, Matched, Verdict};

/// A split of a file with the columns `path` and `split`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnlySplit {
    /// The file.
    pub file: PathBuf,
    /// The name of the split.
    pub split: String,
}

impl OnlySplit {
    /// Chooses a split of a file.
    #[must_use]
    pub fn new(file: PathBuf, split: impl Into<String>) -> Self {
        let split = split.into();
        Self { file, split }
    }

    fn read(&self) -> Result<LabelFile> {
        let columns = LabelColumns {
            label: Some("split".to_owned()),
            ..LabelColumns::default()
        };
        LabelFile::read_as(FileKind::Splits, &self.file, &columns)
    }

    /// Returns whether an image is in the split.
    fn has(&self, matched: &mut Matched<'_>, name: &str, row: Option<&IndexRow>) -> bool {
        let content = row.and_then(|row| row.content.as_ref().ok());
        let digest = content.map(|content| &content.digest);
        matched.take(name, digest) == Given::Class(&self.split)
    }

    /// Keeps only the split's images of a store, which is not changed on disk.
    pub(super) fn of_store(&self, store: &mut FeatureStore) -> Result<()> {
        let file = self.read()?;
        let index = store.index();
        let paths = (0..index.len()).filter_map(|number| index.path(number));
        let mut matched = file.matched(paths)?;
        store.change_index(|row| self.has(&mut matched, &row.path, Some(&row)).then_some(row));
        self.require(&file, store.index().n_used())
    }

    /// Returns the numbers of the split's images among the used ones of a store.
    pub(super) fn numbers(&self, store: &FeatureStore) -> Result<Vec<usize>> {
        let file = self.read()?;
        let index = store.index();
        let paths = (0..index.len()).filter_map(|number| index.path(number));
        let mut matched = file.matched(paths)?;
        let used = index.used().zip(0..);
        let numbers = used.filter(|((row, _), _)| self.has(&mut matched, &row.path, Some(row)));
        let numbers: Vec<usize> = numbers.map(|(_, number)| number).collect();
        self.require(&file, numbers.len())?;
        Ok(numbers)
    }

    /// Keeps only the split's images of a scan.
    pub(super) fn of_scan(&self, scan: &mut Scan) -> Result<()> {
        let file = self.read()?;
        let mut matched = {
            let names: Vec<&str> = scan.entries.names().collect();
            file.matched(names.into_iter())?
        };
        scan.entries
            .retain(|_, name| self.has(&mut matched, name, None));
        self.require(&file, scan.entries.len())
    }

    fn require(&self, file: &LabelFile, images: usize) -> Result<()> {
        if images > 0 {
            return Ok(());
        }
        let names = file.rows().filter_map(|row| match row.verdict {
            Verdict::Class(name) => Some(name.to_owned()),
            Verdict::NoLabel | Verdict::Unknown => None,
        });
        let known: BTreeSet<String> = names.collect();
        Err(TaskError::NothingInSplit {
            splits: self.file.clone(),
            split: self.split.clone(),
            known: known.into_iter().collect(),
        }
        .into())
    }
}
