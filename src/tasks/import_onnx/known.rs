//! Identifies the known backbone that a file belongs to.

use std::fs;
use std::path::Path;

use crate::backbones::{BackboneFile, BackboneManifest};
use crate::error::{Error, Result};

/// Returns the backbone among `known` that is made from exactly this file; if there are several, prefers the
/// one called `name`.
pub(super) fn made_from(
    mut known: Vec<BackboneManifest>,
    file: &Path,
    name: Option<&str>,
) -> Result<Option<BackboneManifest>> {
    let bytes = fs::metadata(file).map_err(Error::io("read", file))?.len();
    // A large file is hashed only if its length is that of a known one.
    known.retain(|known| known.source.as_ref().is_some_and(|s| s.bytes == bytes));
    if known.is_empty() {
        return Ok(None);
    }
    let sha256 = BackboneFile {
        path: file.to_owned(),
        manifest: BackboneManifest::named(""),
        has_manifest: false,
        published: None,
    }
    .sha256()?;
    known.retain(|known| known.source.as_ref().is_some_and(|s| s.sha256 == sha256));
    // The wanted name comes first, since `false` sorts before `true`; the stable sort keeps the other order.
    known.sort_by_key(|known| Some(known.name.as_str()) != name);
    Ok(known.into_iter().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network of one node, with its SHA-256 as printed by `sha256sum`.
    const TINY: &[u8] = b"\x08\x08\x3a\x0b\x0a\x09\x12\x01y\x22\x04Relu\x42\x02\x10\x0d";
    const SHA256: &str = "ca65102c3d8b6a200e0553ddd61cebb302b8d15173e11f7c13ae179703687745";

    fn known(name: &str, sha256: &str, bytes: u64) -> BackboneManifest {
        let text = format!("name = \"{name}\"\n[source]\nsha256 = \"{sha256}\"\nbytes = {bytes}");
        text.parse().unwrap()
    }

    #[test]
    fn a_file_is_known_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("any-name.onnx");
        fs::write(&file, TINY).unwrap();
        let list = || {
            vec![
                known("longer", SHA256, 20),
                known("other", &"0".repeat(64), 19),
                known("first", SHA256, 19),
                known("second", SHA256, 19),
            ]
        };
        let name_of = |name| {
            let found = made_from(list(), &file, name).unwrap();
            found.map(|known| known.name)
        };
        assert_eq!(name_of(None).as_deref(), Some("first"));
        assert_eq!(name_of(Some("second")).as_deref(), Some("second"));
        assert_eq!(name_of(Some("mine")).as_deref(), Some("first"));
        assert_eq!(made_from(list()[..2].to_vec(), &file, None).unwrap(), None);
    }
}
