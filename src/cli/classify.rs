//! `frostline classify`.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Outcome;
use super::bar::Bar;
use super::decoding_args::LimitArgs;
use super::examples::examples;
use super::head_args::{HeadArgs, guard_of};
use super::headings::{INPUT, PREDICTIONS};
use super::input_args::{InputArgs, empty_list};
use super::number::float;
use super::output::{OutputArgs, gpu_not_used, ignored, notes};
use super::predictions::{Format, Writer};
use super::refusal::Refusal;
use super::speed_text::speed_text;
use super::{signals, talk};
use frostline::backbones::Home;
use frostline::classifier::{Labelling, Predictor};
use frostline::error::Error;
use frostline::images::Labels;
use frostline::phrases::counted;
use frostline::tasks::{
    Classified, ClassifyOptions, ClassifyReport, Inputs, SeenImages, check_threshold,
    classify_named, classify_unseen,
};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Fail (exit status 1) if an image cannot be used.
    #[arg(long, help_heading = INPUT)]
    strict: bool,
    /// Number of most probable classes to list.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..),
          help_heading = PREDICTIONS)]
    top_k: u32,
    /// Label images `unknown` if the highest probability is below P.
    #[arg(long, value_name = "P", help_heading = PREDICTIONS, value_parser = float::<f64>)]
    threshold: Option<f64>,
    #[command(flatten)]
    head: HeadArgs,
    /// Format of the rows, which have a path, label, probability, status and `p_CLASS` for each class
    /// [default: by the extension of FILE, .csv, .tsv, .jsonl, .ndjson, .json or .txt; without one, a table
    /// on a terminal and otherwise csv].
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    output: OutputArgs,
    /// Report only images that no earlier run with the same --state has reported. Two images are the same if
    /// their files have the same content, whatever their names are.
    #[arg(long, requires = "state", help_heading = INPUT)]
    only_new: bool,
    /// File with the digests of the images that were reported. It is created if it is missing, and written
    /// after the rows: images of a run that was interrupted are reported again.
    #[arg(long, value_name = "FILE", requires = "only_new", help_heading = INPUT)]
    state: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitArgs,
}

const EXAMPLES: &str = examples! {
    "Write a table with the class of each image":
    "frostline classify new_photos --head head.safetensors -o labels.csv"
    "List the two most probable classes, and label images below 60 % `unknown`":
    "frostline classify new_photos --head head.safetensors \\
       --top-k 2 --threshold 0.6"
    "Classify what is new in a folder, each time that this is run":
    "frostline classify inbox --head head.safetensors \\
       --only-new --state seen.txt -o new.csv"
    "Write a JSON object for each file that another program lists":
    "ls *.jpg | frostline classify - --head head.safetensors --format jsonl"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    args.threshold.map_or(Ok(()), check_threshold)?;
    let (strict, output, asked) = (args.strict, args.output.clone(), args.format);
    let labelling = Labelling {
        threshold: args.threshold,
        top_k: args.top_k as usize,
    };
    // A file appears only when it is complete, so nobody waits for its rows. It must also not be one of the
    // listed images, so the list has to be read first.
    let streamed = args.input.is_list() && output.file().is_none();
    let names = streamed.then(|| args.input.names()).transpose()?;
    let state = args.state.clone();
    let options = args.options(home, streamed)?;
    let guard = guard_of(&options.head)?
        .images(&options.inputs)
        .reads(&state);
    let format = output.check(&guard, asked)?;
    if let Some(state) = &state {
        keep_reported(&output, state)?;
    }
    let mut seen = state.as_deref().map(SeenImages::open).transpose()?;
    let report = output.write(|out| {
        // Not earlier: opening a pipe waits for its reader, and one signal must be enough to stop that.
        signals::listen();
        let mut rows = Writer::new(out, format, labelling);
        let target = output.name();
        let failed = |error| Error::io("write", target)(error);
        let mut each = |classifier: &Predictor, item: Classified| {
            rows.write(classifier.classes(), &item).map_err(failed)?;
            // A program that names one image at a time may wait for each row.
            if streamed {
                rows.flush().map_err(failed)
            } else {
                Ok(())
            }
        };
        let (seen, bar) = (seen.as_mut(), Bar::default());
        let report = if let Some(names) = names {
            classify_named(&options, names, seen, &bar, &mut each)?
        } else {
            classify_unseen(&options, seen, Labels::None, &bar, &mut each)?
        };
        rows.begin(&report.classes).map_err(failed)?;
        Ok(report)
    })?;
    seen.map_or(Ok(()), SeenImages::save)?;
    tell(&report, options.head.computing.run.threads);
    finish(&report, strict)
}

/// Refuses to replace what was reported before, since it is not reported again.
fn keep_reported(output: &OutputArgs, state: &Path) -> anyhow::Result<()> {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    if output
        .file()
        .is_some_and(|file| absolute(file) == absolute(state))
    {
        bail!(Refusal::usage(
            format!(
                "`-o` and `--state` are the same file, `{}`",
                state.display()
            ),
            "choose another file for one of them",
        ));
    }
    if let Some(file) = output.existing() {
        bail!(Refusal::input(
            format!(
                "the output `{}` exists; the images in it are not reported again",
                file.display()
            ),
            "choose a new file for each run, such as -o \"new-$(date +%F).csv\", or add --overwrite",
        ));
    }
    Ok(())
}

fn finish(report: &ClassifyReport, strict: bool) -> anyhow::Result<Outcome> {
    match (report.used, report.skipped) {
        (_, 0) => Ok(Outcome::AllRight),
        (used, count) if strict => bail!(Error::Strict {
            count,
            total: count + used
        }),
        (0, count) => bail!(Refusal::input(
            format!("none of {} could be used", counted(count, "image")),
            "see the `status` of each row",
        )),
        _ => Ok(Outcome::SomeSkipped),
    }
}

impl Args {
    fn options(self, home: Home, streamed: bool) -> anyhow::Result<ClassifyOptions> {
        let inputs = if streamed {
            Inputs::List(Vec::new())
        } else {
            self.input.images()?
        };
        let head = self.head.options(self.limits.limits(), home);
        Ok(ClassifyOptions::new(inputs, head))
    }
}

fn tell(report: &ClassifyReport, threads: usize) {
    if report.seen_before > 0 {
        talk::say(format!(
            "left out {} seen before",
            counted(report.seen_before, "image")
        ));
    } else if report.used + report.skipped == 0 {
        talk::note(empty_list(None));
    }
    notes(&report.notes);
    ignored(&report.ignored);
    if report.skipped > 0 {
        talk::warn(format!(
            "{} skipped; see {} `status`",
            counted(report.skipped, "image"),
            if report.skipped == 1 { "its" } else { "their" }
        ));
    }
    if report.rejected > 0 {
        talk::note(format!(
            "labelled {} `unknown`, unlike any training image; --no-reject always assigns a class",
            counted(report.rejected, "image")
        ));
    }
    if report.trained_on > 0 {
        talk::note(format!(
            "the head was trained on {} of {}: their labels do not show how accurate it is",
            report.trained_on,
            counted(report.used, "image")
        ));
    }
    let engine = &report.engine;
    talk::say(format!(
        "{} classified on {} ({}, {})",
        counted(report.used, "image"),
        engine.device,
        engine.runtime,
        engine.arithmetic()
    ));
    gpu_not_used(report.why_not_gpu.as_deref());
    let text = speed_text(
        &report.speed,
        &engine.device,
        threads,
        "a head trained with --jpeg-scale reduced",
    );
    if let Some(text) = text {
        talk::say(text);
    }
}
