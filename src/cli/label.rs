//! `frostline label`.

use std::path::PathBuf;
use std::sync::Arc;

use super::Outcome;
use super::backbone_args::BackboneArgs;
use super::bar::Bar;
use super::decoding_args::DecodingArgs;
use super::errors::with_flags;
use super::examples::examples;
use super::input_args::InputArgs;
use super::run_args::RunArgs;
use super::terminal::{self, Text};
use super::{signals, talk};
use frostline::backbones::Home;
use frostline::label::{LabelEvent, LabelHost, LabelOptions, Labeller, serve};
use frostline::phrases::counted;
use frostline::tasks::ExtractOptions;

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Label file to read and write, with the columns path and label. Every action is also in its journal,
    /// FILE.journal.
    #[arg(long, value_name = "FILE", default_value = "labels.csv")]
    labels: PathBuf,
    /// Classes to begin with; others can be made on the page.
    #[arg(long, value_name = "CLASS,…", value_delimiter = ',')]
    classes: Vec<String>,
    /// Begin with the folders of the images as labels, if there is no label file yet.
    #[arg(long)]
    from_folders: bool,
    /// Feature store to keep the features in, a folder; features already in it are reused [default: the label
    /// file's name with the extension features].
    #[arg(long, value_name = "FEATURES")]
    features: Option<PathBuf>,
    /// Port on this machine to listen on; 0 chooses a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    backbone: BackboneArgs,
    #[command(flatten)]
    decoding: DecodingArgs,
}

const EXAMPLES: &str = examples! {
    "Label the images in a folder; open the address that is printed in a browser":
    "frostline label photos"
    "Begin with three classes, and keep the labels in a file of their own":
    "frostline label photos --labels pets.csv --classes cat,dog,other"
    "Check the labels of images that are already in folders":
    "frostline label photos --from-folders"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let options = args.options(home)?;
    signals::listen();
    let (labeller, scan) = Labeller::open(options, Arc::new(Host), &Bar::default())?;
    serve(&labeller, scan)?;
    Ok(Outcome::AllRight)
}

impl Args {
    fn options(self, home: Home) -> anyhow::Result<LabelOptions> {
        let beside = || LabelOptions::store_beside(&self.labels);
        let store = self.features.unwrap_or_else(beside);
        let mut extract = ExtractOptions::new(self.input.images()?, store, home.clone());
        extract.overrides = self.backbone.overrides();
        extract.backbone = self.backbone.backbone;
        extract.decoding = self.decoding.options();
        extract.batch_size = self.run.batch_size;
        extract.run = self.run.options(home);
        let mut options = LabelOptions::new(extract, self.labels);
        options.classes = self.classes;
        options.from_folders = self.from_folders;
        options.port = self.port;
        Ok(options)
    }
}

/// Prints the address on standard output, and everything else on standard error.
struct Host;

impl LabelHost for Host {
    fn event(&self, event: &LabelEvent) {
        match event {
            LabelEvent::Listening { page } => {
                let mut text = Text::new();
                text.line(page);
                // Without a reader, the page can still be used.
                let _ = terminal::print(&text);
                talk::say("open this address in a browser; Ctrl-C ends the session");
            }
            LabelEvent::Note(said) => talk::note(with_flags(said)),
            LabelEvent::Extracting { images } => {
                talk::say(format!(
                    "computing the features of {}",
                    counted(*images, "image")
                ));
            }
            LabelEvent::Ready { images, skipped } => talk::say(format!(
                "{} ready, {skipped} skipped",
                counted(*images, "image")
            )),
            LabelEvent::Failed(said) => {
                talk::warn(format!("features cannot be computed: {}", with_flags(said)));
            }
            LabelEvent::Stopping => talk::say("the labels are saved"),
            _ => {}
        }
    }

    fn is_stopped(&self) -> bool {
        signals::came()
    }
}
