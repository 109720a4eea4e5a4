//! `frostline extract`.

use std::mem::take;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;

use super::Outcome;
use super::backbone_args::BackboneArgs;
use super::bar::Bar;
use super::cells::cell;
use super::choices::choices;
use super::decoding_args::DecodingArgs;
use super::errors::with_flags;
use super::examples::examples;
use super::headings::INPUT;
use super::input_args::{InputArgs, empty_list};
use super::json;
use super::label_args::{self, LabelArgs};
use super::output::{FindingsFormat, gpu_not_used, ignored, notes, skipped};
use super::part_args::PartArgs;
use super::refusal::Refusal;
use super::run_args::RunArgs;
use super::speed_text::speed_text;
use super::{signals, talk};
use frostline::backbones::Home;
use frostline::error::Error;
use frostline::features::{Dtype, Existing, Recognise, Speed, Timings, is_store};
use frostline::images::Views;
use frostline::outputs::is_stdout;
use frostline::phrases::counted;
use frostline::results::Extraction;
use frostline::tasks::{ExtractOptions, ExtractReport, OutputGuard, extract_scan};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(mut_arg("images", |images| images.required(false).required_unless_present("list")))]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    labels: LabelArgs,
    /// Fail (exit status 1) if an image cannot be used.
    #[arg(long, help_heading = INPUT)]
    strict: bool,
    /// Feature store to write, a folder; features already in it are reused.
    #[arg(short, long, value_name = "FEATURES")]
    output: PathBuf,
    /// Views of each image to store: center, hflip, five-crop or ten-crop; `fit-head --augment` trains on
    /// them.
    #[arg(long, value_name = "VIEWS", default_value = "center", help_heading = STORE,
          value_parser = choices::<Views>(VIEWS), hide_possible_values = true)]
    views: Views,
    /// Type of the stored values: f32, or f16 for half the space.
    #[arg(long, value_enum, default_value_t, help_heading = STORE)]
    dtype: DtypeArg,
    /// Discard the features in an existing store.
    #[arg(long, help_heading = STORE)]
    overwrite: bool,
    /// Read every file again, even if its size, times and inode have not changed, and verify the checksums of
    /// all stored features; damaged features are recomputed.
    #[arg(long, help_heading = STORE)]
    verify: bool,
    /// Format of the result; json adds one JSON object on standard output to the text on standard error.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    backbone: BackboneArgs,
    #[command(flatten)]
    decoding: DecodingArgs,
}

const STORE: &str = "Feature store";
const VIEWS: &[&str] = &["center", "hflip", "five-crop", "ten-crop"];

const EXAMPLES: &str = examples! {
    "Compute the features of the images in the folders `photos/CLASS`":
    "frostline extract photos -o features/photos"
    "Use another backbone":
    "frostline extract photos -o vgg19/photos --backbone vgg19"
    "Use the files that another program lists":
    "find . -name '*.jpg' -print0 | frostline extract -0 - -o features/jpegs"
    "Extract one of 16 shards, for example on one of 16 machines":
    "frostline extract photos --shard 0/16 -o shards/0"
};

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(super) enum DtypeArg {
    #[default]
    F32,
    F16,
}

impl From<DtypeArg> for Dtype {
    fn from(arg: DtypeArg) -> Self {
        match arg {
            DtypeArg::F32 => Self::F32,
            DtypeArg::F16 => Self::F16,
        }
    }
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let (strict, format, list) = (args.strict, args.format, args.part.list.clone());
    let options = args.options(home)?;
    check_output(&options.output, &options.run.home)?;
    signals::listen();
    let bar = Bar::default();
    let mut scan = options.scan(&bar)?;
    let is_part = is_part(&options);
    if scan.entries.is_empty() && !is_part {
        talk::note(format!(
            "{}; nothing is written",
            empty_list(list.as_deref())
        ));
        print(format, || Extraction::of_nothing(&options.output))?;
        return Ok(Outcome::AllRight);
    }
    // Before the features are computed, since a note may show that the wrong images were chosen.
    let scan_notes = take(&mut scan.notes);
    notes(&scan_notes);
    let is_new = starts_empty(&options);
    let report = extract_scan(&options, scan, &bar)?;
    tell(&report, &options, is_new);
    print(format, || {
        Extraction::new(&report, &options, &scan_notes, with_flags)
    })?;
    // A few images may all be bad.
    if report.used() == 0 && !is_part {
        let skipped = counted(report.skipped.len(), "image");
        bail!(Refusal::input(
            format!("none of {skipped} could be used"),
            "see the reasons above",
        ));
    }
    match report.skipped.len() {
        0 => Ok(Outcome::AllRight),
        count if strict => bail!(Error::Strict {
            count,
            total: count + report.used()
        }),
        _ => Ok(Outcome::SomeSkipped),
    }
}

/// Writes the result to standard output if JSON was requested.
fn print<'a>(format: FindingsFormat, result: impl FnOnce() -> Extraction<'a>) -> Result<(), Error> {
    match format {
        FindingsFormat::Text => Ok(()),
        FindingsFormat::Json => json::print(&result()),
    }
}

