//! The local cache of the hub's own tools: `models--OWNER--NAME` with `refs/REVISION`, which holds a commit,
//! and `snapshots/COMMIT`, which holds its files.

use std::fs;
use std::path::{Path, PathBuf};

use super::listing::{Listed, Listing, is_license, is_sha256};
use super::model::{HubModel, is_commit};
use crate::inputs::{self, Links};

/// The cached files of a repository at a commit.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) folder: PathBuf,
    pub(super) listing: Listing,
}

/// The revision that is meant if none is named.
pub(super) const MAIN: &str = "main";

/// The maximum depth of folders in a repository.
const DEEPEST: usize = 8;

/// Finds a repository in the cache.
pub(super) fn find(cache: &Path, model: &HubModel) -> Option<Snapshot> {
    let name = format!("models--{}", model.repository.replace('/', "--"));
    let repository = cache.join(name);
    let revision = model.revision.as_deref().unwrap_or(MAIN);
    let commit = if is_commit(revision) {
        revision.to_owned()
    } else {
        let path = repository.join("refs").join(revision.replace("%2F", "/"));
        let text = inputs::read_text(&path, Links::Follow, 1 << 10).ok()?;
        text.trim().to_owned()
    };
    let folder = repository.join("snapshots").join(&commit);
    if !is_commit(&commit) || !folder.is_dir() {
        return None;
    }
    let mut files = Vec::new();
    list(&folder, "", DEEPEST, &mut files);
    files.sort_by(|a: &Listed, b| a.path.cmp(&b.path));
    let listing = Listing {
        repository: model.repository.clone(),
        commit,
        license: license(&folder.join("README.md")),
        gated: false,
        files,
    };
    Some(Snapshot { folder, listing })
}

/// Returns the licence that the header of a model card names.
fn license(card: &Path) -> Option<String> {
    let text = inputs::read_text(card, Links::Follow, 1 << 20).ok()?;
    let header = text.strip_prefix("---")?.split("\n---").next()?.lines();
    let mut values = header.filter_map(|line| line.strip_prefix("license:"));
    let value = values.next()?.trim().trim_matches(['"', '\'']);
    is_license(value).then(|| value.to_owned())
}

/// Adds the files below a folder. Large files are links to files that are named by their SHA-256.
fn list(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<Listed>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str().map(|name| format!("{prefix}{name}")) else {
            continue;
        };
        // A folder that is a link could lead round in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth > 0 {
            list(&path, &format!("{name}/"), depth - 1, files);
        } else if path.is_file() {
            let target = path.canonicalize().ok();
            let blob = target.as_deref().and_then(Path::file_name);
            let sha256 = blob
                .and_then(|blob| blob.to_str())
                .filter(|sum| is_sha256(sum));
            files.push(Listed {
                path: name,
                bytes: fs::metadata(&path).ok().map(|metadata| metadata.len()),
                sha256: sha256.map(ToOwned::to_owned),
            });
        }
    }
}
