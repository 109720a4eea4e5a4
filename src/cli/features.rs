//! `frostline features`.

mod compact;
mod merge;
mod status;

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Outcome;
use super::cells::cell;
use super::errors::with_flags;
use super::examples::examples;
use super::given;
use super::json;
use super::output::{FindingsFormat, OutputFormat, OverwriteArg, chosen};
use super::refusal::Refusal;
use super::talk;
use super::terminal::{self, Text};
use frostline::backbones::Engine;
use frostline::error::Error;
use frostline::features::{ExportFormat, FeatureStore, StoreManifest, export};
use frostline::images::View;
use frostline::outputs::is_stdout;
use frostline::phrases::counted;
use frostline::results::ShownStore;
use frostline::tasks::{OutputGuard, Overwrite, Wanted};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the contents of a feature store.
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show {
        /// Feature store.
        #[arg(value_name = "FEATURES")]
        store: PathBuf,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: FindingsFormat,
    },
    /// Export the samples of the last run as one table.
    #[command(after_long_help = EXPORT_EXAMPLES)]
    Export {
        /// Feature store.
        #[arg(value_name = "FEATURES")]
        store: PathBuf,
        /// Format of the table [default: by the extension of PATH, .parquet or .csv; without one npy].
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// View of each image to export if the store has several, such as `top-left` [default: center].
        #[arg(long, value_name = "VIEW")]
        view: Option<String>,
        /// File to write; for npy a folder, named without extension; `-` is standard output.
        #[arg(short, long, value_name = "PATH")]
        output: PathBuf,
        #[command(flatten)]
        overwrite: OverwriteArg,
    },
    /// Rewrite the parts of a feature store as few large ones.
    ///
    /// `extract` writes parts of 16 MiB; compacted ones have up to 1 GiB. The features keep every bit. Parts
    /// that different devices or precisions computed are not mixed, and duplicates are dropped. The store can
    /// be read all the time, and a run that is interrupted is continued by the next one.
    Compact(compact::Args),
    /// Merge the feature stores of shards into one store.
    ///
    /// Parts become hard links where the system can. The store is that of one run over all images, sorted by
    /// path; merging again changes nothing.
    Merge(merge::Args),
    /// Show how far the shards of a run are.
    ///
    /// The exit status is 1 if a shard is missing or has not finished, and 3 if images were skipped.
    Status(status::Args),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A folder with features.npy (float32, N × D) and index.csv.
    Npy,
    /// A Parquet file.
    Parquet,
    /// A CSV file with a column for each feature.
    Csv,
}

const EXAMPLES: &str = examples! {
    "Show the settings and classes of a feature store":
    "frostline features show features/train"
    "Export its features for pandas or polars":
    "frostline features export features/train -o train.parquet"
};

const SHOW_EXAMPLES: &str = examples! {
    "Show the settings and classes of a feature store":
    "frostline features show features/train"
    "Show only which backbone they were computed by":
    "frostline features show features/train | grep backbone"
};

const EXPORT_EXAMPLES: &str = examples! {
    "Write a table for pandas or polars":
    "frostline features export features/train -o train.parquet"
    "Write a NumPy array and its index into the folder `train`":
    "frostline features export features/train -o train"
    "Export another view than the centre crop":
    "frostline features export features/train --view top-left -o top-left.csv"
};

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.command {
        Command::Show { store, format } => show(&store, format)?,
        Command::Compact(args) => return compact::run(args),
        Command::Merge(args) => return merge::run(args),
        Command::Status(args) => return status::run(&args),
        Command::Export {
            store,
            format,
            view,
            output,
            overwrite,
        } => {
            given::store(&store)?;
            let format = checked(&store, format, &output, overwrite.into())?;
            let store = FeatureStore::open(&store)?;
            let view = view.map_or(Ok(View::Center), |name| view_named(&name, &store))?;
            let rows = export(&store, view, format, &output)?;
            let which = match store.manifest().spec.views.len() {
                1 => String::new(),
                views => format!(" of the view `{view}`, one of {views},"),
            };
            let rows = counted(rows, "row");
            talk::say(format!("wrote {rows}{which} to {}", output.display()));
        }
    }
    Ok(Outcome::AllRight)
}

/// Returns the view of the store with this name.
fn view_named(name: &str, store: &FeatureStore) -> Result<View, Refusal> {
    let views = &store.manifest().spec.views;
    let named = views.iter().find(|view| view.to_string() == name);
    named.copied().ok_or_else(|| {
        let views: Vec<_> = views.iter().map(|view| format!("`{view}`")).collect();
        Refusal::input(
            format!("`{}` has no view `{name}`", store.path().display()),
            format!("choose from {}", views.join(", ")),
        )
    })
}

