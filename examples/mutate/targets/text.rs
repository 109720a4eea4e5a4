//! The targets for files of text: tables, journals and backbone manifests.

use std::fs;

use frostline::backbones::BackboneManifest;
use frostline::head::read_class_weights;
use frostline::images::Preprocessor;
use frostline::labels::fuzz;
use frostline::tasks::SeenImages;

use super::Outcome;
use super::scratch::with_file;
#[cfg(feature = "serve")]
use super::scratch::with_files;

pub(super) fn class_weights(bytes: &[u8]) -> Outcome {
    with_file("weights.csv", bytes, |path| {
        read_class_weights(path)?;
        Ok(())
    })
}

pub(super) fn labels(bytes: &[u8]) -> Outcome {
    with_file("labels", bytes, |path| {
        fuzz::labels(path)?;
        Ok(())
    })
}

/// The images that `classify --only-new` has reported.
pub(super) fn seen(bytes: &[u8]) -> Outcome {
    with_file("seen.txt", bytes, |path| {
        SeenImages::open(path)?.save()?;
        assert!(fs::read(path)? == bytes, "nothing new was seen");
        Ok(())
    })
}

/// The journal of `frostline label`.
#[cfg(feature = "serve")]
pub(super) fn label_journal(bytes: &[u8]) -> Outcome {
    with_files(&[("labels.csv.journal", bytes)], |folder| {
        frostline::label::fuzz::journal(folder)?;
        Ok(())
    })
}

/// A manifest that is accepted must survive writing and reading unchanged.
pub(super) fn backbone_manifest(bytes: &[u8]) -> Outcome {
    with_file("backbone.toml", bytes, |path| {
        let manifest = BackboneManifest::read(path)?;
        Preprocessor::new(&manifest.preprocessing)?;
        assert_eq!(manifest.to_toml().parse().as_ref(), Ok(&manifest));
        Ok(())
    })
}
