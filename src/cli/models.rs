//! `frostline models`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Outcome;
use super::import;
use super::output::write_to;
use super::pull;
use super::talk;
use crate::backbones::{Home, Installed, Outline, Registry};
use crate::error::Error;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the backbones that are known or installed.
    List,
    /// Print a network's manifest, inputs, outputs and layers.
    Show {
        /// An installed name, or an ONNX file.
        #[arg(value_name = "NAME|FILE")]
        backbone: PathBuf,
    },
    /// Fetch a known backbone, check it, and install it.
    Pull(pull::Args),
    /// Turn an ONNX network, cut before its classifier, or a file of PyTorch weights into an installed backbone.
    Import(import::Args),
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    match args.command {
        Command::List => {
            let listing = Registry::new(home).list();
            listing.broken.iter().for_each(talk::cause);
            print(&list(listing.backbones))?;
        }
        Command::Show { backbone } => print(&show(&Registry::new(home), &backbone)?)?,
        Command::Pull(args) => pull::run(args, home)?,
        Command::Import(args) => import::run(args, home)?,
    }
    Ok(Outcome::AllRight)
}

fn print(text: &str) -> Result<(), Error> {
    write_to(None, |out| {
        out.write_all(text.as_bytes())
            .map_err(Error::io("write", "standard output"))
    })
}

fn list(backbones: Vec<Installed>) -> String {
    let mut out = String::new();
    for backbone in backbones {
        let manifest = &backbone.manifest;
        let path = backbone.path.map_or("not installed".to_owned(), |path| {
            path.display().to_string()
        });
        let features = manifest
            .features
            .num_features
            .map_or("?".to_owned(), |n| n.to_string());
        let license = manifest.license.as_deref().unwrap_or("-");
        let _ = writeln!(
            out,
            "{:24} {features:>6} features  {license:12} {path}",
            manifest.name
        );
    }
    out
}

fn show(registry: &Registry, name: &Path) -> Result<String, Error> {
    let file = registry.resolve(name)?;
    let outline = Outline::read(&file.path)?;
    let mut out = format!(
        "file     {}\nSHA-256  {}\n",
        file.path.display(),
        file.sha256()?
    );
    let _ = writeln!(
        out,
        "version  IR {}, opset {}",
        outline.ir_version, outline.opset
    );
    for (title, outlets) in [("input", &outline.inputs), ("output", &outline.outputs)] {
        for (name, kind) in outlets {
            let _ = writeln!(out, "{title:8} {name}: {kind}");
        }
    }
    let _ = writeln!(
        out,
        "weights  {}\nlayers   {}",
        outline.initializers,
        outline.nodes.len()
    );
    for (number, (operator, output)) in outline.nodes.iter().enumerate() {
        let _ = writeln!(out, "{number:>8} {operator:20} {output}");
    }
    let _ = write!(out, "\n{}", file.manifest.to_toml());
    Ok(out)
}
