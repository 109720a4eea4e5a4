//! Arguments on a head and how it is used, shared by the commands that use one.

use std::path::PathBuf;

use super::given;
use super::run_args::RunArgs;
use frostline::backbones::Home;
use frostline::classifier::{Rejecting, Tta};
use frostline::error::Error;
use frostline::images::Limits;
use frostline::tasks::{ClassifyOptions, Inputs, OutputGuard};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct HeadArgs {
    /// The head file; it brings backbone and preprocessing.
    #[arg(long, value_name = "HEAD")]
    head: PathBuf,
    /// A feature store to take the images' features from and to add them to.
    #[arg(long, value_name = "FEATURES")]
    store: Option<PathBuf>,
    /// The network's file, where the head's backbone is not installed.
    #[arg(long, value_name = "NAME|FILE")]
    backbone: Option<PathBuf>,
    /// Test-time augmentation: the views that the head was trained with, or the centre alone.
    #[arg(long, value_enum, default_value_t)]
    tta: TtaArg,
    /// Take images that are like none of the training images for one of the classes too.
    #[arg(long)]
    no_reject: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// A guard of what a classification reads, but for its images; head and store are looked at.
pub(super) fn guard_of(options: &ClassifyOptions) -> Result<OutputGuard, Error> {
    given::head(&options.head)?;
    let guard = OutputGuard::new().home(&options.run.home);
    if let Some(store) = &options.store {
        guard.check_store(store)?;
    }
    Ok(guard
        .reads([&options.head])
        .reads(&options.store)
        .network(options.backbone.as_deref()))
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum TtaArg {
    /// Those that it was trained with; their probabilities are averaged.
    #[default]
    Trained,
    /// The centre alone.
    None,
}

impl HeadArgs {
    pub(super) fn options(self, inputs: Inputs, limits: Limits, home: Home) -> ClassifyOptions {
        ClassifyOptions {
            inputs,
            head: self.head,
            backbone: self.backbone,
            store: self.store,
            tta: match self.tta {
                TtaArg::Trained => Tta::Trained,
                TtaArg::None => Tta::None,
            },
            rejecting: if self.no_reject {
                Rejecting::Off
            } else {
                Rejecting::AsTrained
            },
            limits,
            batch_size: self.run.batch_size,
            run: self.run.options(home),
        }
    }
}
