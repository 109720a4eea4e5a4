//! `frostline bundle`.

use std::path::PathBuf;

use super::Outcome;
use super::examples::examples;
use super::headings::NETWORK;
use super::output::{OverwriteArg, check_extension};
use super::{given, talk};
use frostline::backbones::Home;
use frostline::outputs;
use frostline::phrases::counted;
use frostline::tasks::{BundleOptions, bundle};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Head file; it determines the backbone.
    #[arg(long, value_name = "HEAD")]
    head: PathBuf,
    /// Bundle to write; `-` is standard output.
    #[arg(short, long, value_name = "NAME.frostline")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Name or file of the network, if the head's backbone is not installed.
    #[arg(long, value_name = "NAME|FILE", help_heading = NETWORK)]
    backbone: Option<PathBuf>,
}

const EXAMPLES: &str = examples! {
    "Write a head and its installed backbone into one file":
    "frostline bundle --head head.safetensors -o cats.frostline"
    "Bundle a head whose backbone is a file of your own":
    "frostline bundle --head head.safetensors --backbone net.onnx -o my.frostline"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    given::head(&args.head)?;
    check_extension(&args.output, &["frostline"])?;
    let mut options = BundleOptions::new(args.head, args.output, home);
    options.backbone = args.backbone;
    options.overwrite = args.overwrite.into();
    let report = bundle(&options)?;
    let backbone = &report.backbone;
    let licence = match &backbone.license {
        Some(licence) => format!("licence {licence}"),
        None => "licence not known".to_owned(),
    };
    talk::say(format!(
        "wrote {}: a head of {} and the backbone {} ({licence}), {:.1} MB",
        outputs::name(&options.output).display(),
        counted(report.classes.len(), "class"),
        backbone.name,
        report.bytes as f64 / 1e6
    ));
    Ok(Outcome::AllRight)
}
