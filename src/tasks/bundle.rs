//! `bundle`: writes a head and its backbone into one file.

use std::path::PathBuf;

use super::guard::{OutputGuard, Overwrite, Wanted};
use super::provide::provide_for;
use crate::backbones::{BackboneManifest, Home, Located, write_bundle};
use crate::classes::ClassIndex;
use crate::classifier::{Predictor, Tta};
use crate::error::Result;

/// The options of [`bundle`](crate::tasks::bundle()): which head, and where the bundle is written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BundleOptions {
    /// The head file.
    pub head: PathBuf,
    /// The name or file of the network, if the head's backbone is not installed.
    pub backbone: Option<PathBuf>,
    /// The bundle to write; `-` is standard output.
    pub output: PathBuf,
    /// Whether `output` may replace a file of another kind.
    pub overwrite: Overwrite,
    /// Where the backbone is installed.
    pub home: Home,
}

impl BundleOptions {
    /// Bundles a head with its installed backbone.
    #[must_use]
    pub fn new(head: PathBuf, output: PathBuf, home: Home) -> Self {
        Self {
            head,
            backbone: None,
            output,
            overwrite: Overwrite::Refuse,
            home,
        }
    }
}

/// What a bundle contains.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BundleReport {
    /// The head's classes.
    pub classes: ClassIndex,
    /// The manifest of the backbone, with its licence if it is known.
    pub backbone: BackboneManifest,
    /// The size of the bundle in bytes.
    pub bytes: u64,
}

/// Writes a head, the network that its features come from, and the network's manifest into one file, which
/// can be used in the place of the head where the network is not installed.
///
/// # Errors
/// A head or network that cannot be read or do not belong together, a network that is not found, and an
/// output that cannot be written.
pub fn bundle(options: &BundleOptions) -> Result<BundleReport> {
    OutputGuard::new()
        .home(&options.home)
        .reads([&options.head])
        .network(options.backbone.as_deref())
        .check(&options.output, Wanted::Bundle, options.overwrite)?;
    let (predictor, head) = Predictor::open_with_bytes(&options.head, Tta::Trained)?;
    let spec = predictor.spec();
    provide_for(&spec.backbone, options.backbone.as_deref(), &options.home);
    let located = Located::of(spec, options.backbone.as_deref(), &options.home)?;
    let network = located.described(&spec.backbone);
    let bytes = write_bundle(&options.output, &head, &network, &spec.backbone.sha256)?;
    Ok(BundleReport {
        classes: predictor.classes().clone(),
        backbone: network.manifest,
        bytes,
    })
}
