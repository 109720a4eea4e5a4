//! The targets for tables and manifests that people write.

use frostline::backbones::BackboneManifest;
use frostline::head::read_class_weights;
use frostline::images::Preprocessor;
use frostline::labels::fuzz;

use super::Outcome;
use super::scratch::with_file;

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

/// A manifest that is accepted must survive writing and reading unchanged.
pub(super) fn backbone_manifest(bytes: &[u8]) -> Outcome {
    with_file("backbone.toml", bytes, |path| {
        let manifest = BackboneManifest::read(path)?;
        Preprocessor::new(&manifest.preprocessing)?;
        assert_eq!(manifest.to_toml().parse().as_ref(), Ok(&manifest));
        Ok(())
    })
}
