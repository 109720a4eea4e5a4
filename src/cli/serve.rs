//! `frostline serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::examples::examples;
use super::headings::NETWORK;
use super::number::within;
use super::run_args::RunArgs;
use super::serve_log::{Log, LogFormat};
use super::{Outcome, given, signals, size};
use anyhow::Context;
use clap::ArgGroup;
use frostline::backbones::Home;
use frostline::serve::{GalleryOptions, HeadSource, ServeOptions, Token, serve};

const LIMITS: &str = "Limits";
const ACCESS: &str = "Access";

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(group = ArgGroup::new("served").args(["heads", "watch"]).multiple(true).required(true))]
pub(super) struct Args {
    /// Head or bundle to serve, under a name and, if several versions of it are served, a version:
    /// NAME=HEAD or NAME@VERSION=HEAD. A path alone is served under its file name. Repeat it for more heads.
    #[arg(long = "head", value_name = "NAME=HEAD")]
    heads: Vec<HeadSource>,
    /// Serve the heads in FOLDER too, while they are there: NAME.safetensors and NAME/VERSION.safetensors, or
    /// bundles with the extension frostline. It is looked into every two seconds.
    #[arg(long, value_name = "FOLDER")]
    watch: Option<PathBuf>,
    /// Feature store with the training images, to show those nearest to each image on the page.
    #[arg(long, value_name = "FEATURES")]
    gallery: Option<PathBuf>,
    /// Folder with the files of the gallery's images, for thumbnails.
    #[arg(long, value_name = "IMAGES", requires = "gallery")]
    gallery_images: Option<PathBuf>,
    /// Address and port to listen on; port 0 chooses a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    bind: SocketAddr,
    /// Format of the log on standard error.
    #[arg(long, value_enum, default_value_t)]
    log: LogFormat,
    /// File with a token of at least 16 characters that clients must send as `Authorization: Bearer TOKEN`.
    #[arg(long, value_name = "FILE", help_heading = ACCESS)]
    token_file: Option<PathBuf>,
    /// Serve other machines without a token, for example behind a proxy that checks who asks.
    #[arg(long, help_heading = ACCESS)]
    insecure: bool,
    #[command(flatten)]
    limits: LimitArgs,
    /// Milliseconds that an image waits at most for others to fill its batch; 0 turns waiting off.
    #[arg(long, value_name = "MS", default_value_t = 2, help_heading = NETWORK,
          value_parser = clap::value_parser!(u64).range(..=10_000))]
    max_delay: u64,
    #[command(flatten)]
    run: RunArgs,
}

/// Limits of requests and connections.
#[derive(Debug, clap::Args)]
struct LimitArgs {
    /// Largest body of a request, such as `64M`.
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size::bytes,
          help_heading = LIMITS)]
    max_body: u64,
    /// Memory for the bodies of all running requests, at least twice the largest body.
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = size::bytes,
          help_heading = LIMITS)]
    memory: u64,
    /// Number of images in a request.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = images,
          help_heading = LIMITS)]
    max_images: usize,
    /// Refuse images with more than N pixels.
    #[arg(long, value_name = "N", default_value_t = 100_000_000, help_heading = LIMITS,
          value_parser = clap::value_parser!(u64).range(1..))]
    max_pixels: u64,
    /// Number of images that may wait for each network; requests beyond it get status 503.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = images,
          help_heading = LIMITS)]
    queue: usize,
    /// Number of connections; further ones get status 503.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = connections,
          help_heading = LIMITS)]
    max_connections: usize,
    /// Seconds for sending the header of a request. Idle connections are closed after that time too.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = seconds(),
          help_heading = LIMITS)]
    header_timeout: u64,
    /// Seconds from the header of a request to its reply.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = seconds(),
          help_heading = LIMITS)]
    timeout: u64,
    /// Seconds for running requests after Ctrl-C or SIGTERM.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = seconds(),
          help_heading = LIMITS)]
    grace: u64,
}

const EXAMPLES: &str = examples! {
    "Serve a head on this machine, at http://127.0.0.1:8080":
    "frostline serve --head pets=head.safetensors"
    "Serve two heads to other machines that know the token":
    "frostline serve --head pets=pets.safetensors --head cars=cars.safetensors \\
       --bind 0.0.0.0:8080 --token-file token.txt"
    "Serve all heads in a folder, also those that are added later":
    "frostline serve --watch heads"
    "Serve two versions of a head, with the log as JSON lines":
    "frostline serve --head pets@1=old.safetensors \\
       --head pets@2=new.safetensors --log json"
};

fn images(text: &str) -> Result<usize, String> {
    within(text, 1, 1 << 20)
}

fn connections(text: &str) -> Result<usize, String> {
    within(text, 1, 1 << 16)
}

fn seconds() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=86_400)
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    for source in &args.heads {
        given::head(&source.path)?;
    }
    args.gallery.as_deref().map_or(Ok(()), given::store)?;
    args.watch.as_deref().map_or(Ok(()), given::heads)?;
    let log = Log::new(args.log).context("cannot start the thread of the log")?;
    let options = args.options(home)?;
    #[cfg(unix)]
    signals::listen_for_hangups().context("cannot handle signals")?;
    signals::listen();
    serve(options, Arc::new(log))?;
    Ok(Outcome::AllRight)
}

impl Args {
    fn options(self, home: Home) -> anyhow::Result<ServeOptions> {
        let mut options = ServeOptions::new(self.heads, self.run.options(home));
        options.watch = self.watch;
        let images = self.gallery_images;
        options.gallery = self.gallery.map(|store| GalleryOptions { store, images });
        options.bind = self.bind;
        options.token = self.token_file.as_deref().map(Token::read).transpose()?;
        options.insecure = self.insecure;
        options.batch_size = self.run.batch_size;
        options.max_delay = Duration::from_millis(self.max_delay);
        self.limits.apply(&mut options);
        Ok(options)
    }
}

impl LimitArgs {
    fn apply(&self, options: &mut ServeOptions) {
        let limits = &mut options.limits;
        limits.body = self.max_body;
        limits.memory = self.memory;
        limits.images = self.max_images;
        limits.connections = self.max_connections;
        limits.header_time = Duration::from_secs(self.header_timeout);
        limits.request_time = Duration::from_secs(self.timeout);
        options.grace = Duration::from_secs(self.grace);
        options.images.max_pixels = self.max_pixels;
        options.images.max_bytes = self.max_body;
        options.queue = self.queue;
    }
}
