//! `export`: writes a head with its backbone as one ONNX network for other programs, once it has been
//! compared with frostline's own predictions.

mod assembly;
mod layout;
mod metadata;
mod options;
mod pictures;
mod precision;
mod verify;

use std::path::PathBuf;

use self::assembly::Weights;
use self::layout::Described;
pub use self::options::{
    Agreement, ExportInput, ExportLayout, ExportOptions, ExportOutput, ExportPrecision,
    ExportReport, ExportResize,
};
use self::precision::Conversion;
use self::verify::Comparison;
use super::guard::{OutputGuard, Overwrite, Wanted};
use super::inputs::Inputs;
use crate::backbones::onnx::{
    Batch, CutFiles, Spliced, export::metadata_entry, read_network, write_to,
};
use crate::backbones::{Frozen, Located, PlainNetwork, RuntimeLibrary, temporary_folder};
use crate::classifier::{Predictor, Tta};
use crate::error::{Error, ExportProblem, Result};
use crate::head::HeadFile;
use crate::images::{Names, Preprocessor};
use crate::outputs::{self, TemporaryFolder};
use crate::progress::Progress;

/// Writes a head, its backbone and, if wanted, the preprocessing of images as one ONNX network.
///
/// The network is first written to a temporary folder and run by ONNX Runtime, without frostline's operators,
/// on at least 16 images; it takes its place only if its probabilities are those of frostline.
///
/// # Errors
/// [`ExportProblem`] for a head that cannot be exported, or a network that does not agree with frostline; a
/// head or network that cannot be read or do not belong together; an output that cannot be written.
pub fn export(options: &ExportOptions, progress: &dyn Progress) -> Result<ExportReport> {
    let place = Place::of(options);
    let replaces = place.model.exists();
    let guard = guard(options);
    guard.check(&place.model, Wanted::Network, options.overwrite)?;
    let subjects = pictures::choose(options)?;
    let predictor = Predictor::open(&options.head, Tta::Trained)?;
    let file = HeadFile::read(&options.head)?;
    check(&predictor, options)?;
    let spec = predictor.spec();
    options.layout.check(options, &spec.preprocessing)?;
    let library = RuntimeLibrary::find(&options.run.home)?;
    let located = Located::of(spec, options.backbone.as_deref(), &options.run.home)?;
    let mut frozen = Frozen::at(spec, &located, &library, &options.run)?;
    let backbone = located.described(&spec.backbone).manifest;

    let weights = Weights::of(&file, &predictor, options);
    let mut plan = weights.plan(&spec.preprocessing, frozen.backbone.pooling(), options)?;
    plan.metadata = metadata::entries(&file, &backbone, options.input);
    let network = read_network(&located.file.path)?;
    let cut = network.cut_with(&spec.backbone.layer.as_str().into(), Batch::AsInFile)?;
    let folder = temporary_folder(&options.run.home)?;
    let mut conversion = Conversion {
        options,
        library: &library,
        folder: &folder,
        decoding: spec.decoding.within(options.limits),
        preprocessor: Preprocessor::new(&spec.preprocessing)?,
    };
    let converted = conversion.run(&cut, progress)?;
    let cut = match &converted {
        Some(network) => network.cut_with(&cut.output().into(), Batch::AsInFile)?,
        None => cut,
    };
    let Conversion {
        decoding,
        preprocessor,
        ..
    } = conversion;
    let files = cut.export(&plan, &place.data_name())?;
    place.check(&guard, &files, options, replaces)?;

    place.write_aside(&files, &folder)?;
    let threads = options.run.threads;
    let mut comparison = Comparison {
        exported: PlainNetwork::open(&library, &folder.path().join(MODEL), threads)?,
        decoding,
        preprocessor,
        options,
        predictor: &predictor,
        frozen: &mut frozen,
    };
    let described = Described {
        classes: &file.classes,
        preprocessing: &spec.preprocessing,
        inputs: comparison.exported.inputs(),
        outputs: comparison.exported.outputs(),
        has_data: files.data.is_some(),
    };
    let beside = options.layout.beside(&options.output, &described);
    for file in &beside {
        guard.check(&file.path, file.kind, options.overwrite)?;
    }
    let (agreement, skipped) = comparison.run(&subjects, progress)?;
    for file in &beside {
        outputs::write_bytes_through(&file.path, file.text.as_bytes())?;
    }
    let bytes = place.write(&files, &metadata::verification(&agreement))?;
    Ok(ExportReport {
        classes: file.classes,
        outputs: plan.names(),
        bytes,
        data: files.data.is_some().then_some(place.data),
        agreement,
        skipped,
        notes: frozen.notes(),
        backbone,
    })
}

