//! `frostline extract`.

use std::mem::take;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;

use super::Outcome;
use super::backbone_args::BackboneArgs;
use super::bar::Bar;
use super::cells::cell;
use super::decoding_args::DecodingArgs;
use super::input_args::{EMPTY_LIST, InputArgs};
use super::output::{gpu_not_used, ignored, notes, skipped};
use super::refusal::Refusal;
use super::run_args::RunArgs;
use super::speed_text::speed_text;
use super::{signals, talk};
use frostline::backbones::Home;
use frostline::error::Error;
use frostline::features::{Dtype, Existing, Recognise, Speed, Timings};
use frostline::images::{Labels, Views};
use frostline::outputs::is_stdout;
use frostline::phrases::counted;
use frostline::tasks::{ExtractOptions, ExtractReport, OutputGuard, extract_scan};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The feature store to write, a folder; images that it knows are not computed again.
    #[arg(short, long, value_name = "FEATURES")]
    output: PathBuf,
    #[command(flatten)]
    backbone: BackboneArgs,
    #[command(flatten)]
    run: RunArgs,
    /// How numbers are kept: f32, or f16 in half the space.
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeArg,
    #[command(flatten)]
    decoding: DecodingArgs,
    /// Which views of each image are kept: center, hflip, five-crop or ten-crop; `fit-head --augment` draws
    /// from them.
    #[arg(long, value_name = "VIEWS", default_value = "center")]
    views: Views,
    /// Fail (exit status 1) where an image cannot be used.
    #[arg(long)]
    strict: bool,
    /// Throw away what the store holds.
    #[arg(long)]
    overwrite: bool,
    /// Read every file, also those whose size, times and inode are still those of the last run, and check
    /// every stored feature against its checksum; damaged ones are computed again.
    #[arg(long)]
    verify: bool,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum DtypeArg {
    #[default]
    F32,
    F16,
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let strict = args.strict;
    let options = args.options(home)?;
    check_output(&options.output, &options.run.home)?;
    signals::listen();
    let mut scan = options.inputs.scan(Labels::FromFolders)?;
    if scan.entries.is_empty() {
        talk::note(format!("{EMPTY_LIST}; nothing is written"));
        return Ok(Outcome::AllRight);
    }
    // Before everything is computed: it may not be what was meant.
    notes(&take(&mut scan.notes));
    let report = extract_scan(&options, scan, &Bar::default())?;
    tell(&report, &options);
    if report.used() == 0 {
        let skipped = counted(report.skipped.len(), "image");
        bail!(Refusal::input(
            format!("none of {skipped} could be used"),
            "the reasons are above",
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

fn check_output(output: &Path, home: &Home) -> anyhow::Result<()> {
    if is_stdout(output) {
        bail!(Refusal::input(
            "a feature store is a folder, and does not go to standard output",
            "give a folder with -o; `./-` is one of that name",
        ));
    }
    Ok(OutputGuard::new().home(home).check_store(output)?)
}

impl Args {
    fn options(self, home: Home) -> anyhow::Result<ExtractOptions> {
        let mut options = ExtractOptions::new(self.input.images()?, self.output, home.clone());
        options.overrides = self.backbone.overrides();
        options.backbone = self.backbone.backbone;
        options.decoding = self.decoding.options();
        options.views = self.views;
        options.batch_size = self.run.batch_size;
        options.run = self.run.options(home);
        options.dtype = match self.dtype {
            DtypeArg::F32 => Dtype::F32,
            DtypeArg::F16 => Dtype::F16,
        };
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

fn tell(report: &ExtractReport, options: &ExtractOptions) {
    notes(&report.notes);
    skipped(&report.skipped);
    talk::warn_list(
        "class folders without a usable image",
        report.empty_classes.iter(),
        "",
    );
    ignored(&report.ignored);
    let (used, seconds) = (report.used(), report.elapsed.as_secs_f64());
    talk::say(format!(
        "{} in {seconds:.2} s: {} computed, {} reused, {} skipped{}",
        counted(used, "image"),
        report.computed,
        report.reused,
        report.skipped.len(),
        if report.computed > 0 {
            format!(" ({:.1} images/s)", report.computed as f64 / seconds)
        } else {
            String::new()
        }
    ));
    tell_how(report, options);
}

/// What was computed, by what, and where it is.
fn tell_how(report: &ExtractReport, options: &ExtractOptions) {
    let spec = &report.spec.backbone;
    talk::say(format!("  classes   {}", classes_text(report)));
    talk::say(format!(
        "  backbone  {} ({} features of `{}`)",
        spec.name, spec.num_features, spec.layer
    ));
    let threads = options.run.threads;
    let device = match &report.engine {
        None => "not needed: all features were known".to_owned(),
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

fn classes_text(report: &ExtractReport) -> String {
    const SHOWN: usize = 12;
    if report.classes.is_empty() {
        return "none (no class folders)".to_owned();
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

/// Each stage's share of the work, in percent.
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
