//! Checks that a path leads to a head, a store or images as expected: the three are easily mixed up.

use std::path::{Path, PathBuf};

use super::refusal::Refusal;
use frostline::features::{is_store, try_is_store};
use frostline::head::HeadFile;

/// Refuses a missing head, or a folder instead of one.
pub(super) fn head(path: &Path) -> Result<(), Refusal> {
    if is_missing(path) {
        return Err(Refusal::input(
            format!("the head `{}` does not exist", path.display()),
            "run `frostline fit-head FEATURES -o HEAD` to train one",
        ));
    }
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
        "pass the file that `frostline fit-head FEATURES -o HEAD` has written",
    )
}

/// Refuses a file, or a folder that is not a feature store, instead of one.
pub(super) fn store(path: &Path) -> anyhow::Result<()> {
    if path.is_file() {
        let what = if HeadFile::read(path).is_ok() {
            "a head"
        } else {
            "a file"
        };
        let hint = "pass the folder that `frostline extract IMAGES -o FEATURES` has written";
        return Ok(refuse(path, &format!("{what}, not a feature store"), hint)?);
    }
    if !path.is_dir() || try_is_store(path)? || path.join("manifest.json").exists() {
        return Ok(());
    }
    let hint = format!(
        "if it contains images, run `frostline extract {} -o FEATURES` and pass FEATURES",
        path.display()
    );
    let what = "a folder, not a feature store: it has no `manifest.json`";
    Ok(refuse(path, what, &hint)?)
}

/// Refuses a path that does not exist where a feature store or images can be used.
pub(super) fn data(path: &Path) -> Result<(), Refusal> {
    if !is_missing(path) {
        return Ok(());
    }
    Err(Refusal::input(
        format!(
            "`{}` does not exist: there is no feature store and no image folder",
            path.display()
        ),
        "check the path, or run `frostline extract IMAGES -o FEATURES` to create a feature store",
    ))
}

/// Refuses feature stores instead of images.
pub(super) fn images(paths: &[PathBuf]) -> Result<(), Refusal> {
    let hint = "pass the folder of the images that its features were computed from";
    match paths.iter().find(|path| is_store(path)) {
        Some(store) => refuse(store, "a feature store, not images", hint),
        None => Ok(()),
    }
}

/// Refuses anything but a folder where heads are looked for.
#[cfg(feature = "serve")]
pub(super) fn heads(folder: &Path) -> Result<(), Refusal> {
    if is_missing(folder) {
        return Err(Refusal::input(
            format!("the folder `{}` does not exist", folder.display()),
            "create it; heads can be put there at any time",
        ));
    }
    if folder.is_dir() {
        return Ok(());
    }
    refuse(
        folder,
        "a file, not a folder",
        "use `--head` for a single head",
    )
}

/// Refuses feature stores and heads instead of the images of a store.
pub(super) fn originals(paths: &[PathBuf]) -> Result<(), Refusal> {
    images(paths)?;
    let is_head = |path: &&PathBuf| path.is_file() && HeadFile::read(path).is_ok();
    let hint = "pass the folder, archive or table that the features were extracted from";
    match paths.iter().find(is_head) {
        Some(head) => refuse(head, "a head, not images", hint),
        None => Ok(()),
    }
}

/// Returns whether nothing exists at a path; a path that cannot be checked is not missing.
fn is_missing(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false)) && !frostline::images::is_remote(path)
}

fn refuse(path: &Path, what: &str, hint: &str) -> Result<(), Refusal> {
    let problem = format!("`{}` is {what}", path.display());
    Err(Refusal::input(problem, hint))
}
