//! `export`: writes a head with its backbone as one ONNX network for other programs, once it has been
//! compared with frostline's own predictions.

mod assembly;
mod layout;
mod metadata;
mod options;
mod pictures;
mod place;
mod precision;
mod source;
mod verify;

use self::assembly::Weights;
use self::layout::Described;
pub use self::options::{
    Agreement, ExportInput, ExportLayout, ExportOptions, ExportOutput, ExportPrecision,
    ExportReport, ExportResize,
};
use self::place::Place;
use self::source::Source;
use crate::classifier::{Predictor, Tta};
use crate::error::{ExportProblem, Result};
use crate::progress::{Progress, go_on};

/// Writes a head, its backbone and, if wanted, the preprocessing of images as one ONNX network.
///
/// The network is first written to a temporary folder and run by ONNX Runtime, without frostline's operators,
/// on at least 16 images; it takes its place only if its probabilities are those of frostline.
///
/// # Errors
/// [`ExportProblem`] for a head that cannot be exported, or a network that does not agree with frostline; a
/// head or network that cannot be read or do not belong together; an output that cannot be written.
pub fn export(options: &ExportOptions, progress: &dyn Progress) -> Result<ExportReport> {
    let place = Place::checked(options)?;
    let subjects = pictures::choose(options)?;
    let predictor = Predictor::open(&options.head, Tta::Trained)?;
    check(&predictor, options)?;
    let spec = predictor.spec();
    let mut source = Source::open(spec, options)?;
    let backbone = source.manifest(spec);

    let weights = Weights::of(&predictor, options);
    let mut plan = weights.plan(&spec.preprocessing, source.pooling(), options)?;
    plan.metadata = metadata::entries(&predictor, &backbone, options.input);
    let layer = &spec.backbone.layer;
    let files = source.assembled(layer, &plan, &place.data_name(), progress)?;
    place.check_data(&files)?;

    let path = place.write_aside(&files, source.folder())?;
    let mut comparison = source.comparison(&path, &predictor)?;
    let described = Described {
        classes: predictor.classes(),
        preprocessing: &spec.preprocessing,
        inputs: comparison.exported.inputs(),
        outputs: comparison.exported.outputs(),
        has_data: files.data.is_some(),
    };
    let (agreement, skipped) = comparison.run(&subjects, progress)?;
    go_on(progress)?;
    let bytes = place.write(&described, &files, &metadata::verification(&agreement))?;
    Ok(ExportReport {
        classes: predictor.classes().clone(),
        outputs: plan.names(),
        bytes,
        data: files.data.is_some().then(|| place.data().to_owned()),
        drops_rejection: !options.with_rejection && predictor.rejection().is_some(),
        agreement,
        skipped,
        notes: source.notes(),
        backbone,
    })
}

/// Refuses a head that one network without frostline cannot stand for.
fn check(predictor: &Predictor, options: &ExportOptions) -> Result<(), ExportProblem> {
    let spec = predictor.spec();
    let views = spec.views.len();
    if views > 1 {
        return Err(ExportProblem::Views(views));
    }
    if options.with_rejection && predictor.rejection().is_none() {
        return Err(ExportProblem::NoRejection);
    }
    options.layout.check(options, &spec.preprocessing)
}
