//! What is merged: stores, and tables of features.

use std::fs;
use std::path::{Path, PathBuf};

use super::table;
use crate::error::{Error, FeaturesError, Result};
use crate::features::identity::is_store;
use crate::features::manifest::StoreManifest;
use crate::features::names::part_paths;
use crate::features::shard_record::{ShardRecord, has_finished};
use crate::images::is_table;

/// A store, or tables of features.
#[derive(Debug)]
pub(super) struct Source {
    /// The path as the user named it.
    pub(super) path: PathBuf,
    manifest: StoreManifest,
    /// The parts of a store, or the tables.
    pub(super) files: Vec<PathBuf>,
    /// `None` for tables.
    pub(super) store: Option<Store>,
}

/// What a store knows about its run.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) shard: Option<ShardRecord>,
    /// Whether its last run has finished.
    pub(super) is_finished: bool,
}

impl Source {
    /// Opens a store, a table, or a folder of tables.
    ///
    /// # Errors
    /// [`FeaturesError`] if it is missing or neither; [`Error::File`] for a damaged file; [`Error::Io`].
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::of(path).map_err(|error| match error {
            Error::Features(FeaturesError::NotAStore { path }) => {
                FeaturesError::Stray { path }.into()
            }
            other => other,
        })
    }

    fn of(path: &Path) -> Result<Self> {
        if path.is_file() && table::is_table(path)? {
            return Self::tables(path, vec![path.to_owned()]);
        }
        if !is_store(path) && path.is_dir() {
            let tables = tables_in(path)?;
            if !tables.is_empty() {
                return Self::tables(path, tables);
            }
        }
        let manifest = StoreManifest::read(path)?;
        let shard = ShardRecord::read(path)?;
        let is_finished = has_finished(path, shard.as_ref())?;
        Ok(Self {
            path: path.to_owned(),
            manifest,
            files: part_paths(path)?,
            store: Some(Store { shard, is_finished }),
        })
    }

    /// All tables must have the same manifest.
    fn tables(path: &Path, files: Vec<PathBuf>) -> Result<Self> {
        let manifests = files.iter().map(|file| table::manifest(file));
        let manifests: Vec<StoreManifest> = manifests.collect::<Result<_>>()?;
        for (file, manifest) in files.iter().zip(&manifests) {
            refuse_differences((&files[0], &manifests[0]), (file, manifest))?;
        }
        Ok(Self {
            path: path.to_owned(),
            manifest: manifests.into_iter().next().expect("there is a file"),
            files,
            store: None,
        })
    }
}

/// Lists the tables in a folder. Engines leave other files there, such as `_SUCCESS`, whose names start with
/// `_` or `.`.
fn tables_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let is_table = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        is_table(&name) && !name.starts_with(['_', '.']) && path.is_file()
    };
    let mut tables: Vec<PathBuf> = paths.filter(is_table).collect();
    tables.sort();
    Ok(tables)
}

/// Returns the manifest that all sources agree on: that of the first one.
///
/// # Errors
/// [`FeaturesError::OtherStore`] naming two sources and what differs.
pub(super) fn agreed(sources: &[Source]) -> Result<StoreManifest> {
    let first = sources.first().ok_or(FeaturesError::NothingToMerge)?;
    for other in sources {
        refuse_differences(
            (&first.path, &first.manifest),
            (&other.path, &other.manifest),
        )?;
    }
    Ok(first.manifest.clone())
}

/// Returns an error that names two stores if their manifests differ.
///
/// # Errors
/// [`FeaturesError::OtherStore`].
pub(in crate::features) fn refuse_differences(
    (first, one): (&Path, &StoreManifest),
    (second, other): (&Path, &StoreManifest),
) -> Result<()> {
    let names = [first, second].map(|path| format!("`{}`", path.display()));
    let differences = one.differences(other, [&names[0], &names[1]]);
    if differences.is_empty() {
        return Ok(());
    }
    Err(FeaturesError::OtherStore {
        stores: [first.to_owned(), second.to_owned()],
        differences,
    }
    .into())
}
