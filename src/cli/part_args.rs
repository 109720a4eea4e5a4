//! Arguments of `extract` that name a list of images, or choose a part of them.

use std::path::PathBuf;

use super::headings::INPUT;
use frostline::images::{Shard, ShardProblem};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct PartArgs {
    /// Extract the files listed in FILE, one path on each line, instead of IMAGES.
    #[arg(long, value_name = "FILE", help_heading = INPUT)]
    pub(super) list: Option<PathBuf>,
    /// Extract only the images of shard I of N (0/16 to 15/16), chosen by their names, into a store of its
    /// own; `features merge` combines the stores.
    #[arg(long, value_name = "I/N", help_heading = INPUT, value_parser = shard)]
    pub(super) shard: Option<Shard>,
    /// Extract only the images that the last run skipped, and keep the others as they are.
    #[arg(long, help_heading = INPUT, conflicts_with = "overwrite")]
    pub(super) retry_failed: bool,
}

/// Parses a shard. The problem follows the argument, which clap names.
fn shard(text: &str) -> Result<Shard, String> {
    let shard: Result<Shard, ShardProblem> = text.parse();
    shard.map_err(|problem| format!("it {problem}"))
}
