//! `frostline setup`.

use std::path::PathBuf;

use super::Outcome;
use super::bar::Bar;
use super::examples::examples;
use super::{import_notes, signals, talk};
use frostline::backbones::{DEFAULT_BACKBONE, Home, Proxies};
use frostline::tasks::{FileOrigin, Gpu, SetupOptions, SetupOutcome, SetupPiece, setup};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Also install ONNX Runtime for NVIDIA GPUs, with the NVIDIA libraries it needs: 1.4 GB to download,
    /// 2.4 GB on disk; x86-64 Linux only.
    #[arg(long)]
    cuda: bool,
    /// Backbone to install: a name in `frostline models list`.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_BACKBONE)]
    backbone: String,
    /// Use a file instead of downloading it: a wheel, ONNX Runtime's library, or the backbone's .pth or .onnx
    /// file. Can be given once for each.
    #[arg(long, value_name = "FILE")]
    from: Vec<PathBuf>,
}

const EXAMPLES: &str = examples! {
    "Install what is missing":
    "frostline setup"
    "Also install ONNX Runtime for NVIDIA GPUs":
    "frostline setup --cuda"
    "Without a network, from files that were downloaded elsewhere":
    "frostline setup --from onnxruntime.whl --from efficientnet-lite0.pth"
};

pub(super) fn run(args: Args, home: Home) -> anyhow::Result<Outcome> {
    let mut options = SetupOptions::new(home);
    options.backbone = args.backbone;
    options.files = args.from;
    options.download.proxies = Proxies::from_env()?;
    if args.cuda {
        options.gpu = Gpu::Cuda;
    }
    signals::listen();
    setup(&options, &mut tell, &Bar::default())?;
    Ok(Outcome::AllRight)
}

fn tell(piece: &SetupPiece) {
    let (part, path) = (&piece.part, piece.path.display());
    match &piece.outcome {
        SetupOutcome::Installed {
            origin,
            replaced,
            notes,
        } => {
            import_notes::tell(notes);
            let replaced = if *replaced {
                ", replacing a damaged one"
            } else {
                ""
            };
            let from = from(origin);
            talk::say(format!("installed {part} {from}{replaced}: {path}"));
        }
        SetupOutcome::Kept { unused } => {
            talk::say(format!("{part} is already installed: {path}"));
            for file in unused {
                talk::warn(format!(
                    "`{}` was not used: {part} is installed and intact; remove it first to replace it",
                    file.display()
                ));
            }
        }
        _ => {}
    }
}

/// Returns where a file comes from.
pub(super) fn from(origin: &FileOrigin) -> String {
    match origin {
        FileOrigin::File(file) | FileOrigin::Environment(file) => {
            format!("from {}", file.display())
        }
        FileOrigin::Pip(packages) => format!("from the Python package {}", packages.join(", ")),
        FileOrigin::Downloads => "from an earlier download".to_owned(),
        _ => "from its URL".to_owned(),
    }
}
