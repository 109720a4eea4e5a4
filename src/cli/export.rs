//! `frostline export`.

use std::path::{Path, PathBuf};

use super::Outcome;
use super::bar::Bar;
use super::choices::choices;
use super::errors::with_flags;
use super::examples::examples;
use super::headings::{NETWORK, VERIFICATION};
use super::json;
use super::output::{FindingsFormat, OverwriteArg, check_extension, notes, skipped};
use super::refusal::Refusal;
use super::{given, number, talk};
use frostline::backbones::Home;
use frostline::outputs;
use frostline::phrases::counted;
use frostline::results::ExportJson;
use frostline::tasks::{
    Agreement, ExportInput, ExportLayout, ExportOptions, ExportOutput, ExportPrecision,
    ExportReport, ExportResize, export,
};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Head file or bundle; it determines the backbone and the preprocessing.
    #[arg(long, value_name = "HEAD")]
    head: PathBuf,
    /// Network to write, or the folder for it with --layout; `-` is standard output.
    #[arg(short, long, value_name = "MODEL.onnx")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Files to write: file (the network alone), hf (a folder for transformers.js and Optimum), or triton
    /// (the folder of a model for Triton Inference Server).
    #[arg(long, value_name = "LAYOUT", default_value = "file",
          value_parser = choices::<ExportLayout>(LAYOUTS), hide_possible_values = true)]
    layout: ExportLayout,
    /// What the network takes: tensor (normalised floats, as the backbone), crop (8-bit RGB of the size of
    /// the crop, normalised inside), or pixels (8-bit RGB of any size, resized, cropped and normalised
    /// inside).
    #[arg(long, value_name = "INPUT", default_value = "tensor",
          value_parser = choices::<ExportInput>(INPUTS), hide_possible_values = true)]
    input: ExportInput,
    /// How a network for pixels resizes them: onnx (the operator `Resize`), or matmul (products of matrices,
    /// for runtimes whose `Resize` has no antialiasing, such as that of NVIDIA's GPUs).
    #[arg(long, value_name = "WAY", default_value = "onnx",
          value_parser = choices::<ExportResize>(RESIZES), hide_possible_values = true)]
    resize: ExportResize,
    /// What the network returns: probabilities, logits, features, or all of them.
    #[arg(long, value_name = "OUTPUTS", default_value = "probabilities",
          value_parser = choices::<ExportOutput>(OUTPUTS), hide_possible_values = true)]
    outputs: ExportOutput,
    /// Precision of the backbone: fp32, fp16, or int8, which needs --calibration. The head stays fp32.
    #[arg(long, value_name = "PRECISION", default_value = "fp32",
          value_parser = choices::<ExportPrecision>(PRECISIONS), hide_possible_values = true)]
    precision: ExportPrecision,
    /// Folder with at least 100 images, such as training images, to take the ranges of int8 from.
    #[arg(long, value_name = "IMAGES")]
    calibration: Option<PathBuf>,
    /// Add the outputs `similarity`, to the nearest training image, and `unknown`, for images that the head
    /// rejects.
    #[arg(long)]
    with_rejection: bool,
    /// Format of the result on standard output.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
    /// Compare the network with frostline on the images of this folder, and its accuracy if there is a folder
    /// for each class [default: 16 generated pictures].
    #[arg(long, value_name = "IMAGES", help_heading = VERIFICATION)]
    verify: Option<PathBuf>,
    /// Fail if the accuracy on labelled images drops by more than this many percentage points.
    #[arg(long, value_name = "POINTS", default_value_t = 1.0, value_parser = max_drop,
          requires = "verify", help_heading = VERIFICATION)]
    max_drop: f64,
    /// Threads for the network [default: the CPUs available to this process].
    #[arg(long, value_name = "N", value_parser = threads, help_heading = NETWORK)]
    threads: Option<usize>,
    /// Name or file of the network, if the head's backbone is not installed.
    #[arg(long, value_name = "NAME|FILE", help_heading = NETWORK)]
    backbone: Option<PathBuf>,
}

const INPUTS: &[&str] = &["tensor", "crop", "pixels"];
const PRECISIONS: &[&str] = &["fp32", "fp16", "int8"];
const LAYOUTS: &[&str] = &["file", "hf", "triton"];
const RESIZES: &[&str] = &["onnx", "matmul"];
const OUTPUTS: &[&str] = &["probabilities", "logits", "features", "all"];

const EXAMPLES: &str = examples! {
    "Write one ONNX file of backbone and head, compared on a validation set":
    "frostline export --head head.safetensors -o model.onnx \\
       --verify images/validation"
    "Take whole 8-bit RGB images, and return all outputs":
    "frostline export --head head.safetensors -o model.onnx \\
       --input pixels --outputs all"
    "Mark images unlike any training image; the head was fitted with --reject":
    "frostline export --head head.safetensors -o model.onnx --with-rejection"
};

/// Parses a number of percentage points.
fn max_drop(text: &str) -> Result<f64, String> {
    let points = number::float::<f64>(text)?;
    if (0.0..=100.0).contains(&points) {
        return Ok(points);
    }
    Err("must be between 0 and 100".to_owned())
}

