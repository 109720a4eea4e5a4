//! The SHA-256 of networks that were hashed before, so that half a gigabyte is not read anew at every start.
//!
//! # Format
//!
//! `FROSTLINE_HOME/cache/checksums.json`: `format_version` 1, and for each network the path of its file, the files that
//! it consists of with their stamps (size, times, inode), and the sum. A file that cannot be read counts as none. What was
//! changed less than two seconds before it was hashed is not remembered.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::home::Home;
use super::registry::BackboneFile;
use crate::error::Result;
use crate::outputs;
use crate::stamp::Stamp;

const FORMAT_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Known {
    format_version: u32,
    networks: Vec<Network>,
}

#[derive(Serialize, Deserialize)]
struct Network {
    path: PathBuf,
    files: Vec<(PathBuf, Stamp)>,
    sha256: String,
}

/// [`BackboneFile::sha256`], remembered as long as the files stay as they are.
///
/// # Errors
/// Those of [`BackboneFile::sha256`].
pub(super) fn sha256(home: &Home, file: &BackboneFile) -> Result<String> {
    let path = std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
    let place = home.cache().join("checksums.json");
    let known = read(&place);
    if let Some(network) = known.iter().find(|network| network.path == path)
        && network.is_unchanged()
    {
        return Ok(network.sha256.clone());
    }
    // Before reading: what is written meanwhile makes the stamp another.
    let files = stamps(file);
    let sha256 = file.sha256()?;
    if let Some(files) = files.filter(|files| are_settled(files)) {
        let mut networks = known;
        networks.retain(|network| network.path != path && network.path.exists());
        networks.push(Network {
            path,
            files,
            sha256: sha256.clone(),
        });
        write(&place, networks);
    }
    Ok(sha256)
}

impl Network {
    fn is_unchanged(&self) -> bool {
        let same = |(path, stamp): &(PathBuf, Stamp)| stamp_of(path).as_ref() == Some(stamp);
        !self.files.is_empty() && self.files.iter().all(same)
    }
}

fn stamps(file: &BackboneFile) -> Option<Vec<(PathBuf, Stamp)>> {
    let with_stamp = |path: PathBuf| {
        let path = std::path::absolute(path).ok()?;
        let stamp = stamp_of(&path)?;
        Some((path, stamp))
    };
    file.files().ok()?.into_iter().map(with_stamp).collect()
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().as_ref().map(Stamp::of)
}

fn are_settled(files: &[(PathBuf, Stamp)]) -> bool {
    let now = SystemTime::now();
    files.iter().all(|(_, stamp)| stamp.is_settled(now))
}

fn read(place: &Path) -> Vec<Network> {
    let known = fs::read(place)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    known
        .filter(|known: &Known| known.format_version == FORMAT_VERSION)
        .map_or_else(Vec::new, |known| known.networks)
}

/// Where it cannot be written, as in a home that is read only, the network is hashed again next time.
fn write(place: &Path, networks: Vec<Network>) {
    let known = Known {
        format_version: FORMAT_VERSION,
        networks,
    };
    let Ok(bytes) = serde_json::to_vec(&known) else {
        return; // A path that is not UTF-8.
    };
    if let Some(folder) = place.parent() {
        let _ = fs::create_dir_all(folder);
    }
    let _ = outputs::write_bytes(place, &bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::BackboneManifest;

    /// A model of IR 8 and opset 13, with a producer and one node, an `x` that gives `y`.
    fn network(path: &Path, producer: u8) -> BackboneFile {
        let graph = [0x3a, 8, 0x0a, 6, 0x12, 1, b'y', 0x22, 1, b'x'];
        let bytes = [&[8, 8, 0x12, 1, producer], &graph[..], &[0x42, 2, 0x10, 13]].concat();
        fs::write(path, bytes).unwrap();
        BackboneFile {
            path: path.to_owned(),
            manifest: BackboneManifest::named("a"),
            has_manifest: false,
        }
    }

    /// What `sha256sum` says of the file with the producer `a`.
    const SUM: &str = "58f86e466c484c0ec59c7b1dba50e78323bb5ffd0ab9d9970721636144d0dd91";

    #[test]
    fn a_sum_is_remembered_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let file = network(&folder.path().join("a.onnx"), b'b');
        let network_of = |sha256: &str| Network {
            path: file.path.clone(),
            files: stamps(&file).unwrap(),
            sha256: sha256.to_owned(),
        };
        // A sum that is none shows that nothing was read.
        write(
            &home.cache().join("checksums.json"),
            vec![network_of("remembered")],
        );
        assert_eq!(sha256(&home, &file).unwrap(), "remembered");
        network(&file.path, b'a');
        assert_eq!(sha256(&home, &file).unwrap(), SUM);
    }

    #[test]
    fn a_young_file_and_a_broken_memory_are_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let file = network(&folder.path().join("a.onnx"), b'a');
        let place = home.cache().join("checksums.json");
        assert_eq!(sha256(&home, &file).unwrap(), SUM);
        assert!(
            !place.exists(),
            "it may change within the same tick of the clock"
        );
        fs::create_dir(home.cache()).unwrap();
        for broken in ["", "{", r#"{"format_version": 2, "networks": []}"#] {
            fs::write(&place, broken).unwrap();
            assert_eq!(sha256(&home, &file).unwrap(), SUM, "{broken}");
        }
    }
}
