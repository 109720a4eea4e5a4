//! `frostline classify`.

use anyhow::bail;

use super::Outcome;
use super::bar::Bar;
use super::decoding_args::LimitArgs;
use super::head_args::{HeadArgs, guard_of};
use super::input_args::{EMPTY_LIST, InputArgs};
use super::output::{OutputArgs, gpu_not_used, ignored, notes};
use super::predictions::{Format, Labelling, Writer};
use super::refusal::Refusal;
use super::speed_text::speed_text;
use super::{signals, talk};
use frostline::backbones::Home;
use frostline::classifier::Predictor;
use frostline::error::Error;
use frostline::images::Labels;
use frostline::phrases::counted;
use frostline::tasks::{
    Classified, ClassifyOptions, ClassifyReport, Inputs, check_threshold, classify, classify_named,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    head: HeadArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// How rows are written: path, label, probability, status, and `p_CLASS` for each class [default: by the
    /// extension of FILE: .csv, .tsv, .jsonl, .ndjson, .json or .txt; without one, a table on a terminal,
    /// else csv].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// List this many of the most probable classes.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    top_k: u32,
    /// Write the label `unknown` where the highest probability is below P.
    #[arg(long, value_name = "P")]
    threshold: Option<f64>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Fail (exit status 1) where an image cannot be used.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    args.threshold.map_or(Ok(()), check_threshold)?;
    let (strict, output, asked) = (args.strict, args.output.clone(), args.format);
    let labelling = Labelling {
        threshold: args.threshold,
        top_k: args.top_k as usize,
    };
    // A file is complete or not there, so that nobody waits for its rows, and no image of the list may be
    // behind it.
    let streamed = args.input.is_list() && output.file().is_none();
    let names = streamed.then(|| args.input.names());
    let options = args.options(home, streamed)?;
    let guard = guard_of(&options.head)?.images(&options.inputs);
    let format = output.check(&guard, asked)?;
    let report = output.write(|out| {
        // Not before: a pipe without a reader is waited for, and one signal ends that.
        signals::listen();
        let mut rows = Writer::new(out, format, labelling);
        let target = output.name();
        let failed = |error| Error::io("write", target)(error);
        let mut each = |classifier: &Predictor, item: Classified| {
            rows.write(classifier.classes(), &item).map_err(failed)?;
            // Whoever names images one after the other may wait for each row.
            if streamed {
                rows.flush().map_err(failed)
            } else {
                Ok(())
            }
        };
        let report = match names {
            Some(names) => classify_named(&options, names, &Bar::default(), &mut each),
            None => classify(&options, Labels::None, &Bar::default(), &mut each),
        }?;
        rows.begin(&report.classes).map_err(failed)?;
        Ok(report)
    })?;
    tell(&report, options.head.computing.run.threads);
    finish(&report, strict)
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
            "each row's `status` says why",
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
    if report.used + report.skipped == 0 {
        talk::note(EMPTY_LIST);
    }
    notes(&report.notes);
    ignored(&report.ignored);
    if report.skipped > 0 {
        talk::warn(format!(
            "{} could not be used; see the column `status`",
            counted(report.skipped, "image")
        ));
    }
    if report.rejected > 0 {
        talk::note(format!(
            "{} unlike any training image: `unknown` (--no-reject labels them)",
            counted(report.rejected, "image")
        ));
    }
    if report.trained_on > 0 {
        talk::note(format!(
            "the head was trained on {} of {}: their labels are no evidence of how accurate it is",
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
