//! `frostline models`.

use std::path::PathBuf;

use super::Outcome;
use super::cells::{cell, padded};
use super::examples::examples;
use super::import;
use super::json::{
    self,
    models::{Backbones, Network},
};
use super::output::FindingsFormat;
use super::pull;
use super::talk;
use super::terminal::{self, Text};
use frostline::backbones::onnx::{Outline, read_network};
use frostline::backbones::{BackboneFile, Home, Installed, Registry};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List known and installed backbones.
    #[command(after_long_help = LIST_EXAMPLES)]
    List {
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: FindingsFormat,
    },
    /// Print a network's manifest, inputs, outputs and layers.
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show {
        /// Installed name, or ONNX file.
        #[arg(value_name = "NAME|FILE")]
        backbone: PathBuf,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: FindingsFormat,
    },
    /// Download a known backbone, verify it and install it.
    Pull(pull::Args),
    /// Install an ONNX network, cut before its classifier, or PyTorch weights as a backbone.
    ///
    /// No code in the file is executed.
    Import(import::Args),
}

const EXAMPLES: &str = examples! {
    "List the backbones that can be downloaded, and those that are installed":
    "frostline models list"
    "Download VGG19 and install it":
    "frostline models pull vgg19"
    "Install your own ONNX network":
    "frostline models import network.onnx --name mine"
};

const LIST_EXAMPLES: &str = examples! {
    "List all backbones":
    "frostline models list"
    "Find the licence and the number of features of those named VGG":
    "frostline models list | grep vgg"
};

const SHOW_EXAMPLES: &str = examples! {
    "Show an installed backbone":
    "frostline models show vgg19"
    "Find the layer to cut a network at, before it is imported":
    "frostline models show network.onnx"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    match args.command {
        Command::List { format } => {
            home.check_private()?;
            let listing = Registry::new(home).list();
            listing.broken.iter().for_each(talk::cause);
            match format {
                FindingsFormat::Text => terminal::print(&list(listing.backbones))?,
                FindingsFormat::Json => json::print(&Backbones::from(&listing))?,
            }
        }
        Command::Show { backbone, format } => {
            let file = Registry::new(home).resolve(&backbone)?;
            let outline = read_network(&file.path)?.outline();
            let sha256 = file.sha256()?;
            match format {
                FindingsFormat::Text => terminal::print(&show(&file, &sha256, &outline))?,
                FindingsFormat::Json => json::print(&Network::new(&file, &sha256, &outline))?,
            }
        }
        Command::Pull(args) => pull::run(args, home)?,
        Command::Import(args) => import::run(args, home)?,
    }
    Ok(Outcome::AllRight)
}

fn list(backbones: Vec<Installed>) -> Text {
    let mut out = Text::new();
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
        let (name, license) = (
            padded(&cell(&manifest.name), 24),
            padded(&cell(license), 12),
        );
        out.line(format_args!(
            "{name} {features:>6} features  {license} {path}"
        ));
    }
    out
}

fn show(file: &BackboneFile, sha256: &str, outline: &Outline) -> Text {
    let mut out = Text::new();
    out.line(format_args!("file     {}", file.path.display()));
    out.line(format_args!("SHA-256  {sha256}"));
    let (ir, opset) = (outline.ir_version, outline.opset);
    out.line(format_args!("version  IR {ir}, opset {opset}"));
    for (title, outlets) in [("input", &outline.inputs), ("output", &outline.outputs)] {
        for (name, kind) in outlets {
            out.line(format_args!("{title:8} {name}: {kind}"));
        }
    }
    out.line(format_args!("weights  {}", outline.initializers));
    out.line(format_args!("layers   {}", outline.nodes.len()));
    for (number, (operator, output)) in outline.nodes.iter().enumerate() {
        let operator = padded(&cell(operator), 20);
        out.line(format_args!("{number:>8} {operator} {output}"));
    }
    out.line("");
    match &file.published {
        _ if file.has_manifest => out.line("manifest"),
        Some(published) => out.line(format_args!(
            "manifest (default values, with the preprocessing of {})",
            published.file.display()
        )),
        None => out.line("manifest (default values: there is none beside the file)"),
    }
    // A string of several lines, which TOML allows, must not look like lines of this listing.
    let manifest = file.manifest.to_toml();
    out.lines(manifest.lines().map(|line| format!("  {line}")));
    out
}
