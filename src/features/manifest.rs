//! `manifest.json`: what a store holds, for people and for checks.
//!
//! # Format
//! A JSON object: `format` = `frostline-features`, `format_version` = 2, `spec` (backbone, preprocessing, decoding and
//! views, all of which must be equal for features to be mixed), `dtype` (`f32` or `f16`), `engine` (what computed the
//! first of them; each part names its own), and `checksum` (see `seal`), written without a space behind its colon. Later
//! versions keep the checksum as it is, so that a damaged number of the version is told from a newer version.
//!
//! Version 1, and version 2 before there were checksums of whole files, have none: such a store is read as it is, and the
//! next writer gives each file its checksum, this one last. Nothing is computed again for it.
//!
//! A manifest that is missing or damaged is rebuilt by the next writer, since each part carries it too (see `testimony`).

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use half::f16;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::arrow_file::Seal;
use super::testimony;
use crate::backbones::{Engine, FeatureSpec};
use crate::error::{Error, FileProblem, Result};
use crate::images::SkipReason;
use crate::inputs::{self, Links};
use crate::{outputs, seal};

/// The name of the file in the store.
pub(super) const FILE: &str = "manifest.json";
const FORMAT: &str = "frostline-features";
/// No manifest of ours has more bytes.
const MOST: u64 = 1 << 20;
pub(super) const VERSION: u64 = 2;

/// How the numbers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32 bits a number.
    #[default]
    F32,
    /// 16 bits a number: half the space, about three digits.
    F16,
}

impl Dtype {
    /// Makes features what they will be when they are read back.
    pub fn round(self, features: &mut [f32]) {
        if self == Self::F16 {
            for value in features {
                *value = f16::from_f32(*value).to_f32();
            }
        }
    }

    /// Whether features can be kept so that numbers come back.
    ///
    /// # Errors
    /// NaN and infinities; for 16 bits, numbers too that would become infinite.
    pub fn holds(self, features: &[f32]) -> Result<(), SkipReason> {
        if !features.iter().all(|value| value.is_finite()) {
            return Err(SkipReason::NotFinite);
        }
        let largest = features.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
        match self {
            Self::F16 if f16::from_f32(largest).is_infinite() => {
                Err(SkipReason::BeyondF16(format!("{largest:.0}")))
            }
            Self::F32 | Self::F16 => Ok(()),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        })
    }
}