fn threads(text: &str) -> Result<usize, String> {
    number::within(text, 1, 1024)
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    check_together(&args)?;
    given::head(&args.head)?;
    args.verify.as_deref().map_or(Ok(()), given::data)?;
    args.calibration.as_deref().map_or(Ok(()), given::data)?;
    match args.layout {
        ExportLayout::File => refuse_folder(&args.output)?,
        layout => refuse_file(layout, &args.output)?,
    }
    refuse_two_results(args.format, &args.output)?;
    let mut options = ExportOptions::new(args.head, args.output, home);
    options.backbone = args.backbone;
    options.overwrite = args.overwrite.into();
    options.layout = args.layout;
    options.input = args.input;
    options.resize = args.resize;
    options.outputs = args.outputs;
    options.precision = args.precision;
    options.calibration = args.calibration;
    options.max_drop = args.max_drop;
    options.with_rejection = args.with_rejection;
    options.verify = args.verify;
    options.run.threads = args.threads.unwrap_or(options.run.threads);
    let report = export(&options, &Bar::default())?;
    tell(&report, &options);
    if args.format == FindingsFormat::Json {
        json::print(&ExportJson::new(&report, &options, with_flags))?;
    }
    Ok(Outcome::of(&report.skipped))
}

/// Refuses a name for a file that is that of a folder, or has another extension.
fn refuse_folder(output: &Path) -> Result<(), Refusal> {
    if output.is_dir() {
        return Err(Refusal::usage(
            format!("-o is the folder `{}`, not a file", output.display()),
            "pass the path of a file with -o, or add --layout hf or --layout triton",
        ));
    }
    check_extension(output, &["onnx"])
}

/// Refuses a name for a folder that is clearly that of a file.
fn refuse_file(layout: ExportLayout, output: &Path) -> Result<(), Refusal> {
    let is_network = output
        .extension()
        .is_some_and(|extension| extension == "onnx");
    if is_network || outputs::is_stdout(output) || output.is_file() {
        return Err(Refusal::usage(
            format!(
                "--layout {layout} writes a folder, but -o is `{}`",
                output.display()
            ),
            "pass the path of a folder with -o",
        ));
    }
    Ok(())
}

/// Refuses options that need others, or that others leave without effect.
fn check_together(args: &Args) -> Result<(), Refusal> {
    if args.calibration.is_none() && args.precision == ExportPrecision::Int8 {
        return Err(Refusal::usage(
            "--precision int8 needs images to calibrate on",
            "add --calibration IMAGES, a folder with at least 100 of the training images",
        ));
    }
    if args.calibration.is_some() && args.precision != ExportPrecision::Int8 {
        return Err(Refusal::usage(
            format!(
                "--calibration has no effect with --precision {}",
                args.precision
            ),
            "add --precision int8, or omit --calibration",
        ));
    }
    if args.resize == ExportResize::MatMul && args.input != ExportInput::Pixels {
        return Err(Refusal::usage(
            format!("--resize matmul has no effect with --input {}", args.input),
            "add --input pixels, or omit --resize",
        ));
    }
    Ok(())
}

fn refuse_two_results(format: FindingsFormat, output: &Path) -> Result<(), Refusal> {
    if format == FindingsFormat::Json && outputs::shares_stdout(output) {
        let output = output.display();
        return Err(Refusal::usage(
            format!("`--format json` and `-o {output}` both write to standard output"),
            "write the network to a file with -o, or omit --format json",
        ));
    }
    Ok(())
}

fn tell(report: &ExportReport, options: &ExportOptions) {
    notes(&report.notes);
    skipped(&report.skipped);
    let backbone = &report.backbone;
    let licence = match &backbone.license {
        Some(licence) => format!("licence {licence}"),
        None => "licence not known".to_owned(),
    };
    talk::say(format!(
        "wrote {}: {} on the backbone {} ({licence}), {:.1} MB",
        outputs::name(&options.output).display(),
        counted(report.classes.len(), "class"),
        backbone.name,
        report.bytes as f64 / 1e6
    ));
    if let Some(data) = &report.data {
        talk::say(format!("  weights     {}", data.display()));
    }
    talk::say(format!(
        "  input       {}, backbone in {}",
        options.input, options.precision
    ));
    talk::say(format!("  outputs     {}", report.outputs.join(", ")));
    tell_agreement(&report.agreement);
    if report.drops_rejection {
        talk::note(
            "the head rejects unknown images, but the network does not: add --with-rejection",
        );
    }
}

fn tell_agreement(agreement: &Agreement) {
    talk::say(format!(
        "  verified    {} of {} have frostline's label; largest difference {:.1e}",
        agreement.equal_labels,
        images(agreement),
        agreement.largest_difference
    ));
    if let (Some(difference), Some(other)) = (
        agreement.largest_similarity_difference,
        agreement.differently_rejected,
    ) {
        talk::say(format!(
            "  rejection   {other} of them rejected differently; largest difference {difference:.1e}"
        ));
    }
    if let (Some(before), Some(after)) = (agreement.accuracy_before, agreement.accuracy_after) {
        let trained = match agreement.training {
            0 => String::new(),
            training => format!(", {training} of them training images"),
        };
        talk::say(format!(
            "  accuracy    {:.1} % by frostline, {:.1} % by the network ({}{trained})",
            100.0 * before,
            100.0 * after,
            counted(agreement.labelled, "image")
        ));
    }
    if agreement.foreign > 0 {
        talk::warn(format!(
            "{} of classes that the head does not have: the accuracy is without them",
            counted(agreement.foreign, "image")
        ));
    }
    talk::say(format!(
        "  time        {:.1} ms for an image with ONNX Runtime on this CPU",
        agreement.ms_per_image
    ));
    if agreement.generated == agreement.images {
        talk::note(
            "the network was compared on generated pictures: add --verify IMAGES to compare it on photos",
        );
    }
}

fn images(agreement: &Agreement) -> String {
    let all = counted(agreement.images, "image");
    match agreement.generated {
        0 => all,
        made if made == agreement.images => counted(made, "generated picture"),
        made => format!("{all} ({made} generated)"),
    }
}
