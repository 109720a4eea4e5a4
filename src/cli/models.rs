//! `frostline models`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Outcome;
use super::output::write_to;
use super::talk;
use crate::backbones::architectures::{Architecture, End};
use crate::backbones::{Home, Outline, Registry};
use crate::error::Error;
use crate::tasks::{ImportOptions, import};

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
    /// Turn a file of PyTorch weights into an installed backbone; nothing in it is executed.
    Import {
        /// The weights: a .pth file (legacy or zip) or .safetensors.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The architecture of the weights: efficientnet-lite0, resnet18, resnet50, or vgg11, vgg13, vgg16, vgg19, each
        /// also with -bn.
        #[arg(long, value_name = "ARCH")]
        arch: Architecture,
        /// Keep the classifier: the network then says the logits of its own classes (ImageNet's), not features.
        #[arg(long)]
        keep_classifier: bool,
        /// The backbone's name [default: the architecture].
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
}

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    match args.command {
        Command::List => print(&list(&Registry::new(home))?)?,
        Command::Show { backbone } => print(&show(&Registry::new(home), &backbone)?)?,
        Command::Import {
            file,
            arch,
            keep_classifier,
            name,
        } => {
            let end = if keep_classifier {
                End::Logits
            } else {
                End::Features
            };
            let path = import(&ImportOptions {
                file,
                arch,
                end,
                name,
                home,
            })?;
            talk::say(format!("installed {}", path.display()));
        }
    }
    Ok(Outcome::AllRight)
}

fn print(text: &str) -> Result<(), Error> {
    write_to(None, |out| {
        out.write_all(text.as_bytes())
            .map_err(Error::io("write", "standard output"))
    })
}

fn list(registry: &Registry) -> Result<String, Error> {
    let mut out = String::new();
    for backbone in registry.list()? {
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
    Ok(out)
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