/// What a store holds.
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

    /// Reads a store's manifest.
    ///
    /// # Errors
    /// [`Error::Input`] where the folder is missing or no store; [`Error::File`] where the manifest is missing from a
    /// store, cut, damaged, foreign or newer; [`Error::Io`] for a pipe, device or folder in its place.
    pub fn read(store: &Path) -> Result<Self> {
        Ok(Self::read_with_seal(store)?.0)
    }

    /// The same, and whether it has a checksum.
    pub(super) fn read_with_seal(store: &Path) -> Result<(Self, Seal)> {
        let path = store.join(FILE);
        let problem = match inputs::read(&path, Links::Follow, MOST) {
            Ok(bytes) => match parse(&bytes) {
                Ok(read) => return Ok(read),
                Err(problem) => problem,
            },
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(no_store(store));
            }
            Err(e) if e.kind() == ErrorKind::FileTooLarge => FileProblem::Damaged(e.to_string()),
            Err(e) => return Err(Error::io("read", &path)(e)),
        };
        // What the damage left may look like anything.
        let problem = match problem {
            FileProblem::Foreign { .. } if is_in(store) => not_as_written(),
            other => other,
        };
        let hint = hint(&problem).to_owned();
        Err(Error::File {
            path,
            problem,
            hint,
        })
    }

    /// Reads the manifest of what [is a store](super::is_store); nothing where it is to be rebuilt.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn read_intact(store: &Path) -> Result<Option<Self>> {
        match Self::read(store) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) if can_be_rebuilt(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What differs, as [`FeatureSpec::differences`]; empty where features may be mixed, whatever computed them.
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
        outputs::write_bytes(&store.join(FILE), &self.to_file())
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

/// Whether an error in reading the manifest of a store says that it is missing, or was right once.
pub(super) fn can_be_rebuilt(error: &Error) -> bool {
    match error {
        Error::Input { .. } => true,
        Error::File { problem, .. } => problem.is_damage(),
        _ => false,
    }
}

/// Whether a folder is a store: its manifest says so, or, where that is missing or illegible, a part does.
pub(super) fn is_in(folder: &Path) -> bool {
    match inputs::read(&folder.join(FILE), Links::Follow, MOST) {
        Ok(bytes) => match told_by(&bytes) {
            Told::Store => true,
            Told::SomethingElse => false,
            Told::Nothing => testimony::is_given(folder),
        },
        Err(e) if e.kind() == ErrorKind::NotADirectory => false,
        Err(_) => testimony::is_given(folder),
    }
}

/// What a manifest says that its folder is.
enum Told {
    Store,
    SomethingElse,
    /// It is no JSON, or was changed since it was written.
    Nothing,
}

fn told_by(bytes: &[u8]) -> Told {
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

fn no_store(store: &Path) -> Error {
    let name = store.display();
    let (problem, hint) = if is_in(store) {
        let problem = format!("the feature store `{name}` has lost its `{FILE}`");
        (problem, REBUILD)
    } else {
        let problem = if store.exists() {
            format!("`{name}` is not a feature store: it has no `{FILE}`")
        } else {
            format!("there is no feature store `{name}`")
        };
        (
            problem,
            "make one with `frostline extract IMAGES -o FEATURES`",
        )
    };
    let hint = hint.to_owned();
    Error::Input { problem, hint }
}

const REBUILD: &str =
    "run the same `frostline extract` again: it rebuilds the manifest and keeps the features";

fn hint(problem: &FileProblem) -> &'static str {
    match problem {
        FileProblem::Foreign { .. } => "give a folder that `frostline extract` has written",
        FileProblem::Newer { .. } => "use a newer frostline, or choose another output folder",
        FileProblem::Cut(_) | FileProblem::Damaged(_) => REBUILD,
    }
}

fn not_as_written() -> FileProblem {
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

pub(super) fn parse(bytes: &[u8]) -> Result<(StoreManifest, Seal), FileProblem> {
    let foreign = |found: String| FileProblem::Foreign {
        wanted: "the manifest of a feature store",
        found,
    };
    let value: Value = serde_json::from_slice(bytes).map_err(|e| match told_by(bytes) {
        _ if e.is_eof() => FileProblem::Cut(e.to_string()),
        Told::Store => FileProblem::Damaged(e.to_string()),
        _ => foreign(e.to_string()),
    })?;
    if value["format"] != FORMAT {
        return Err(foreign(format!("it has no `\"format\": \"{FORMAT}\"`")));
    }
    let seal = check_seal(&value, bytes)?;
    if let Some(found) = value["format_version"].as_u64()
        && found > VERSION
    {
        return Err(FileProblem::Newer {
            found,
            known: VERSION,
        });
    }
    // With a checksum they are what was written; without one, a damaged name would be taken for something new.
    if let Some(key) = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys())
        .find(|key| !KEYS.contains(&key.as_str()))
    {
        return Err(FileProblem::Damaged(format!(
            "it has an unknown key `{key}`"
        )));
    }
    let manifest: StoreManifest =
        serde_json::from_value(value).map_err(|e| FileProblem::Damaged(e.to_string()))?;
    if let Some(problem) = manifest.spec.problem() {
        return Err(FileProblem::Damaged(problem));
    }
    let format_version = VERSION;
    Ok((
        StoreManifest {
            format_version,
            ..manifest
        },
        seal,
    ))
}

fn check_seal(manifest: &Value, bytes: &[u8]) -> Result<Seal, FileProblem> {
    match (manifest.get("checksum"), seal::place_in_json(bytes)) {
        (None, None) => Ok(Seal::Missing),
        (Some(_), Some(place)) if seal::is_right(bytes, place.clone()) => Ok(Seal::Right),
        _ => Err(not_as_written()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_store_cannot_give_back_are_refused() {
        // 65504 is the largest f16; from 65520 on, halfway to what would come next, numbers round to infinity.
        for (value, f32, f16) in [
            (65504.0, true, true),
            (-65519.0, true, true),
            (65520.0, true, false),
            (-1e6, true, false),
            (f32::INFINITY, false, false),
            (f32::NAN, false, false),
        ] {
            let holds = |dtype: Dtype| dtype.holds(&[0.5, value, 1.0]).is_ok();
            assert_eq!(
                (holds(Dtype::F32), holds(Dtype::F16)),
                (f32, f16),
                "{value}"
            );
        }
        let reason = Dtype::F16.holds(&[1e6]).unwrap_err().to_string();
        assert!(
            reason.contains("1000000") && reason.contains("--dtype f32"),
            "{reason}"
        );
    }
}
