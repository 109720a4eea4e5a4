//! `frostline fit-head`.

mod epochs;
mod sgd_args;
mod solver_args;

use std::path::{Path, PathBuf};

use self::epochs::Epochs;
use self::solver_args::SolverArgs;
use super::Outcome;
use super::bar::Bar;
use super::errors;
use super::examples::examples;
use super::given;
use super::json;
use super::label_args::{self, LabelArgs};
use super::number::float;
use super::output::{FindingsFormat, OverwriteArg};
use super::refusal::Refusal;
use super::search_args::{self, SearchArgs};
use super::size;
use super::talk;
use super::trust_args::{self, TrustArgs};
use frostline::head::Fit;
use frostline::outputs::shares_stdout;
use frostline::phrases::counted;
use frostline::results::{FittedHead, trust_warnings};
use frostline::tasks::{
    FitHeadOptions, FitHeadReport, OutputGuard, Streaming, Validation, Wanted, fit_head,
};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Feature store of the training images.
    #[arg(value_name = "FEATURES")]
    features: PathBuf,
    /// Head file to write; `-` is standard output.
    #[arg(short, long, value_name = "HEAD")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Feature store of the validation images.
    #[arg(long, value_name = "FEATURES", group = "validating")]
    validation: Option<PathBuf>,
    /// Hold out this share of the training images for validation, stratified by class; duplicates stay
    /// together.
    #[arg(long, value_name = "SHARE", group = "validating", value_parser = float::<f64>)]
    validation_split: Option<f64>,
    /// Train on the split `train` of a file that `frostline split` has written, and validate on its split
    /// `validation`; other images are left out.
    #[arg(long, value_name = "FILE", group = "validating")]
    splits: Option<PathBuf>,
    /// Train on all stored views: sgd draws one view of each image per epoch, lbfgs uses all of them.
    #[arg(long)]
    augment: bool,
    /// Memory limit for features, such as 500M or 4G; larger sets are read in blocks in every epoch of sgd
    /// [default: half of the free memory].
    #[arg(long, value_name = "SIZE", value_parser = size::bytes)]
    memory: Option<u64>,
    /// Format of the result; json adds one JSON object on standard output to the text on standard error.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
    #[command(flatten)]
    labels: LabelArgs,
    #[command(flatten)]
    solver: SolverArgs,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

const EXAMPLES: &str = examples! {
    "Train a head, and show its accuracy on a validation set":
    "frostline fit-head features/train -o head.safetensors \\
       --validation features/validation"
    "Without a validation set, predict each image with a head that has not seen it":
    "frostline fit-head features/photos --folds 5 -o head.safetensors"
    "Train on labels in a file, instead of the folders":
    "frostline fit-head features/photos --labels labels.csv -o head.safetensors"
    "Find the best settings, calibrate probabilities, reject unrelated images":
    "frostline fit-head features/photos -o head.safetensors \\
       --search --calibrate --reject 0.05"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    let format = args.format;
    refuse_two_results(format, &args.output)?;
    given::store(&args.features)?;
    args.validation.as_deref().map_or(Ok(()), given::store)?;
    let splits = args.splits.clone();
    let validation = match (args.validation, args.validation_split, args.splits) {
        (Some(store), ..) => Validation::Store(store),
        (None, Some(share), _) => Validation::Split(share),
        (None, None, Some(file)) => Validation::Splits(file),
        (None, None, None) => Validation::None,
    };
    let table = args.solver.class_weight_file();
    let params = args.solver.params(args.search.schedule())?;
    let validates = validation != Validation::None;
    args.solver.check(validates, args.augment)?;
    let mut options = FitHeadOptions::new(args.features, args.output);
    options.params = params;
    options.labels = args.labels.options();
    options.validation = validation;
    options.augment = args.augment;
    options.fixed = args.solver.fixed();
    options.search = args.search.search();
    options.learning_curve = args.search.learning_curve();
    options.out_of_fold = args.search.out_of_fold(args.trust.is_calibrating());
    options.calibrate = args.trust.calibrate(args.search.folds());
    options.reject = args.trust.reject();
    options.calibrate_on = args.trust.calibrate_on();
    options.near = args.search.near();
    options.memory = args.memory;
    options.check()?;
    let guard = OutputGuard::new()
        .reads([&options.features])
        .reads(options.validation.store())
        .reads(label_args::file_of(options.labels.as_ref()))
        .reads(splits)
        .reads(table);
    guard.check(&options.output, Wanted::Head, args.overwrite.into())?;
    let mut epochs = Epochs::new(options.params.values().epochs);
    let report = fit_head(&options, &mut |epoch| epochs.tell(epoch), &Bar::default())?;
    epochs.end(&report.fit);
    label_args::tell(report.laid_labels.as_ref());
    tell(&report, &options);
    if format == FindingsFormat::Json {
        json::print(&FittedHead::new(&report, &options, warnings(&report)))?;
    }
    Ok(Outcome::AllRight)
}

