//! Weights in external files: where the files may be, and how often their bytes may be used. Without a limit,
//! a small network could claim huge weights by using a few bytes over and over.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use super::graph::{External, Network, Payload, Weight, element};
use super::wire::Open;
use crate::error::{NetworkProblem, Result};

/// How often the bytes of a file may be used on average; exporters store equal weights only once.
const MAX_SHARING: u64 = 8;

/// Checks that weights in one file have all bytes or none in common, and do not use them too often.
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

/// Checks the sorted ranges of one file.
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

/// Start, end and weight name of each range in a file.
type Ranges<'m> = Vec<(u64, u64, &'m str)>;

/// Returns the ranges of each file. A weight of unknown length is skipped, and reported when it is read.
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

/// Returns a path without `.` components.
fn plain(location: &str) -> PathBuf {
    let parts = Path::new(location).components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

/// Returns where a weight ends in its file, if known.
pub(super) fn end_of(weight: &Weight, external: &External) -> Option<u64> {
    let length = external.length.or_else(|| bytes_of(weight))?;
    external.offset.checked_add(length)
}

/// Returns the size of a weight's values in bytes, if known.
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

/// Returns the path of a model's external data file. As in ONNX Runtime, links are followed, but not out of
/// the model's folder.
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

/// The prefix of names that ONNX Runtime interprets as memory addresses.
const IN_MEMORY: &str = "*/_ORT_";

/// Returns `.` for the empty path, which cannot be canonicalized.
fn named(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}