fn check_output(output: &Path, home: &Home) -> anyhow::Result<()> {
    if is_stdout(output) {
        bail!(Refusal::input(
            "a feature store is a folder and cannot be written to standard output",
            "choose a folder with -o (`./-` for a folder named `-`)",
        ));
    }
    Ok(OutputGuard::new().home(home).check_store(output)?)
}

impl Args {
    fn options(self, home: Home) -> anyhow::Result<ExtractOptions> {
        let inputs = self.input.images_or_list(self.part.list)?;
        let mut options = ExtractOptions::new(inputs, self.output, home.clone());
        options.labels = self.labels.options();
        options.shard = self.part.shard;
        options.retry_failed = self.part.retry_failed;
        options.overrides = self.backbone.overrides();
        options.backbone = self.backbone.backbone;
        options.decoding = self.decoding.options();
        options.views = self.views;
        options.batch_size = self.run.batch_size;
        options.run = self.run.options(home);
        options.dtype = self.dtype.into();
        options.existing = match (self.overwrite, self.verify) {
            (true, _) => Existing::Overwrite,
            (false, true) => Existing::Verify,
            (false, false) => Existing::Extend,
        };
        options.recognise = if self.verify {
            Recognise::ByContent
        } else {
            Recognise::ByStamp
        };
        Ok(options)
    }
}

/// Returns whether the run may have no images.
fn is_part(options: &ExtractOptions) -> bool {
    options.shard.is_some() || options.retry_failed
}

/// Returns whether the run starts without stored features, so that reused ones are those of duplicates.
fn starts_empty(options: &ExtractOptions) -> bool {
    matches!(options.existing, Existing::Overwrite) || !is_store(&options.output)
}

fn tell(report: &ExtractReport, options: &ExtractOptions, is_new: bool) {
    if let Some(file) = &report.installed_from {
        talk::say(format!("installed the backbone from {}", file.display()));
    }
    label_args::tell(report.laid_labels.as_ref());
    notes(&report.notes);
    skipped(&report.skipped);
    talk::warn_list(
        "class folders without usable images",
        report.empty_classes.iter(),
        "",
    );
    ignored(&report.ignored);
    let (used, seconds) = (report.used(), report.elapsed.as_secs_f64());
    let reused = if is_new {
        counted(report.reused, "duplicate")
    } else {
        format!("{} reused", report.reused)
    };
    talk::say(format!(
        "{} in {seconds:.2} s: {} computed, {reused}, {} skipped{}",
        counted(used, "image"),
        report.computed,
        report.skipped.len(),
        if report.computed > 0 {
            format!(" ({:.1} images/s)", report.computed as f64 / seconds)
        } else {
            String::new()
        }
    ));
    tell_how(report, options);
}

/// Prints what was computed, how, and where it is stored.
fn tell_how(report: &ExtractReport, options: &ExtractOptions) {
    let spec = &report.spec.backbone;
    if let Some(shard) = options.shard {
        talk::say(format!("  shard     {shard}"));
    }
    let classes = classes_text(report, is_part(options));
    talk::say(format!("  classes   {classes}"));
    talk::say(format!(
        "  backbone  {} ({} features, layer `{}`)",
        spec.name, spec.num_features, spec.layer
    ));
    let threads = options.run.threads;
    let device = match &report.engine {
        None => "not needed: all features cached".to_owned(),
        Some(engine) => {
            let (runtime, arithmetic) = (&engine.runtime, engine.arithmetic());
            let threads = counted(threads, "thread");
            format!("{} ({runtime}, {arithmetic}, {threads})", engine.device)
        }
    };
    talk::say(format!("  device    {device}"));
    gpu_not_used(report.why_not_gpu.as_deref());
    let times = timings_text(&report.speed.timings);
    talk::say(format!("  time      {times}"));
    talk::say(format!("  features  {}", options.output.display()));
    let speed = Speed {
        elapsed: report.elapsed,
        ..report.speed
    };
    let device = report.engine.as_ref().map(|engine| &engine.device);
    let text = device.and_then(|name| speed_text(&speed, name, threads, "--jpeg-scale reduced"));
    if let Some(text) = text {
        talk::say(format!("  speed     {text}"));
    }
}

fn classes_text(report: &ExtractReport, is_part: bool) -> String {
    const SHOWN: usize = 12;
    if report.classes.is_empty() {
        let is_whole = report.empty_classes.is_empty() && !is_part;
        let why = if is_whole { " (no class folders)" } else { "" };
        return format!("none{why}");
    }
    let shown = report
        .classes
        .iter()
        .take(SHOWN)
        .map(|(name, n)| format!("{} {n}", cell(name)))
        .collect::<Vec<_>>()
        .join(", ");
    let rest = report.classes.len().saturating_sub(SHOWN);
    if rest > 0 {
        format!("{shown} and {rest} more")
    } else {
        shown
    }
}

/// Returns each stage's share of the work, in percent.
fn timings_text(t: &Timings) -> String {
    let total = (t.read + t.decode + t.preprocess + t.forward + t.write)
        .as_secs_f64()
        .max(1e-9);
    let percent = |d: Duration| 100.0 * d.as_secs_f64() / total;
    format!(
        "read {:.0} %, decode {:.0} %, preprocess {:.0} %, forward {:.0} %, write {:.0} %",
        percent(t.read),
        percent(t.decode),
        percent(t.preprocess),
        percent(t.forward),
        percent(t.write)
    )
}
