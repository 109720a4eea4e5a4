//! Arguments on a head and how it is used, shared by the commands that use one.

use std::path::PathBuf;

use super::given;
use super::run_args::RunArgs;
use frostline::backbones::Home;
use frostline::classifier::{Rejecting, Tta};
use frostline::features::Computing;
use frostline::images::Limits;
use frostline::tasks::{HeadOptions, OutputGuard};

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

/// A guard of what predictions read, but for the images; head and store are looked at.
pub(super) fn guard_of(options: &HeadOptions) -> anyhow::Result<OutputGuard> {
    given::head(&options.path)?;
    let computing = &options.computing;
    let guard = OutputGuard::new().home(&computing.run.home);
    if let Some(store) = &computing.store {
        guard.check_store(store)?;
    }
    Ok(guard
        .reads([&options.path])
        .reads(&computing.store)
        .network(computing.backbone.as_deref()))
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
    pub(super) fn options(self, limits: Limits, home: Home) -> HeadOptions {
        let batch_size = self.run.batch_size;
        let mut computing = Computing::new(self.run.options(home));
        computing.backbone = self.backbone;
        computing.store = self.store;
        computing.limits = limits;
        computing.batch_size = batch_size;
        let mut options = HeadOptions::new(self.head, computing);
        options.tta = match self.tta {
            TtaArg::Trained => Tta::Trained,
            TtaArg::None => Tta::None,
        };
        options.rejecting = if self.no_reject {
            Rejecting::Off
        } else {
            Rejecting::AsTrained
        };
        options
    }
}
