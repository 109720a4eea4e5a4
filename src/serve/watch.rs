//! Finds the heads in a folder: `NAME.safetensors`, and `NAME/VERSION.safetensors` for several versions; a
//! bundle has the extension `frostline`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::source::HeadSource;
use crate::error::{Error, Result};

const EXTENSIONS: [&str; 2] = ["safetensors", "frostline"];

/// Returns the heads in a folder. Whatever has the name of a head is one, so that a head that was replaced by
/// something else is reported, and not just gone.
///
/// # Errors
/// The folder, or one with versions in it, cannot be read.
pub(super) fn heads_in(folder: &Path) -> Result<Vec<HeadSource>> {
    let mut heads = Vec::new();
    for (name, path) in entries(folder)? {
        if let Some(name) = stem(&name) {
            heads.extend(head(name, Some(HeadSource::FIRST), &path));
        } else if path.is_dir() {
            for (version, path) in entries(&path)? {
                heads.extend(head(&name, stem(&version), &path));
            }
        }
    }
    // Of two heads with the same name, one that is not in a folder of versions comes first.
    heads.sort_by_cached_key(|head| {
        let (name, version) = head.id();
        let depth = head.path.components().count();
        (
            name.to_owned(),
            version.to_owned(),
            depth,
            head.path.clone(),
        )
    });
    Ok(heads)
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(Error::io("read", folder))?.into_iter();
    let named =
        entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())));
    // Editors and copying programs use hidden files until a file is complete.
    Ok(named.filter(|(name, _)| !name.starts_with('.')).collect())
}

/// Returns a file name without the extension of heads and bundles, or `None` if it has another one.
fn stem(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    EXTENSIONS.contains(&extension).then_some(stem)
}

fn head(name: &str, version: Option<&str>, path: &Path) -> Option<HeadSource> {
    HeadSource::new(name, version?, path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_heads_and_folders_have_versions() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("cats")).unwrap();
        for name in [
            "dogs.safetensors",
            "cats/1.safetensors",
            "cats/10.safetensors",
            "cats/2.frostline",
            "cats/notes.txt",
            "notes.txt",
            ".dogs.safetensors",
            ".safetensors",
        ] {
            fs::write(root.join(name), "").unwrap();
        }
        let heads = heads_in(root).unwrap();
        let ids: Vec<_> = heads.iter().map(HeadSource::id).collect();
        assert_eq!(
            ids,
            [("cats", "1"), ("cats", "10"), ("cats", "2"), ("dogs", "1")]
        );
        assert_eq!(heads[1].path, root.join("cats/10.safetensors"));
        assert!(heads_in(&root.join("none")).is_err());
    }
}
