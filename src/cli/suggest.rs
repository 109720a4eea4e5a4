//! `frostline suggest`.

use std::path::PathBuf;

use super::Outcome;
use super::bar::Bar;
use super::decoding_args::LimitArgs;
use super::examples::examples;
use super::given;
use super::input_args::{InputArgs, empty_list};
use super::label_args::{self, LabelFileArgs};
use super::number::float;
use super::output::{OutputArgs, notes, skipped};
use super::predictions::Format;
use super::run_args::ComputingArgs;
use super::suggestion_rows::write_rows;
use super::talk;
use frostline::backbones::Home;
use frostline::error::Error;
use frostline::features::try_is_store;
use frostline::head::NEAR_DUPLICATE;
use frostline::phrases::counted;
use frostline::tasks::{HeadOptions, Inputs, OutputGuard, SuggestOptions, Unlabelled, suggest};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Head file; it determines the backbone and the preprocessing.
    #[arg(long, value_name = "HEAD")]
    head: PathBuf,
    #[command(flatten)]
    labels: LabelFileArgs,
    /// Maximum number of images to suggest.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// Cosine similarity from which images count as near-duplicates; only one of them is suggested.
    #[arg(long, value_name = "COSINE", default_value_t = NEAR_DUPLICATE, value_parser = float::<f32>)]
    near: f32,
    /// Format of the rows, which have a path, label, probability, `runner_up`, `runner_up_probability`, score
    /// and why [default: by the extension of FILE, .csv, .tsv, .jsonl, .ndjson, .json or .txt; without one, a
    /// table on a terminal and otherwise csv].
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    computing: ComputingArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

const EXAMPLES: &str = examples! {
    "List the 50 images most worth labelling":
    "frostline suggest unlabelled --head head.safetensors -o next.csv"
    "List ten of the images in a feature store":
    "frostline suggest features/unlabelled --head head.safetensors --top 10"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let (output, asked, top) = (args.output.clone(), args.format, args.top as usize);
    let options = args.options(home)?;
    given::head(&options.head.path)?;
    let guard =
        guard_of(&options.data, &options.head).reads(label_args::file_of(options.labels.as_ref()));
    let format = output.check(&guard, asked)?;
    let report = suggest(&options, &Bar::default())?;
    notes(&report.notes);
    skipped(&report.skipped);
    output.write(|out| {
        write_rows(out, format, &report.suggestions).map_err(Error::io("write", output.name()))
    })?;
    if report.n_images == 0 {
        talk::note(empty_list(None));
    }
    if let Some(laid) = &report.laid_labels {
        talk::note(format!(
            "skipped {} labelled in `{}`",
            counted(laid.n_labelled, "image"),
            laid.file
        ));
    }
    if report.labelled > 0 {
        talk::note(format!(
            "skipped {} that the head was trained or validated on",
            counted(report.labelled, "labelled image")
        ));
    }
    let (suggested, n_images) = (report.suggestions.len(), report.n_images);
    talk::say(format!(
        "{suggested} of {} suggested",
        counted(n_images, "image")
    ));
    if suggested < top.min(n_images) {
        talk::note("all other images are near-duplicates of these; raise --near to include them");
    }
    Ok(Outcome::of(&report.skipped))
}

/// Returns a guard for everything that is read to predict unlabelled images.
pub(super) fn guard_of(data: &Unlabelled, head: &HeadOptions) -> OutputGuard {
    let guard = OutputGuard::new()
        .home(&head.computing.run.home)
        .reads([&head.path])
        .network(head.computing.backbone.as_deref());
    match data {
        Unlabelled::Store(store) => guard.reads([store]),
        Unlabelled::Images(images) => guard.images(images),
    }
}

/// Returns the images, or the only input if it is a feature store.
pub(super) fn unlabelled(input: InputArgs) -> anyhow::Result<Unlabelled> {
    match input.inputs()? {
        Inputs::Paths(paths, _) if matches!(&paths[..], [path] if try_is_store(path)?) => {
            Ok(Unlabelled::Store(paths[0].clone()))
        }
        images => {
            if let Inputs::Paths(paths, _) = &images
                && let [path] = &paths[..]
            {
                given::data(path)?;
            }
            Ok(Unlabelled::Images(images))
        }
    }
}

impl Args {
    fn options(self, home: Home) -> anyhow::Result<SuggestOptions> {
        let data = unlabelled(self.input)?;
        let limits = self.limits.limits();
        let head = HeadOptions::new(self.head, self.computing.options(limits, home));
        let mut options = SuggestOptions::new(data, head);
        options.labels = self.labels.options();
        options.top = self.top as usize;
        options.near = self.near;
        Ok(options)
    }
}
