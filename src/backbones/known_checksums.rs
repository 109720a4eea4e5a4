//! A cache for the SHA-256 of networks, so that half a gigabyte is not read again at every start.
//!
//! # Format
//!
//! `FROSTLINE_HOME/cache/checksums.json`: `format_version` 2; for each network the path of its file, the
//! files it consists of with their stamps (size, times, inode), and its SHA-256; and the `checksum` of the
//! cache file itself (see [`seal`]). An unreadable or damaged cache file is ignored. A network that changed
//! less than two seconds before it was hashed is not cached. The cached sums are trusted, so no other user
//! may be able to write to the file (see [`Home::require_private`]).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::backbone_file::BackboneFile;
use super::home::Home;
use crate::error::Result;
use crate::inputs::{self, Links};
use crate::stamp::Stamp;
use crate::{outputs, seal};

const FORMAT_VERSION: u32 = 2;

/// The size limit, which is enough for thousands of networks; a larger file is ignored and replaced.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Known {
    format_version: u32,
    networks: Vec<Network>,
    checksum: String,
}

#[derive(Serialize, Deserialize)]
struct Network {
    path: PathBuf,
    files: Vec<(PathBuf, Stamp)>,
    sha256: String,
}

/// Returns [`BackboneFile::sha256`], cached as long as the files do not change.
///
/// # Errors
/// Those of [`BackboneFile::sha256`], and [`HomeProblem::Shared`](crate::error::HomeProblem::Shared) if other
/// users can write to the cache.
pub(super) fn sha256(home: &Home, file: &BackboneFile) -> Result<String> {
    let path = std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
    let place = home.cache().join("checksums.json");
    home.require_private(&place)?;
    let known = read(&place);
    if let Some(network) = known.iter().find(|network| network.path == path)
        && network.is_unchanged()
    {
        return file.accept(network.sha256.clone());
    }
    // Taken before reading, so that a write in the meantime changes the stamp.
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
        write(home, &place, networks);
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
    let known = inputs::read(place, Links::Refuse, MOST_BYTES).ok();
    let whole = known.filter(|json| {
        seal::place_in_json(json).is_some_and(|digits| seal::is_right(json, digits))
    });
    let known = whole.and_then(|json| serde_json::from_slice(&json).ok());
    known
        .filter(|known: &Known| known.format_version == FORMAT_VERSION)
        .map_or_else(Vec::new, |known| known.networks)
}

/// Writes the cache. If that fails, as in a read-only home, the network is hashed again next time.
fn write(home: &Home, place: &Path, networks: Vec<Network>) {
    let known = Known {
        format_version: FORMAT_VERSION,
        networks,
        checksum: seal::BLANK.to_owned(),
    };
    let Ok(mut json) = serde_json::to_vec(&known) else {
        return; // A path that is not UTF-8.
    };
    if let Some(digits) = seal::place_in_json(&json)
        && home.make(&home.cache()).is_ok()
    {
        seal::put(&mut json, digits);
        let _ = outputs::write_bytes(place, &json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::BackboneManifest;

    /// Writes a model of IR 8 and opset 13, with a producer and one node from `x` to `y`.
    fn network(path: &Path, producer: u8) -> BackboneFile {
        let graph = [0x3a, 8, 0x0a, 6, 0x12, 1, b'y', 0x22, 1, b'x'];
        let bytes = [&[8, 8, 0x12, 1, producer], &graph[..], &[0x42, 2, 0x10, 13]].concat();
        fs::write(path, bytes).unwrap();
        BackboneFile {
            path: path.to_owned(),
            manifest: BackboneManifest::named("a"),
            has_manifest: false,
            published: None,
        }
    }

    /// The output of `sha256sum` for the file with the producer `a`.
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
        // A text that is not a sum shows that the file was not hashed.
        let place = home.cache().join("checksums.json");
        write(&home, &place, vec![network_of("remembered")]);
        assert_eq!(sha256(&home, &file).unwrap(), "remembered");
        let mut expected = network(&folder.path().join("b.onnx"), b'b');
        expected.path.clone_from(&file.path);
        expected.manifest.sha256 = Some(SUM.to_owned());
        let error = sha256(&home, &expected).unwrap_err().to_string();
        assert!(error.contains("its SHA-256 is remembered"), "{error}");
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
            "it may change again within the same clock tick"
        );
        fs::create_dir(home.cache()).unwrap();
        for broken in ["", "{", r#"{"format_version": 2, "networks": []}"#] {
            fs::write(&place, broken).unwrap();
            assert_eq!(sha256(&home, &file).unwrap(), SUM, "{broken}");
        }
        let long = fs::File::create(&place).unwrap();
        long.set_len(1 << 40).unwrap();
        assert_eq!(sha256(&home, &file).unwrap(), SUM);
    }

    /// The cached sums decide which network features are attributed to.
    #[test]
    fn every_bit_counts() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let file = network(&folder.path().join("a.onnx"), b'a');
        let place = home.cache().join("checksums.json");
        let remembered = Network {
            path: file.path.clone(),
            files: stamps(&file).unwrap(),
            sha256: "remembered".to_owned(),
        };
        write(&home, &place, vec![remembered]);
        let right = fs::read(&place).unwrap();
        assert_eq!(read(&place).len(), 1);
        for bit in 0..right.len() * 8 {
            let mut flipped = right.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&place, flipped).unwrap();
            assert_eq!(read(&place).len(), 0, "bit {bit}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_memory_that_others_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let home = Home::at(folder.path());
        let file = network(&folder.path().join("a.onnx"), b'a');
        let cache = home.cache();
        fs::create_dir(&cache).unwrap();
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
        let error = sha256(&home, &file).unwrap_err();
        let wanted = format!("can write to `{}` (mode 0777)", cache.display());
        assert!(error.to_string().contains(&wanted), "{error}");
        assert_eq!(sha256(&home.allow_shared(), &file).unwrap(), SUM);
    }
}
