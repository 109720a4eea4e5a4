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

mod parse;

use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::arrow_file::Seal;
use super::dtype::Dtype;
use super::identity;
pub(super) use parse::parse;
use parse::{Told, not_as_written, told_by};

use crate::backbones::{Engine, FeatureSpec};
use crate::error::{Error, FileProblem, Result};
use crate::inputs::{self, Links};
use crate::{outputs, seal};

/// The name of the file in the store.
pub(super) const FILE: &str = "manifest.json";
const FORMAT: &str = "frostline-features";
/// No manifest of ours has more bytes.
const MOST: u64 = 1 << 20;
pub(super) const VERSION: u64 = 2;

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
            Told::Nothing => identity::is_given(folder),
        },
        Err(e) if e.kind() == ErrorKind::NotADirectory => false,
        Err(_) => identity::is_given(folder),
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