fn guard(options: &ExportOptions) -> OutputGuard {
    let guard = OutputGuard::new()
        .home(&options.run.home)
        .reads([&options.head])
        .network(options.backbone.as_deref());
    let folders = [&options.verify, &options.calibration]
        .into_iter()
        .flatten();
    let inputs = folders.map(|folder| Inputs::Paths(vec![folder.clone()], Names::default()));
    inputs.fold(guard, |guard, inputs| guard.images(&inputs))
}

/// Refuses a head that one network without frostline cannot stand for.
fn check(predictor: &Predictor, options: &ExportOptions) -> Result<(), ExportProblem> {
    let views = predictor.spec().views.len();
    if views > 1 {
        return Err(ExportProblem::Views(views));
    }
    if options.with_rejection && predictor.rejection().is_none() {
        return Err(ExportProblem::NoRejection);
    }
    Ok(())
}

/// The name of the network in the temporary folder.
const MODEL: &str = "model.onnx";

/// Where the network is written, and its weights if one file would be too large.
struct Place {
    model: PathBuf,
    data: PathBuf,
}

impl Place {
    fn of(options: &ExportOptions) -> Self {
        let [model, data] = options.layout.files(&options.output);
        Self { model, data }
    }

    /// Returns the name of the file of weights, which the network contains.
    fn data_name(&self) -> String {
        let name = self.data.file_name().unwrap_or(self.data.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Checks the file of weights, if there is one. It may replace that of an earlier export.
    fn check(
        &self,
        guard: &OutputGuard,
        files: &CutFiles,
        options: &ExportOptions,
        replaces: bool,
    ) -> Result<()> {
        if files.data.is_none() {
            return Ok(());
        }
        if outputs::is_stdout(&self.model) {
            return Err(ExportProblem::TwoFiles.into());
        }
        let overwrite = if replaces {
            Overwrite::Allow
        } else {
            options.overwrite
        };
        guard.check(&self.data, Wanted::Network, overwrite)
    }

    /// Writes the files to a temporary folder.
    fn write_aside(&self, files: &CutFiles, folder: &TemporaryFolder) -> Result<()> {
        let write = |spliced: &Spliced, name: &str| {
            let path = folder.path().join(name);
            let mut file = folder.create(name).map_err(Error::io("create", &path))?;
            write_to(spliced, &mut file, &path)
        };
        if let Some(data) = &files.data {
            write(data, &self.data_name())?;
        }
        write(&files.model, MODEL)
    }

    /// Writes the files to their place, the network with one more entry of metadata, and returns their size.
    fn write(&self, files: &CutFiles, (key, value): &(&str, String)) -> Result<u64> {
        let mut bytes = files.model.len();
        if let Some(data) = &files.data {
            bytes += data.len();
            outputs::write_through(&self.data, |file| write_to(data, file, &self.data))?;
        }
        let entry = metadata_entry(key, value);
        let name = outputs::name(&self.model);
        outputs::write_through(&self.model, |file| {
            write_to(&files.model, file, name)?;
            file.write_all(&entry).map_err(Error::io("write", name))
        })?;
        Ok(bytes + entry.len() as u64)
    }
}
