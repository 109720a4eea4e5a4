//! `frostline models import`.

use std::path::PathBuf;

use super::backbone_args::{PoolingArgs, PreprocessingArgs};
use super::choices::choices;
use super::examples::examples;
use super::{import_notes, talk};
use frostline::backbones::{Architecture, End, LayerChoice};
use frostline::backbones::{Home, Pool};
use frostline::error::Error;
use frostline::phrases::counted;
use frostline::tasks::{
    ImportOnnxOptions, ImportOptions, ImportedOnnx, Overwrite, import, import_onnx,
};

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// ONNX network, or PyTorch weights (.pth, legacy or zip, or .safetensors) of the architecture --arch.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Architecture of PyTorch weights: efficientnet-lite0, -lite1, -lite2, resnet18, resnet50, or
    /// vgg11, vgg13, vgg16, vgg19, each also with -bn.
    #[arg(long, value_name = "ARCH", help_heading = WEIGHTS, conflicts_with = "PoolingArgs",
          value_parser = choices::<Architecture>(ARCHITECTURES), hide_possible_values = true)]
    arch: Option<Architecture>,
    /// Weights to use if a checkpoint contains several: ema for the moving average, or a name such as
    /// teacher.backbone, as listed by the import [default: the trained model].
    #[arg(long, value_name = "ema|NAME", requires = "arch", help_heading = WEIGHTS)]
    weights: Option<String>,
    /// Keep the classifier, so that the network outputs the logits of its own classes instead of features.
    #[arg(long, requires = "arch", help_heading = WEIGHTS)]
    keep_classifier: bool,
    /// Name of the backbone [default: the architecture, or the name of the ONNX file; for NAME/model.onnx,
    /// the name of the folder].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where to cut an ONNX network: the name of a tensor, the number of a layer (see `models show`), or
    /// penultimate, the input of the classifier, or tokens, the tokens that it is taken from [default:
    /// penultimate; with --pool mean, max, cls or cls+mean: tokens].
    #[arg(long, value_name = "TENSOR|INDEX|penultimate|tokens", conflicts_with = "arch",
          help_heading = CUT)]
    layer: Option<String>,
    #[command(flatten)]
    pooling: PoolingArgs,
    /// Replace an installed backbone of the same name.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    preprocessing: PreprocessingArgs,
}

const WEIGHTS: &str = "PyTorch weights";
const CUT: &str = "ONNX networks";

const ARCHITECTURES: &[&str] = &[
    "efficientnet-lite0",
    "efficientnet-lite1",
    "efficientnet-lite2",
    "resnet18",
    "resnet50",
    "vgg11",
    "vgg11-bn",
    "vgg13",
    "vgg13-bn",
    "vgg16",
    "vgg16-bn",
    "vgg19",
    "vgg19-bn",
];
const EXAMPLES: &str = examples! {
    "Install an ONNX network, cut before its classifier":
    "frostline models import network.onnx --name mine"
    "Install torchvision's weights of VGG19":
    "frostline models import vgg19-dcbb9e9d.pth --arch vgg19"
    "Cut at another layer, and average over its positions":
    "frostline models import network.onnx --layer 120 --pool mean"
};

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
    if let Some(weights) = args.weights.as_deref() {
        options.weights = weights.into();
    }
    options.name = args.name;
    options.overrides = args.preprocessing.overrides();
    options.overwrite = overwrite;
    let imported = import(&options)?;
    import_notes::tell(&imported.notes);
    talk::say(format!("installed {}", imported.path.display()));
    Ok(())
}

fn network(args: Args, home: Home) -> Result<(), Error> {
    let overwrite = args.overwrite();
    let mut options = ImportOnnxOptions::new(args.file, home);
    options.name = args.name;
    options.layer = args.layer.as_deref().map(LayerChoice::from);
    options.overrides = args.preprocessing.overrides();
    args.pooling.add_to(&mut options.overrides);
    options.overwrite = overwrite;
    let imported = import_onnx(&options)?;
    import_notes::tell(&imported.notes);
    talk::say(format!(
        "installed {}: {} features, layer `{}`{}",
        imported.path.display(),
        imported.num_features,
        imported.layer,
        pooled(&imported)
    ));
    Ok(())
}

/// Returns how the positions of the layer became features.
fn pooled(imported: &ImportedOnnx) -> String {
    match (imported.pool, imported.prefix_tokens) {
        (Pool::Flatten, _) => String::new(),
        (pool, 0) => format!(", pool {pool}"),
        (pool, prefix) => format!(
            ", pool {pool} (without the first {})",
            counted(prefix, "token")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_complete_every_architecture() {
        let all = Architecture::ALL.map(|architecture| architecture.to_string());
        assert_eq!(ARCHITECTURES, all);
    }
}
