//! Weights in files beside a network: where they may lie, and how often their bytes may be used. A short
//! network must not make much of a few bytes by using them again and again.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use super::graph::{External, Network, Payload, Weight, element};
use super::wire::Open;
use crate::error::{NetworkProblem, Result};

/// How often the bytes of a file may be used, over all of them: exporters write equal weights once.
const MAX_SHARING: u64 = 8;

/// Checks that weights in one file have the same bytes or none in common, and do not use them too often.
///
/// # Errors
/// [`Error::Network`](crate::Error::Network) naming the weights and their file.
pub(super) fn check(network: &Network) -> Result<()> {
    for (file, mut ranges) in by_file(&network.graph.weights) {
        ranges.sort_unstable();
        check_file(file, &ranges).map_err(|problem| problem.at(&network.path))?;
    }
    Ok(())
}

/// Checks the ranges of one file, in their order.
fn check_file(file: PathBuf, ranges: &Ranges<'_>) -> Result<(), NetworkProblem> {
    let (mut used, mut distinct) = (0_u64, 0_u64);
    for (i, &(start, end, name)) in ranges.iter().enumerate() {
        used = used.saturating_add(end - start);
        match i.checked_sub(1).map(|i| ranges[i]) {
            Some((first, last, _)) if (first, last) == (start, end) => {}
            Some((_, last, other)) if start < last => {
                return Err(NetworkProblem::SharedBytes {
                    first: other.to_owned(),
                    second: name.to_owned(),
                    file,
                });
            }
            _ => distinct = distinct.saturating_add(end - start),
        }
    }
    if used > distinct.saturating_mul(MAX_SHARING) {
        return Err(NetworkProblem::UsedTooOften {
            bytes: distinct,
            file,
            most: MAX_SHARING,
        });
    }
    Ok(())
}

/// Start, end and weight of each range in a file.
type Ranges<'m> = Vec<(u64, u64, &'m str)>;

/// The ranges of each file. Where one has no end that can be told, whoever reads it says so.
fn by_file(weights: &[Weight]) -> BTreeMap<PathBuf, Ranges<'_>> {
    let mut files: BTreeMap<PathBuf, Ranges<'_>> = BTreeMap::new();
    for weight in weights {
        let Payload::External(external) = &weight.payload else {
            continue;
        };
        let end = end_of(weight, external);
        if let Some(end) = end.filter(|end| *end > external.offset) {
            let file = plain(&external.location);
            let range = (external.offset, end, weight.name.as_str());
            files.entry(file).or_default().push(range);
        }
    }
    files
}

/// A path without the parts that lead nowhere, as `./`.
fn plain(location: &str) -> PathBuf {
    let parts = Path::new(location).components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

/// Where a weight ends in its file, if that can be told.
pub(super) fn end_of(weight: &Weight, external: &External) -> Option<u64> {
    let length = external.length.or_else(|| bytes_of(weight))?;
    external.offset.checked_add(length)
}

/// How many bytes a weight's numbers take.
fn bytes_of(weight: &Weight) -> Option<u64> {
    let each = match weight.element {
        element::UINT8 => 1,
        element::FLOAT16 | element::BFLOAT16 => 2,
        element::FLOAT | element::INT32 => 4,
        element::INT64 | element::DOUBLE => 8,
        _ => return None,
    };
    weight.len()?.checked_mul(each)
}

/// A file of external data of a model, beside it: as in ONNX Runtime, links may lead there, but not out of
/// its folder.
pub(super) fn file_beside(model: &Path, name: &str, open: Open) -> Result<PathBuf> {
    let folder = model.parent().unwrap_or(Path::new(""));
    let bad = |problem: NetworkProblem| problem.at(model);
    let outside = || bad(NetworkProblem::OutsideFolder(name.to_owned()));
    let leaves = Path::new(name)
        .components()
        .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    if leaves || name.starts_with(IN_MEMORY) {
        return Err(outside());
    }
    let file = folder.join(name);
    let missing = |error: io::Error| {
        let path = file.clone();
        bad(match error.kind() {
            ErrorKind::NotFound => NetworkProblem::NoWeights(path),
            _ => NetworkProblem::UnreadableWeights { path, error },
        })
    };
    let (home, real) = (named(folder).canonicalize(), file.canonicalize());
    if !real.map_err(missing)?.starts_with(home.map_err(missing)?) {
        return Err(outside());
    }
    open(&file).map_err(missing)?;
    Ok(file)
}

/// Names that ONNX Runtime takes for places in its memory begin so.
const IN_MEMORY: &str = "*/_ORT_";

/// The working directory has no name of its own.
fn named(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}
