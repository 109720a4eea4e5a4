//! `frostline models import`.

use std::path::PathBuf;

use super::backbone_args::PreprocessingArgs;
use super::{import_notes, talk};
use frostline::backbones::{Architecture, End, LayerChoice};
use frostline::backbones::{Home, Pool};
use frostline::error::Error;
use frostline::tasks::{ImportOnnxOptions, ImportOptions, Overwrite, import, import_onnx};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// ONNX network, or PyTorch weights (.pth, legacy or zip, or .safetensors) of the architecture --arch.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Architecture of PyTorch weights: efficientnet-lite0, resnet18, resnet50, or vgg11, vgg13, vgg16,
    /// vgg19, each also with -bn.
    #[arg(long, value_name = "ARCH")]
    arch: Option<Architecture>,
    /// Keep the classifier, so that the network outputs the logits of its own classes instead of features.
    #[arg(long, requires = "arch")]
    keep_classifier: bool,
    /// Name of the backbone [default: the architecture, or the name of the ONNX file; for NAME/model.onnx,
    /// the name of the folder].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where to cut an ONNX network: the name of a tensor, the number of a layer (see `models show`), or
    /// penultimate, the input of the classifier [default: penultimate].
    #[arg(long, value_name = "TENSOR|penultimate|INDEX", conflicts_with = "arch")]
    layer: Option<String>,
    /// Pooling over the layer's positions: flatten keeps all values, mean averages over the positions; use
    /// mean-channels-first or mean-channels-last if the network does not show which axis is the channels
    /// [default: flatten].
    #[arg(long, value_name = "POOL", conflicts_with = "arch")]
    pool: Option<Pool>,
    /// Replace an installed backbone of the same name.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    preprocessing: PreprocessingArgs,
}

impl Args {
    fn overwrite(&self) -> Overwrite {
        overwrite(self.replace)
    }
}

/// Returns whether an installed backbone may be replaced.
pub(super) fn overwrite(replace: bool) -> Overwrite {
    if replace {
        Overwrite::Allow
    } else {
        Overwrite::Refuse
    }
}

pub(super) fn run(args: Args, home: Home) -> Result<(), Error> {
    match args.arch {
        Some(arch) => weights(arch, args, home),
        None => network(args, home),
    }
}

fn weights(arch: Architecture, args: Args, home: Home) -> Result<(), Error> {
    let overwrite = args.overwrite();
    let mut options = ImportOptions::new(args.file, arch, home);
    if args.keep_classifier {
        options.end = End::Logits;
    }
    options.name = args.name;
    options.overrides = args.preprocessing.overrides();
    options.overwrite = overwrite;
    let path = import(&options)?;
    talk::say(format!("installed {}", path.display()));
    Ok(())
}

fn network(args: Args, home: Home) -> Result<(), Error> {
    let overwrite = args.overwrite();
    let mut options = ImportOnnxOptions::new(args.file, home);
    options.name = args.name;
    options.layer = args.layer.as_deref().map(LayerChoice::from);
    options.pool = args.pool;
    options.overrides = args.preprocessing.overrides();
    options.overwrite = overwrite;
    let imported = import_onnx(&options)?;
    import_notes::tell(&imported.notes);
    talk::say(format!(
        "installed {}: {} features, layer `{}`",
        imported.path.display(),
        imported.num_features,
        imported.layer
    ));
    Ok(())
}
