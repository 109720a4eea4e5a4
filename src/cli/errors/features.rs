//! Hints for errors of `features`.

use frostline::error::{FeaturesError, NoSamples};

use super::file::REBUILD;

/// What to do about something among shards that is none.
pub(in crate::cli) const STRAY: &str = "leave it out: a pattern such as `shards/*` matches everything in \
    the folder; pass a folder of stores or of tables as `FOLDER/*`";

/// Returns what the user can do about the error.
pub(super) fn hint(error: &FeaturesError) -> Option<String> {
    let hint = match error {
        FeaturesError::Missing { .. } | FeaturesError::NotAStore { .. } => {
            "run `frostline extract IMAGES -o FEATURES` to create a feature store"
        }
        FeaturesError::LostManifest { .. } => REBUILD,
        FeaturesError::NoSamples {
            reason: NoSamples::NoIndex,
            ..
        } => {
            "run the same `frostline extract` again, without --retry-failed: it rebuilds the index and \
             reuses the store's features"
        }
        FeaturesError::NoSamples { .. } => {
            "run `frostline extract` again to see the reasons, and fix or replace the images"
        }
        FeaturesError::NothingToExport { .. } => "let `frostline extract` finish first",
        FeaturesError::NoSuchView { .. } => "extract the images with --views into a new store",
        FeaturesError::Incomplete { .. } => {
            "run the same `frostline extract` again: it computes the missing features"
        }
        FeaturesError::OutOfMemory { .. } => {
            "use fewer images or views, or a machine with more memory"
        }
        FeaturesError::InsideStore { .. } => "choose a folder outside it",
        FeaturesError::OtherFolder { .. } => "choose a new or empty folder",
        FeaturesError::ReadOnly { .. } => "make it writable, or write to another store",
        FeaturesError::NotKept { .. } => "exclude the image",
        FeaturesError::OtherFeatures { .. } => {
            "use another folder for the features, or replace those in the store with `frostline extract \
             --overwrite`"
        }
        FeaturesError::OtherShard { .. } => {
            "use a folder of its own for each shard, and combine them with `frostline features merge`"
        }
        FeaturesError::OtherImages { .. } => {
            "pass the images of the store's last run by the same paths, and its shard"
        }
        FeaturesError::OtherStore { .. } => "extract all shards with the same backbone and options",
        FeaturesError::OtherShards { .. } => {
            "merge the shards of one run, with the same images and the same N of --shard I/N; run the older \
             ones again, which keeps their features"
        }
        FeaturesError::Unfinished { .. } => {
            "run `frostline extract --shard` again for these, or merge what is there with --partial"
        }
        FeaturesError::UnfinishedTarget { .. } => {
            "let its `frostline extract` finish first, choose another output, or merge anyway with --partial"
        }
        FeaturesError::Stray { .. } => STRAY,
        FeaturesError::UnlikeFeatures { .. } => {
            "extract one of the two again with --overwrite, on the same kind of device as the others"
        }
        FeaturesError::Conflict(conflict) if conflict.what == "classes" => {
            "extract all shards from the same folder, with the same class folders"
        }
        FeaturesError::Conflict(conflict) if conflict.stores[0] == conflict.stores[1] => {
            "give each image a unique `path` or `id`"
        }
        FeaturesError::Conflict(_) => {
            "if the image has changed, extract the older shards again and merge all into a new store; if \
             these are two images, give each a unique `path` or `id`"
        }
        FeaturesError::OtherManifest { .. } => {
            "if the manifest was copied from another store, run `frostline extract` with the settings of the \
             features: it rebuilds the manifest; otherwise, choose another output folder"
        }
        FeaturesError::MixedParts { store, .. } => {
            return Some(format!(
                "the manifest of `{}` is damaged and its parts come from different stores: move the parts of \
                 the other store out of the folder",
                store.display()
            ));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use frostline::error::Error;
    use frostline::features::StoreManifest;

    use super::super::hint;
    use frostline::error::{FileKind, FileProblem};

    use super::*;

    fn damaged(kind: FileKind, problem: FileProblem) -> String {
        let path = PathBuf::from("store/file");
        let error = Error::File {
            path,
            kind,
            problem,
        };
        hint(&error).unwrap()
    }

    #[test]
    fn a_damaged_file_of_a_store_is_computed_or_rebuilt_by_extract() {
        let problem = || FileProblem::Damaged("its checksum does not match".to_owned());
        let manifest = damaged(FileKind::StoreManifest, problem());
        assert!(manifest.contains("extract` again: it rebuilds the manifest"));
        let index = damaged(FileKind::StoreIndex, problem());
        assert!(index.ends_with("extract` again: it rebuilds the index"));
        let part = damaged(FileKind::StorePart, problem());
        assert!(part.contains("extract` again with --verify"));
        let foreign = damaged(
            FileKind::StorePart,
            FileProblem::Foreign {
                wanted: "a part of this feature store",
                found: "another layer".to_owned(),
            },
        );
        assert!(
            foreign.contains("move the part out of the folder") && !foreign.contains("--verify")
        );
        let changed = damaged(FileKind::StorePart, FileProblem::Changed("changed"));
        assert_eq!(changed, "run the same command again");
    }

    #[test]
    fn a_newer_or_foreign_manifest_is_not_rebuilt() {
        let newer = FileProblem::Newer {
            found: 99,
            known: 2,
        };
        assert!(damaged(FileKind::StoreManifest, newer).contains("newer frostline"));
        let foreign = FileProblem::Foreign {
            wanted: "a feature store",
            found: "a web app manifest".to_owned(),
        };
        let foreign = damaged(FileKind::StoreManifest, foreign);
        assert_eq!(
            foreign,
            "pass a folder that `frostline extract` has written"
        );
    }

    #[test]
    fn what_is_no_store_is_made_by_extract() {
        let folder = tempfile::tempdir().unwrap();
        let made = |path| hint(&StoreManifest::read(path).unwrap_err()).unwrap();
        let missing = folder.path().join("missing");
        fs::write(folder.path().join("file"), "text").unwrap();
        for path in [folder.path(), &missing, &folder.path().join("file")] {
            assert_eq!(
                made(path),
                "run `frostline extract IMAGES -o FEATURES` to create a feature store"
            );
        }
    }

    #[test]
    fn features_of_two_stores_are_parted_by_hand() {
        let store = || PathBuf::from("store");
        let mixed = FeaturesError::MixedParts {
            store: store(),
            parts: ["a".into(), "b".into()],
            differences: Vec::new(),
        };
        let mixed = hint(&mixed.into()).unwrap();
        assert!(mixed.starts_with("the manifest of `store` is damaged"));
        assert!(mixed.contains("move"));
        let differences = Vec::new();
        let other = FeaturesError::OtherManifest {
            store: store(),
            differences,
        };
        let other = hint(&other.into()).unwrap();
        assert!(other.contains("rebuilds the manifest"));
    }
}
