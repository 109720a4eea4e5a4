//! Hints for files that are truncated, damaged or of another format.

use std::path::Path;

use frostline::error::{FileKind, FileProblem};

/// Returns what the user can do about the file at `path`.
pub(super) fn hint(path: &Path, kind: &FileKind, problem: &FileProblem) -> Option<String> {
    let hint = match (kind, problem) {
        (FileKind::Known(file), _) => {
            let (name, bytes, sha256) = (&file.name, file.bytes, &file.sha256);
            return Some(format!(
                "the expected `{name}` has {bytes} bytes and the SHA-256 {sha256}"
            ));
        }
        (FileKind::KnownNetwork, _) => {
            return Some(format!(
                "install it again, or remove `sha256` from `{}` if you changed the network yourself",
                path.with_extension("toml").display()
            ));
        }
        (FileKind::Wheel, _) => "download the wheel again",
        (FileKind::BackboneManifest, _) => MANIFEST_KEYS,
        (FileKind::PublishedPreprocessing, _) => PUBLISHED,
        (FileKind::HeadManifest, _) => "train the head again with `frostline fit-head`",
        (FileKind::Head, FileProblem::Foreign { .. }) => {
            "pass a file that `frostline fit-head` has written"
        }
        (
            FileKind::Head
            | FileKind::Bundle
            | FileKind::LabelJournal
            | FileKind::SeenImages
            | FileKind::StoreShard,
            FileProblem::Newer { .. },
        ) => "use a newer frostline",
        (FileKind::Head, _) => "copy it again, or train it again with `frostline fit-head`",
        (FileKind::Bundle, _) => "copy it again, or write it again with `frostline bundle`",
        (FileKind::SeenImages, _) => {
            "choose another file with --state, or remove this one to report all images again"
        }
        (FileKind::ClassWeights, _) => {
            "write `class,weight` as the first line, then a line for each class, such as `cat,2.5`"
        }
        (FileKind::LabelJournal, _) => {
            "restore it from a backup, or move it away: then the label file alone counts, without undo"
        }
        (FileKind::Labels, FileProblem::Ambiguous(_)) => {
            "write one line for each image, with its path as in the store's index: relative to the folder of \
             the images"
        }
        (FileKind::Labels, _) => LABELS,
        (FileKind::Splits, _) => {
            "pass a file that `frostline split` has written, or choose another output"
        }
        (FileKind::Groups, _) => {
            "write a table with the column `path` or `digest`, and one with the groups for --group-column"
        }
        (FileKind::StoreManifest, FileProblem::Foreign { .. }) => {
            "pass a folder that `frostline extract` has written"
        }
        (FileKind::StoreManifest, FileProblem::Newer { .. }) => {
            "use a newer frostline, or choose another output folder"
        }
        (FileKind::StoreManifest, _) => REBUILD,
        (FileKind::StoreIndex, _) => {
            "run the same `frostline extract` again: it rebuilds the index"
        }
        (FileKind::StoreShard, _) => {
            "run the `frostline extract --shard` that wrote the store again: it rebuilds the record"
        }
        (FileKind::FeatureTable, FileProblem::Cut(_)) => {
            "let the program that writes the table finish, or write it again"
        }
        (FileKind::FeatureTable, _) => {
            "docs/clusters.md describes the columns and the metadata of a table that can be merged"
        }
        (FileKind::StorePart, FileProblem::Changed(_)) => "run the same command again",
        (FileKind::StorePart, FileProblem::Foreign { .. }) => {
            "if the manifest was copied from another store, run `frostline extract` with the settings of \
             the features: it rebuilds the manifest; otherwise, move the part out of the folder and run the \
             same `frostline extract` again: it computes the missing features"
        }
        (FileKind::StorePart, _) => {
            "run the same `frostline extract` again with --verify to recompute the damaged part"
        }
        (_, FileProblem::Changed(_)) => "the file changed while it was read; try again",
        (FileKind::Network, FileProblem::Foreign { .. }) => {
            "pass an .onnx file; convert weights (.pth, .safetensors) with `frostline models import FILE \
             --arch NAME`"
        }
        (FileKind::Weights, FileProblem::Foreign { .. }) => {
            "pass a .pth or .pt file that `torch.save` has written, or a .safetensors file"
        }
        (FileKind::TensorsAlone, FileProblem::Foreign { .. }) => {
            "save only the tensors: `torch.save(model.state_dict(), \"weights.pth\")`"
        }
        (FileKind::Network | FileKind::Weights, FileProblem::Newer { .. }) => {
            "save it with `torch.save(…, _use_new_zipfile_serialization=True)`"
        }
        (FileKind::Network, _) => "download or export the network again",
        (FileKind::Weights | FileKind::TensorsAlone, _) => "download or copy the file again",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The hint for a store whose manifest is missing or damaged.
pub(super) const REBUILD: &str =
    "run the same `frostline extract` again: it rebuilds the manifest and keeps the features";

/// The hint for a published preprocessing that cannot be used.
const PUBLISHED: &str = "set all of --resize, --crop, --interpolation, --mean, --std and --scale with \
    `frostline models import`, which then does not read it";

/// The hint for what is no label file.
const LABELS: &str = "write `path,label` as the first line, then a line for each image, such as \
    `cat/1.jpg,cat`; --labels-key and --labels-column choose other columns";

/// All keys of a backbone's manifest, for users who have only the binary.
const MANIFEST_KEYS: &str = "the keys are name, license and sha256; in [source] package, file, urls, \
    repository, revision, card, arch, sha256 and bytes; in [features] layer, pool and num_features; in \
    [preprocessing] resize, crop, crop_rounding, interpolation, mean, std, channels, layout and scale";

#[cfg(test)]
mod tests {
    use std::fs;

    use frostline::backbones::onnx::open_checkpoint;
    use frostline::backbones::{BackboneManifest, Source};
    use frostline::error::KnownFile;

    use super::super::hint;
    use super::*;

    #[test]
    fn the_hint_names_each_key_of_a_full_manifest() {
        let mut full = BackboneManifest::named("probe");
        full.license = Some("MIT".to_owned());
        full.sha256 = Some("s".to_owned());
        full.source = Some(Source {
            package: Some("p".to_owned()),
            file: Some("f".to_owned()),
            urls: vec!["u".to_owned()],
            repository: Some("r".to_owned()),
            revision: Some("r".to_owned()),
            card: Some("c".to_owned()),
            arch: Some("a".to_owned()),
            sha256: "s".to_owned(),
            bytes: 1,
        });
        full.features.layer = Some("l".to_owned());
        full.features.num_features = Some(1);
        let words: Vec<&str> = MANIFEST_KEYS.split([' ', ',', ';']).collect();
        for line in full.to_toml().lines().filter(|line| !line.is_empty()) {
            let key = line.split(" =").next().unwrap();
            assert!(words.contains(&key), "{key}");
        }
    }

    #[test]
    fn a_manifest_that_is_none_has_its_keys_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probe.toml");
        fs::write(&path, "").unwrap();
        let error = BackboneManifest::read(&path).unwrap_err();
        assert!(hint(&error).unwrap().contains("num_features"));
    }

    #[test]
    fn weights_are_saved_as_tensors_alone() {
        // A pickle that calls `os.system`.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.pth");
        fs::write(&path, b"\x80\x02cos\nsystem\n.").unwrap();
        let error = open_checkpoint(&path).unwrap_err();
        assert!(hint(&error).unwrap().contains("state_dict()"));
    }

    #[test]
    fn a_file_that_is_known_is_described() {
        let kind = FileKind::Known(Box::new(KnownFile {
            name: "net.onnx".to_owned(),
            bytes: 200_000,
            sha256: "5ac6".to_owned(),
        }));
        let hint = super::hint(Path::new("given"), &kind, &FileProblem::Cut(String::new()));
        assert_eq!(
            hint.unwrap(),
            "the expected `net.onnx` has 200000 bytes and the SHA-256 5ac6"
        );
    }
}
