//! `frostline preview`.

use std::path::PathBuf;

use super::Outcome;
use super::backbone_args::BackboneArgs;
use super::decoding_args::DecodingArgs;
use super::examples::examples;
use super::input_args::InputArgs;
use super::output::{OverwriteArg, check_extension, reason};
use super::talk;
use frostline::backbones::Home;
use frostline::phrases::counted;
use frostline::tasks::{OutputGuard, PreviewOptions, Wanted, preview};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// PNG file to write; `-` is standard output.
    #[arg(short, long, value_name = "GRID.png")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Number of images to show, spread evenly over all images.
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=400))]
    count: u16,
    #[command(flatten)]
    backbone: BackboneArgs,
    #[command(flatten)]
    decoding: DecodingArgs,
}

const EXAMPLES: &str = examples! {
    "Show 16 images as the default backbone sees them":
    "frostline preview photos -o grid.png"
    "Show 100 images as they are prepared with other settings":
    "frostline preview photos -o grid.png --count 100 --resize none"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let mut options = PreviewOptions::new(args.input.images()?, args.output, home);
    options.count = args.count.into();
    options.overrides = args.backbone.overrides();
    options.backbone = args.backbone.backbone;
    options.decoding = args.decoding.options();
    let guard = OutputGuard::new()
        .home(&options.home)
        .images(&options.inputs)
        .network(Some(&options.backbone));
    guard.check(&options.output, Wanted::Png, args.overwrite.into())?;
    check_extension(&options.output, &["png"])?;
    let report = preview(&options)?;
    talk::warn_list(
        format!("{} skipped", counted(report.skipped.len(), "image")),
        report.skipped.iter().map(reason),
        "",
    );
    let (width, height) = report.size;
    talk::say(format!(
        "wrote {} of {width} × {height} pixels to {}",
        counted(report.shown, "image"),
        options.output.display()
    ));
    Ok(Outcome::of(&report.skipped))
}
