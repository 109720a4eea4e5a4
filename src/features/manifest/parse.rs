//! What the bytes of a manifest say.

use serde_json::Value;

use super::super::arrow_file::Seal;
use super::{FORMAT, StoreManifest, VERSION};
use crate::error::{FileProblem, Result};
use crate::seal;

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

pub(in crate::features) fn parse(bytes: &[u8]) -> Result<(StoreManifest, Seal), FileProblem> {
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
            "it has an unknown key `{key:.40}`"
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
