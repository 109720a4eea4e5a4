//! The backbone of an export: the network that is copied, and frostline's own side of the comparison.

use std::path::Path;

use super::options::ExportOptions;
use super::precision::Conversion;
use super::verify::Comparison;
use crate::backbones::onnx::export::{Plan, Pooling};
use crate::backbones::onnx::{Batch, CutFiles, read_network};
use crate::backbones::{
    BackboneManifest, FeatureSpec, Frozen, Located, PlainNetwork, RuntimeLibrary, temporary_folder,
};
use crate::classifier::Predictor;
use crate::error::Result;
use crate::images::{DecodeOptions, Preprocessor};
use crate::outputs::TemporaryFolder;
use crate::progress::Progress;
use crate::tasks::provide::provide_for;

pub(super) struct Source<'a> {
    options: &'a ExportOptions,
    library: RuntimeLibrary,
    located: Located,
    frozen: Frozen,
    /// The folder for all steps of the export.
    folder: TemporaryFolder,
    decoding: DecodeOptions,
    preprocessor: Preprocessor,
}

impl<'a> Source<'a> {
    /// Opens the network of a head's features.
    ///
    /// # Errors
    /// A network that is not found or cannot be loaded.
    pub(super) fn open(spec: &FeatureSpec, options: &'a ExportOptions) -> Result<Self> {
        let run = &options.run;
        provide_for(&spec.backbone, options.backbone.as_deref(), &run.home);
        let library = RuntimeLibrary::find(&run.home)?;
        let located = Located::of(spec, options.backbone.as_deref(), &run.home)?;
        Ok(Self {
            frozen: Frozen::at(spec, &located, &library, run)?,
            folder: temporary_folder(&run.home)?,
            decoding: spec.decoding.within(options.limits),
            preprocessor: Preprocessor::new(&spec.preprocessing)?,
            options,
            library,
            located,
        })
    }

    /// Returns the manifest of the network, with its licence if it is known.
    pub(super) fn manifest(&self, spec: &FeatureSpec) -> BackboneManifest {
        self.located.described(&spec.backbone).manifest
    }

    pub(super) fn pooling(&self) -> Pooling {
        self.frozen.backbone.pooling()
    }

    pub(super) fn folder(&self) -> &TemporaryFolder {
        &self.folder
    }

    /// Returns notes for the user on how the network was loaded and has run.
    pub(super) fn notes(&self) -> Vec<String> {
        self.frozen.notes()
    }

    /// Assembles the network, cut at a layer and in the wanted precision, with the head; `data` is the name
    /// of the file of weights if one file would be too large.
    ///
    /// # Errors
    /// A network that cannot be exported or converted.
    pub(super) fn assembled(
        &mut self,
        layer: &str,
        plan: &Plan<'_>,
        data: &str,
        progress: &dyn Progress,
    ) -> Result<CutFiles> {
        let network = read_network(&self.located.file.path)?;
        let cut = network.cut_with(&layer.into(), Batch::AsInFile)?;
        let mut conversion = Conversion {
            options: self.options,
            library: &self.library,
            folder: &self.folder,
            decoding: &self.decoding,
            preprocessor: &mut self.preprocessor,
        };
        let Some(converted) = conversion.run(&cut, progress)? else {
            return Ok(cut.export(plan, data)?);
        };
        let cut = converted.cut_with(&cut.output().into(), Batch::AsInFile)?;
        Ok(cut.export(plan, data)?)
    }

    /// Opens an exported network, to compare it with frostline.
    ///
    /// # Errors
    /// A network that ONNX Runtime cannot load.
    pub(super) fn comparison<'c>(
        &'c mut self,
        exported: &Path,
        predictor: &'c Predictor,
    ) -> Result<Comparison<'c>> {
        Ok(Comparison {
            options: self.options,
            predictor,
            frozen: &mut self.frozen,
            exported: PlainNetwork::open(&self.library, exported, self.options.run.threads)?,
            decoding: &self.decoding,
            preprocessor: &mut self.preprocessor,
        })
    }
}
