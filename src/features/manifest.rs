//! `manifest.json`: what a store holds, for people and for checks.
//!
//! # Format
//! A JSON object: `format` = `frostline-features`, `format_version` = 2, `spec` (backbone, preprocessing,
//! decoding and views, all of which must be equal for features to be mixed), `dtype` (`f32` or `f16`),
//! `engine` (what computed the first of them; each part names its own), and `checksum` (see `seal`), written
//! without a space behind its colon. Later versions keep the checksum as it is, so that a damaged number of
//! the version is told from a newer version.
//!
//! Version 1, and version 2 before there were checksums of whole files, have none: such a store is read as it
//! is, and the next writer gives each file its checksum, this one last. Nothing is computed again for it.
//!
//! A manifest that is missing or damaged is rebuilt by the next writer, since each part carries it too (see
//! `identity`).

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

/// The manifest of a store: what its features are features of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreManifest {
    format: String,
    /// That in which it will be written.
    format_version: u64,
    /// What the features are features of.
    pub spec: FeatureSpec,
    /// How the numbers are kept.
    pub dtype: Dtype,
    /// What computed the first of them.
    pub engine: Engine,
}

impl StoreManifest {
    /// The manifest of a new store.
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

    /// What differs, as [`FeatureSpec::differences`]; empty where features may be mixed, whatever computed
    /// them.
    pub(super) fn differences(&self, right: &Self) -> Vec<String> {
        let mut differences = self.spec.differences(&right.spec);
        if self.dtype != right.dtype {
            differences.push(format!(
                "dtype is {} on the left and {} on the right",
                self.dtype, right.dtype
            ));
        }
        differences
    }

    /// Writes it into a store all of whose files have their checksums.
    pub(super) fn write(&self, store: &Path) -> Result<()> {
        outputs::write_bytes(&store.join(MANIFEST), &self.to_file())
    }

    /// The content of the file.
    pub(super) fn to_file(&self) -> Vec<u8> {
        let json = self.to_json();
        let open = json.trim_end_matches("\n}");
        let mut bytes = format!("{open},\n  \"checksum\":\"{}\"\n}}\n", seal::BLANK).into_bytes();
        let place = seal::place_in_json(&bytes).expect("it was written a line before");
        seal::put(&mut bytes, place);
        bytes
    }

    /// The manifest as JSON, for people.
    ///
    /// # Panics
    /// Never: strings and finite numbers have a JSON form.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and numbers have a JSON form")
    }
}

/// What a manifest says that its folder is.
pub(super) enum Told {
    Store,
    SomethingElse,
    /// It is no JSON, or was changed since it was written.
    Nothing,
}

pub(super) fn told_by(bytes: &[u8]) -> Told {
    let Ok(manifest) = serde_json::from_slice::<Value>(bytes) else {
        // The format stands at the start, where it can be read also if the rest is lost.
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

/// The manifest that some bytes are, and whether they have a checksum.
pub(super) fn parse(bytes: &[u8]) -> Result<(StoreManifest, Seal), FileProblem> {
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
    // With a checksum they are what was written; without one, a damaged name would be taken for something
    // new.
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
        None => Ok((
            StoreManifest::new(manifest.spec, manifest.dtype, manifest.engine),
            seal,
        )),
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
