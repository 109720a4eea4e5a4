//! What a path leads to that was given as a head, a store or images, where that is something else: the three
//! are easily mixed up.

use std::path::{Path, PathBuf};

use super::refusal::Refusal;
use frostline::error::Error;
use frostline::features::is_store;
use frostline::head::HeadFile;

/// Refuses a folder in the place of a head.
pub(super) fn head(path: &Path) -> Result<(), Refusal> {
    if !path.is_dir() {
        return Ok(());
    }
    let what = if is_store(path) {
        "a feature store"
    } else {
        "a folder"
    };
    refuse(
        path,
        &format!("{what}, not a head"),
        "give the file that `frostline fit-head FEATURES -o HEAD` wrote",
    )
}

/// Refuses a file, or a folder of anything else, in the place of a feature store.
pub(super) fn store(path: &Path) -> Result<(), Refusal> {
    if path.is_file() {
        let what = if HeadFile::read(path).is_ok() {
            "a head"
        } else {
            "a file"
        };
        let hint = "give the folder that `frostline extract IMAGES -o FEATURES` wrote";
        return refuse(path, &format!("{what}, not a feature store"), hint);
    }
    if !path.is_dir() || is_store(path) || path.join("manifest.json").exists() {
        return Ok(());
    }
    let hint = format!(
        "if it holds images, run `frostline extract {} -o FEATURES` and give FEATURES",
        path.display()
    );
    refuse(
        path,
        "a folder, not a feature store: it has no `manifest.json`",
        &hint,
    )
}

/// Refuses feature stores in the place of images.
pub(super) fn images(paths: &[PathBuf]) -> Result<(), Refusal> {
    let hint = "give the folder of the images that its features were computed from";
    match paths.iter().find(|path| is_store(path)) {
        Some(store) => refuse(store, "a feature store, not images", hint),
        None => Ok(()),
    }
}

/// Refuses what is no folder in the place of the folder of a store's images.
pub(super) fn folder(path: &Path) -> anyhow::Result<()> {
    let kind = std::fs::metadata(path).map_err(Error::io("read", path))?;
    if kind.is_dir() {
        return Ok(());
    }
    let hint = "give the folder that the images of the feature store lie in";
    Ok(refuse(path, "a file, not a folder", hint)?)
}

fn refuse(path: &Path, what: &str, hint: &str) -> Result<(), Refusal> {
    let problem = format!("`{}` is {what}", path.display());
    Err(Refusal::input(problem, hint))
}
