//! Arguments that choose a head and how to use it, shared by several commands.

use std::path::PathBuf;

use super::given;
use super::headings::{NETWORK, PREDICTIONS};
use super::run_args::ComputingArgs;
use frostline::backbones::Home;
use frostline::classifier::{Rejecting, Tta};
use frostline::images::Limits;
use frostline::tasks::{HeadOptions, OutputGuard};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct HeadArgs {
    /// Head file; it determines the backbone and the preprocessing.
    #[arg(long, value_name = "HEAD")]
    head: PathBuf,
    /// Test-time augmentation: use the views that the head was trained with, or only the centre crop.
    #[arg(long, value_enum, default_value_t, help_heading = PREDICTIONS)]
    tta: TtaArg,
    /// Disable rejection; always assign a class.
    #[arg(long, help_heading = PREDICTIONS)]
    no_reject: bool,
    /// Feature store to reuse features from and to add new features to.
    #[arg(long, value_name = "FEATURES", help_heading = NETWORK)]
    store: Option<PathBuf>,
    #[command(flatten)]
    computing: ComputingArgs,
}

/// Returns a guard for everything that predictions read except the images; checks the head and the store.
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
    /// Average the probabilities over the views of the training.
    #[default]
    Trained,
    /// Use only the centre crop.
    None,
}

impl HeadArgs {
    pub(super) fn options(self, limits: Limits, home: Home) -> HeadOptions {
        let mut computing = self.computing.options(limits, home);
        computing.store = self.store;
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
