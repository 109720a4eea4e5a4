//! Finds the heads in a folder: `NAME.safetensors`, and `NAME/VERSION.safetensors` for several versions.

use std::fs;
use std::path::Path;

use super::source::HeadSource;

const EXTENSION: &str = "safetensors";

/// Returns the heads in a folder; a folder that cannot be read contains none. Whatever has the name of a head
/// is one, so that a head that was replaced by something else is reported, and not just gone.
pub(super) fn heads_in(folder: &Path) -> Vec<HeadSource> {
    let mut heads = Vec::new();
    for (name, path) in entries(folder) {
        if let Some(name) = stem(&name) {
            heads.extend(head(name, Some(HeadSource::FIRST), &path));
        } else if path.is_dir() {
            for (version, path) in entries(&path) {
                heads.extend(head(&name, stem(&version), &path));
            }
        }
    }
    heads.sort_by(|a, b| a.id().cmp(&b.id()));
    heads
}

fn entries(folder: &Path) -> Vec<(String, std::path::PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named =
        entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())));
    // Editors and copying programs use hidden files until a file is complete.
    named.filter(|(name, _)| !name.starts_with('.')).collect()
}

/// Returns a file name without the extension of heads, or `None` if it has another one.
fn stem(name: &str) -> Option<&str> {
    name.strip_suffix(EXTENSION)?.strip_suffix('.')
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
            "cats/notes.txt",
            "notes.txt",
            ".dogs.safetensors",
            ".safetensors",
        ] {
            fs::write(root.join(name), "").unwrap();
        }
        let heads = heads_in(root);
        let ids: Vec<_> = heads.iter().map(HeadSource::id).collect();
        assert_eq!(ids, [("cats", "1"), ("cats", "10"), ("dogs", "1")]);
        assert_eq!(heads[1].path, root.join("cats/10.safetensors"));
        assert!(heads_in(&root.join("none")).is_empty());
    }
}
