//! `manifest.json`: describes the features in a store, for people and for checks.
//!
//! # Format
//! A JSON object with these keys:
//! - `format`: `frostline-features`
//! - `format_version`: 2
//! - `spec`: backbone, preprocessing, decoding and views; features can only be mixed if all of them are equal
//! - `dtype`: `f32` or `f16`
//! - `engine`: what computed the first features; each part names its own engine
//! - `checksum`: see `seal`; written without a space after its colon
//!
//! Later versions keep the checksum as it is, so that a damaged version number can be distinguished from a
//! newer version.
//!
//! Version 1 and early files of version 2 have no checksum. Such a store is read as it is. The next writer
//! adds a checksum to each file, to the manifest last, without recomputing features.
//!
//! The next writer also rebuilds a missing or damaged manifest from the copies in the parts (see `identity`).

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::arrow_file::Seal;
use super::dtype::Dtype;
use super::names::{MANIFEST, VERSION};
use crate::backbones::{Engine, FeatureSpec};
use crate::error::{FileProblem, Result};
use crate::{outputs, seal};

const FORMAT: &str = "frostline-features";

/// The manifest of a store, which describes its features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreManifest {
    format: String,
    /// The version in which the manifest will be written.
    format_version: u64,
    /// The backbone, preprocessing, decoding and views of the features.
    pub spec: FeatureSpec,
    /// The number type of the features.
    pub dtype: Dtype,
    /// The engine that computed the first features.
    pub engine: Engine,
}

impl StoreManifest {
    /// Creates the manifest of a new store.
    #[must_use]
    pub fn new(spec: FeatureSpec, dtype: Dtype, engine: Engine) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            spec,
            dtype,
            engine,
        }
    }

    /// Lists the differences between two manifests, as [`FeatureSpec::differences`] does. The list is empty
    /// if features can be mixed; the engines need not be the same.
    pub(super) fn differences(&self, other: &Self, names: [&str; 2]) -> Vec<String> {
        let mut differences = self.spec.differences(&other.spec, names);
        if self.dtype != other.dtype {
            differences.push(format!(
                "dtype is {} in {} and {} in {}",
                self.dtype, names[0], other.dtype, names[1]
            ));
        }
        differences
    }

    /// Writes the manifest into a store. All other files must have their checksums already.
    pub(super) fn write(&self, store: &Path) -> Result<()> {
        outputs::write_bytes(&store.join(MANIFEST), &self.to_file())
    }

    /// Serialises the manifest as the content of its file.
    pub(super) fn to_file(&self) -> Vec<u8> {
        seal::json(self)
    }

    /// Returns the manifest as readable JSON.
    ///
    /// # Panics
    /// Never, since strings and finite numbers can be represented in JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and numbers have a JSON form")
    }
}

/// The key of a manifest in the metadata of a table that is no part of a store.
pub(super) const TABLE_KEY: &str = "frostline.manifest";

/// What a `manifest.json` says about its folder.
pub(super) enum Told {
    /// The folder is a store.
    Store,
    /// The folder is something else.
    SomethingElse,
    /// The file is not JSON, or was changed after it was written.
    Nothing,
}

pub(super) fn told_by(bytes: &[u8]) -> Told {
    let Ok(manifest) = serde_json::from_slice::<Value>(bytes) else {
        // The format comes first, so it may be readable even if the rest is lost.
        let text = String::from_utf8_lossy(bytes);
        let compact: String = text.split_ascii_whitespace().collect();
        return if compact.starts_with(&format!("{{\"format\":\"{FORMAT}\"")) {
            Told::Store
        } else {
            Told::Nothing
        };
    };
    let is_changed = || seal::place_in_json(bytes).is_some_and(|at| !seal::is_right(bytes, at));
    match manifest.get("format") {
        Some(format) if format == FORMAT => Told::Store,
        _ if is_changed() => Told::Nothing,
        _ => Told::SomethingElse,
    }
}

pub(super) fn not_as_written() -> FileProblem {
    FileProblem::Damaged("its content does not match its checksum".to_owned())
}

/// The keys of version 2.
const KEYS: [&str; 6] = [
    "format",
    "format_version",
    "spec",
    "dtype",
    "engine",
    "checksum",
];

/// A manifest as found in a store.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) manifest: StoreManifest,
    /// Whether it has a checksum.
    pub(super) seal: Seal,
    /// The version of the file.
    pub(super) format_version: u64,
}

/// Parses a manifest.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, FileProblem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| match told_by(bytes) {
        _ if e.is_eof() => FileProblem::Cut(e.to_string()),
        Told::Store => FileProblem::Damaged(e.to_string()),
        _ => foreign(e.to_string()),
    })?;
    if value["format"] != FORMAT {
        return Err(foreign(format!("it has no `\"format\": \"{FORMAT}\"`")));
    }
    let seal = check_seal(&value, bytes)?;
    let (found, known) = (value["format_version"].as_u64(), VERSION);
    if let Some(found) = found.filter(|found| *found > known) {
        return Err(FileProblem::Newer { found, known });
    }
    // Without a checksum, a damaged key would go unnoticed.
    let mut keys = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    if let Some(key) = keys.find(|key| !KEYS.contains(&key.as_str())) {
        return Err(FileProblem::Damaged(format!(
            "it has an unknown key `{key:.40}`"
        )));
    }
    let manifest = serde_json::from_value::<StoreManifest>(value);
    let manifest = manifest.map_err(|e| FileProblem::Damaged(e.to_string()))?;
    match manifest.spec.problem() {
        Some(problem) => Err(FileProblem::Damaged(problem)),
        None => Ok(Parsed {
            format_version: manifest.format_version,
            manifest: StoreManifest::new(manifest.spec, manifest.dtype, manifest.engine),
            seal,
        }),
    }
}

fn foreign(found: String) -> FileProblem {
    FileProblem::Foreign {
        wanted: "the manifest of a feature store",
        found,
    }
}

fn check_seal(manifest: &Value, bytes: &[u8]) -> Result<Seal, FileProblem> {
    match (manifest.get("checksum"), seal::place_in_json(bytes)) {
        (None, None) => Ok(Seal::Missing),
        (Some(_), Some(place)) if seal::is_right(bytes, place.clone()) => Ok(Seal::Right),
        _ => Err(not_as_written()),
    }
}