fn refuse_two_results(format: FindingsFormat, output: &Path) -> Result<(), Refusal> {
    if format == FindingsFormat::Json && shares_stdout(output) {
        let output = output.display();
        return Err(Refusal::usage(
            format!("`--format json` and `-o {output}` both write to standard output"),
            "write the head to a file with -o, or omit --format json",
        ));
    }
    Ok(())
}

fn tell(report: &FitHeadReport, options: &FitHeadOptions) {
    search_args::tell(report, options.params.values());
    report.streamed.iter().for_each(tell_streaming);
    report.approximation().iter().for_each(talk::note);
    fit_warnings(report).for_each(talk::warn);
    if report.n_validation == 0 && report.out_of_fold.is_none() {
        talk::note(
            "no validation set was given: add --validation FEATURES, --validation-split 0.2 or --folds 5",
        );
    }
    let (classes, seconds) = (report.classes.len(), report.fit.seconds);
    talk::say(format!(
        "trained on {} × {} features, {}, in {seconds:.3} s",
        counted(report.n_train, "image"),
        report.n_features,
        counted(classes, "class")
    ));
    tell_end(&report.fit);
    if let Some(v) = report.fit.validation {
        let n = counted(report.n_validation, "image");
        talk::say(format!(
            "  validation  {:.1} % of {n} right, loss {:.4}",
            100.0 * v.accuracy,
            v.loss
        ));
    }
    if let Some(f) = report.out_of_fold {
        talk::say(format!(
            "  out of fold {:.1} % of {} right, loss {:.4} ({} folds)",
            100.0 * f.accuracy,
            counted(f.n, "image"),
            f.log_loss,
            f.folds
        ));
    }
    trust_args::tell(report);
    talk::say(format!("  head        {}", options.output.display()));
}

/// Returns the warnings about the training images and the fit.
fn fit_warnings(report: &FitHeadReport) -> impl Iterator<Item = String> {
    let of_fit = report.fit.warnings.iter().map(errors::warning);
    report.warnings.iter().cloned().chain(of_fit)
}

/// Returns all warnings.
fn warnings(report: &FitHeadReport) -> Vec<String> {
    fit_warnings(report).chain(trust_warnings(report)).collect()
}

fn tell_streaming(streaming: &Streaming) {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    talk::note(format!(
        "the features were read in blocks of {} in every epoch: all of them take {} MiB, but only {} MiB are \
         allowed (--memory)",
        counted(streaming.images, "image"),
        mib(streaming.needed),
        mib(streaming.allowed)
    ));
}

/// Prints how the solver ended.
fn tell_end(fit: &Fit) {
    if let Some(optimum) = fit.optimum {
        let iterations = optimum.iterations.map(|n| counted(n, "iteration") + ", ");
        let iterations = iterations.unwrap_or_default();
        talk::say(format!(
            "  minimum     {}loss {:.6}, largest gradient entry {:.1e}",
            iterations, optimum.loss, optimum.gradient
        ));
    }
    if let Some(best) = fit.best_epoch {
        talk::say(format!(
            "  kept        the head of epoch {best}, with the lowest validation loss of {} epochs",
            fit.history.len()
        ));
    }
}
