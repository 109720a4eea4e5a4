//! `manifest.json`: what a store holds, for people and for checks.
//!
//! # Format
//! A JSON object: `format` = `frostline-features`, `format_version` = 2, `spec` (backbone, preprocessing, decoding and
//! views, all of which must be equal for features to be mixed), `dtype` (`f32` or `f16`), `engine` (what computed the
//! first of them; each part names its own). Version 1 differs in that its parts have no checksum; a store of that version
//! is read, and extended by parts of version 2, without anything being computed again.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use half::f16;
use serde::{Deserialize, Serialize};

use crate::backbones::{Engine, FeatureSpec};
use crate::error::{Error, FileProblem, Result};
use crate::images::SkipReason;
use crate::outputs;

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
    /// [`Error::Input`] where the folder is missing or no store; [`Error::File`] where the manifest is cut, foreign or
    /// newer.
    pub fn read(store: &Path) -> Result<Self> {
        let path = store.join(FILE);
        let text = fs::read(&path).map_err(|e| match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => no_store(store),
            _ => Error::io("read", &path)(e),
        })?;
        parse(&text).map_err(|problem| {
            let hint = match &problem {
                FileProblem::Foreign { .. } => "give a folder that `frostline extract` has written",
                _ => "run `frostline extract … --overwrite` to compute the store anew",
            };
            Error::File {
                path,
                problem,
                hint: hint.to_owned(),
            }
        })
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

    /// Writes it into a store.
    pub(super) fn write(&self, store: &Path) -> Result<()> {
        let mut text = self.to_json();
        text.push('\n');
        outputs::write_bytes(&store.join(FILE), text.as_bytes())
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

/// Whether the folder's manifest is that of a store. Of one that is damaged, the start tells, where the format is written.
pub(super) fn is_in(folder: &Path) -> bool {
    let path = folder.join(FILE);
    // A pipe of that name would be waited for.
    if !path.is_file() {
        return false;
    }
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut start));
    if read.is_err() {
        return false;
    }
    serde_json::from_slice(&start).map_or_else(
        |_| {
            let text = String::from_utf8_lossy(&start);
            let compact: String = text.split_ascii_whitespace().collect();
            compact.starts_with(&format!("{{\"format\":\"{FORMAT}\""))
        },
        |manifest: serde_json::Value| manifest["format"] == FORMAT,
    )
}

fn no_store(store: &Path) -> Error {
    let problem = if store.exists() {
        format!(
            "`{}` is not a feature store: it has no `{FILE}`",
            store.display()
        )
    } else {
        format!("there is no feature store `{}`", store.display())
    };
    Error::Input {
        problem,
        hint: "make one with `frostline extract IMAGES -o FEATURES`".to_owned(),
    }
}

fn parse(text: &[u8]) -> Result<StoreManifest, FileProblem> {
    let foreign = |found: String| FileProblem::Foreign {
        wanted: "the manifest of a feature store",
        found,
    };
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|e| match e.classify() {
            serde_json::error::Category::Eof => FileProblem::Cut(e.to_string()),
            _ => foreign(e.to_string()),
        })?;
    if value["format"] != FORMAT {
        return Err(foreign(format!("it has no `\"format\": \"{FORMAT}\"`")));
    }
    match value["format_version"].as_u64() {
        Some(found) if found > VERSION => {
            return Err(FileProblem::Newer {
                found,
                known: VERSION,
            });
        }
        _ => {}
    }
    let manifest: StoreManifest =
        serde_json::from_value(value).map_err(|e| FileProblem::Damaged(e.to_string()))?;
    match manifest.spec.problem() {
        Some(problem) => Err(FileProblem::Damaged(problem)),
        None => Ok(manifest),
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
