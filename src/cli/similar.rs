//! `frostline similar`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Outcome;
use super::bar::Bar;
use super::cells::{cell, padded, widest};
use super::decoding_args::LimitArgs;
use super::examples::examples;
use super::given;
use super::output::{OutputFormat, OverwriteArg, check_extension, notes};
use super::predictions::Format;
use super::run_args::ComputingArgs;
use super::talk;
use super::terminal::Text;
use frostline::backbones::Home;
use frostline::error::{Error, csv_error};
use frostline::images::Names;
use frostline::outputs;
use frostline::phrases::counted;
use frostline::tasks::{
    Inputs, OutputGuard, SimilarImage, SimilarOptions, SimilarReport, Wanted, similar,
};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Image file or URL, or the name of an image of the store.
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// Feature store to search; it determines the backbone and the preprocessing.
    #[arg(long, value_name = "FEATURES")]
    features: PathBuf,
    /// Maximum number of images.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// Format of the rows, which have a rank, cosine, path and class [default: a table on a terminal and
    /// otherwise csv].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Also write the images as a self-contained HTML page.
    #[arg(short, long, value_name = "SHEET.html")]
    output: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Images of the feature store, to show them: a folder, archive, table or URL [default: the folder,
    /// archive or table that they were extracted from].
    #[arg(long, value_name = "IMAGES", requires = "output")]
    images: Option<PathBuf>,
    #[command(flatten)]
    computing: ComputingArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

const EXAMPLES: &str = examples! {
    "List the images that are most similar to one":
    "frostline similar query.jpg --features features/photos"
    "Show the five images most similar to one of the store":
    "frostline similar oak/IMG_0001.jpg --features features/photos \\
       --top 5 -o sheet.html"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    given::store(&args.features)?;
    let format = args
        .format
        .unwrap_or_else(|| Format::without_extension(None));
    let computing = args.computing.options(args.limits.limits(), home);
    let mut options = SimilarOptions::new(args.image, args.features, computing);
    options.top = args.top as usize;
    options.output = args.output;
    options.images = args.images;
    if let Some(output) = &options.output {
        let mut images = vec![options.image.clone()];
        images.extend(options.images.clone());
        let guard = OutputGuard::new()
            .reads([&options.features])
            .images(&Inputs::Paths(images, Names::Any));
        guard.check(output, Wanted::Html, args.overwrite.into())?;
        check_extension(output, &["html", "htm"])?;
    }
    let report = similar(&options, &Bar::default())?;
    let stdout = Path::new("-");
    let is_page = options.output.as_deref().is_some_and(outputs::is_stdout);
    if !is_page {
        outputs::write_through(stdout, |out| {
            write_rows(out, format, &report.similar)
                .map_err(Error::io("write", outputs::name(stdout)))
        })?;
    }
    tell(&report, options.output.as_deref());
    Ok(Outcome::AllRight)
}

fn tell(report: &SimilarReport, output: Option<&Path>) {
    notes(&report.notes);
    if report.identical > 0 {
        talk::say(format!(
            "left out {} with the same content",
            counted(report.identical, "image")
        ));
    }
    if report.without_picture > 0 {
        talk::warn(format!(
            "{} not shown: files that are not found or have changed; --images IMAGES tells where they are",
            counted(report.without_picture, "image")
        ));
    }
    if let Some(output) = output {
        talk::say(format!("wrote {}", output.display()));
    }
}

fn write_rows(out: &mut dyn Write, format: Format, rows: &[SimilarImage]) -> io::Result<()> {
    let class = |row: &SimilarImage| row.class.clone().unwrap_or_default();
    match format {
        Format::Csv | Format::Tsv => {
            let mut csv = format.csv_writer(out);
            csv.write_record(["rank", "cosine", "path", "class"])
                .map_err(csv_error)?;
            for (rank, row) in (1..).zip(rows) {
                let [rank, cosine] = [i32::to_string(&rank), format!("{:.6}", row.cosine)];
                csv.write_record([rank, cosine, row.path.clone(), class(row)])
                    .map_err(csv_error)?;
            }
            csv.flush()
        }
        Format::Jsonl => (1..).zip(rows).try_for_each(|(rank, row): (i32, _)| {
            let object = json!({
                "rank": rank, "cosine": row.cosine, "path": row.path, "class": row.class,
            });
            writeln!(out, "{object}")
        }),
        Format::Table => {
            let classes: Vec<String> = rows.iter().map(|row| cell(&class(row))).collect();
            let width = widest(&classes);
            let mut text = Text::new();
            for ((rank, row), class) in (1..).zip(rows).zip(classes) {
                let class = padded(&class, width);
                text.line(format_args!(
                    "{rank:>4}  {:.3}  {class}  {}",
                    row.cosine, row.path
                ));
            }
            out.write_all(text.as_bytes())
        }
    }
}