/// Returns the format, after checking that the output replaces nothing that must be kept.
fn checked(
    store: &Path,
    format: Option<Format>,
    output: &Path,
    overwrite: Overwrite,
) -> anyhow::Result<ExportFormat> {
    refuse_npy_file(format, output)?;
    let guard = OutputGuard::new().reads([store]);
    let format = chosen(format, Some(output));
    let check = |output: &Path, wanted| guard.check(output, wanted, overwrite);
    match format {
        Ok(Format::Npy) if is_stdout(output) => bail!(Refusal::input(
            "npy is a folder of two files and cannot be written to standard output",
            "add --format parquet or --format csv",
        )),
        Ok(Format::Npy) => {
            check(&output.join("features.npy"), Wanted::Npy)?;
            check(&output.join("index.csv"), Wanted::Text)?;
        }
        Ok(format) => check(output, format.wanted())?,
        Err(_) => check(output, Wanted::Text)?,
    }
    Ok(match format? {
        Format::Npy => ExportFormat::Npy,
        Format::Parquet => ExportFormat::Parquet,
        Format::Csv => ExportFormat::Csv,
    })
}

/// Refuses a folder of two files with the name of one file.
fn refuse_npy_file(format: Option<Format>, output: &Path) -> Result<(), Refusal> {
    let is_npy = matches!(format, None | Some(Format::Npy));
    let extension = output.extension().unwrap_or_default();
    if !is_npy || !extension.eq_ignore_ascii_case("npy") {
        return Ok(());
    }
    let folder = output.with_extension("");
    Err(Refusal::usage(
        format!(
            "the output `{}` is named like a file, but npy is a folder with features.npy and index.csv",
            output.display()
        ),
        format!(
            "name a folder without extension, such as `{}`",
            folder.display()
        ),
    ))
}

impl OutputFormat for Format {
    const EXTENSIONS: &'static [(&'static str, Self)] =
        &[("parquet", Self::Parquet), ("csv", Self::Csv)];

    fn without_extension(_: Option<&Path>) -> Self {
        Self::Npy
    }

    fn wanted(self) -> Wanted {
        match self {
            Self::Npy => Wanted::Npy,
            Self::Parquet => Wanted::Parquet,
            Self::Csv => Wanted::Text,
        }
    }
}

fn show(path: &Path, format: FindingsFormat) -> anyhow::Result<()> {
    given::store(path)?;
    let store = FeatureStore::open(path)?;
    match format {
        FindingsFormat::Text => terminal::print(&describe(&store)?)?,
        FindingsFormat::Json => {
            json::print(&ShownStore::new(&store, &store.engines()?, with_flags)?)?;
        }
    }
    Ok(())
}

fn describe(store: &FeatureStore) -> Result<Text, Error> {
    let (manifest, index) = (store.manifest(), store.index());
    let used = index.n_used();
    let mut text = Text::new();
    text.lines([
        format!("store          {}", store.path().display()),
        format!(
            "vectors        {} of {} × {}",
            store.count_vectors()?,
            manifest.spec.backbone.num_features,
            manifest.dtype
        ),
        format!("size           {:.1} MB", store.bytes()? as f64 / 1e6),
        format!(
            "last run       {} used, {} skipped",
            counted(used, "image"),
            index.len() - used
        ),
    ]);
    text.lines(settings(manifest));
    text.lines(engines(&store.engines()?, &manifest.engine));
    let line = |(class, n): (Option<&str>, usize)| {
        format!(
            "class          {}: {n}",
            cell(class.unwrap_or("(no class)"))
        )
    };
    text.lines(index.class_counts().into_iter().map(line));
    Ok(text)
}

/// Returns the lines on how the features were computed.
fn settings(manifest: &StoreManifest) -> [String; 4] {
    let spec = &manifest.spec;
    let (p, decoding) = (&spec.preprocessing, &spec.decoding);
    [
        format!(
            "backbone       {}, output `{}`, pool {}",
            spec.backbone, spec.backbone.layer, spec.backbone.pool
        ),
        format!(
            "preprocessing  resize {}, crop {}, {}, scale {}",
            p.resize, p.crop, p.interpolation, p.scale
        ),
        format!(
            "               mean {:?}, std {:?}, {}, {}",
            p.mean, p.std, p.channels, p.layout
        ),
        format!(
            "decoding       exif {}, alpha {}, JPEG scale {}",
            decoding.exif, decoding.alpha, decoding.jpeg_scale
        ),
    ]
}

/// Returns a line for each engine that computed features; the manifest's if there are none yet.
fn engines(engines: &[(Engine, usize)], of_manifest: &Engine) -> Vec<String> {
    let said = |engine: &Engine| format!("computed by    {engine}, frostline {}", engine.frostline);
    match engines {
        [] => vec![said(of_manifest)],
        [(engine, _)] => vec![said(engine)],
        several => several
            .iter()
            .map(|(engine, n)| format!("{} ({})", said(engine), counted(*n, "vector")))
            .collect(),
    }
}
