//! `frostline fit-head`.

use std::path::PathBuf;

use super::Outcome;
use super::talk;
use super::trust_args::{self, TrustArgs};
use crate::head::{ClassWeight, EpochFigures, FitParams};
use crate::tasks::{FitHeadOptions, FitHeadReport, Validation, fit_head};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The feature store of the training images.
    #[arg(value_name = "FEATURES")]
    features: PathBuf,
    /// The head file to write.
    #[arg(short, long, value_name = "HEAD")]
    output: PathBuf,
    /// Another feature store, for validation.
    #[arg(long, value_name = "FEATURES", conflicts_with = "validation_split")]
    validation: Option<PathBuf>,
    /// Keep this share of the training images for validation: stratified, equal images on one side.
    #[arg(long, value_name = "SHARE")]
    validation_split: Option<f64>,
    /// Train on all the views of the features: each epoch draws one of each image.
    #[arg(long)]
    augment: bool,
    #[command(flatten)]
    sgd: SgdArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Parameters of torch.optim.SGD and of the loop around it; ranges are checked by the library.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Stochastic gradient descent")]
struct SgdArgs {
    /// Learning rate.
    #[arg(
        long,
        value_name = "LR",
        default_value_t = 0.001,
        allow_hyphen_values = true
    )]
    lr: f32,
    /// Momentum.
    #[arg(
        long,
        value_name = "M",
        default_value_t = 0.9,
        allow_hyphen_values = true
    )]
    momentum: f32,
    /// Nesterov's momentum.
    #[arg(long)]
    nesterov: bool,
    /// L2 penalty, added to the gradient.
    #[arg(
        long,
        value_name = "L2",
        default_value_t = 0.0,
        allow_hyphen_values = true
    )]
    weight_decay: f32,
    /// Share of the features dropped at random in each step.
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.0,
        allow_hyphen_values = true
    )]
    dropout: f32,
    /// Images a step.
    #[arg(long, value_name = "N", default_value_t = 32)]
    batch_size: usize,
    /// Passes over the training images.
    #[arg(long, value_name = "N", default_value_t = 25)]
    epochs: usize,
    /// Of the order of images, of dropout and of the validation split.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Weight of each class in the loss: none, or balanced (the rarer, the heavier).
    #[arg(long, value_enum, default_value_t)]
    class_weight: ClassWeightArg,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum ClassWeightArg {
    #[default]
    None,
    Balanced,
}

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    let validation = match (args.validation, args.validation_split) {
        (Some(store), _) => Validation::Store(store),
        (None, Some(share)) => Validation::Split(share),
        (None, None) => Validation::None,
    };
    let params = args.sgd.params();
    let options = FitHeadOptions {
        features: args.features,
        output: args.output,
        params,
        validation,
        augment: args.augment,
        calibrate: args.trust.calibrate(),
        reject: args.trust.reject(),
    };
    let report = fit_head(&options, &mut tell_epoch)?;
    tell(&report, &options);
    Ok(Outcome::AllRight)
}

impl SgdArgs {
    fn params(&self) -> FitParams {
        let class_weight = match self.class_weight {
            ClassWeightArg::None => ClassWeight::None,
            ClassWeightArg::Balanced => ClassWeight::Balanced,
        };
        FitParams::new()
            .lr(self.lr)
            .momentum(self.momentum)
            .nesterov(self.nesterov)
            .weight_decay(self.weight_decay)
            .dropout(self.dropout)
            .batch_size(self.batch_size)
            .epochs(self.epochs)
            .seed(self.seed)
            .class_weight(class_weight)
    }
}

fn tell_epoch(figures: &EpochFigures) {
    if figures.epoch == 1 {
        let validation = figures
            .validation
            .map_or("", |_| "  val loss  val accuracy");
        talk::say(format!("epoch  train loss{validation}"));
    }
    let validation = figures
        .validation
        .map(|v| format!("  {:>8.4}  {:>10.1} %", v.loss, 100.0 * v.accuracy));
    talk::say(format!(
        "{:>5}  {:>10.4}{}",
        figures.epoch,
        figures.train_loss,
        validation.unwrap_or_default()
    ));
}

fn tell(report: &FitHeadReport, options: &FitHeadOptions) {
    report.warnings.iter().for_each(talk::warn);
    if report.n_validation == 0 {
        talk::note(
            "there are no validation figures: give --validation FEATURES or --validation-split 0.2",
        );
    }
    let (classes, seconds) = (report.classes.len(), report.fit.seconds);
    talk::say(format!(
        "trained on {} images × {} features, {classes} classes, in {seconds:.3} s",
        report.n_train, report.n_features
    ));
    if let Some(v) = report.fit.history.last().and_then(|last| last.validation) {
        let n = report.n_validation;
        talk::say(format!(
            "  validation  {:.1} % of {n} images right, loss {:.4}",
            100.0 * v.accuracy,
            v.loss
        ));
    }
    trust_args::tell(report);
    talk::say(format!("  head        {}", options.output.display()));
}
