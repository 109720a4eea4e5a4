//! `frostline features status`.

use std::path::PathBuf;

use anyhow::bail;

use crate::cli::errors::{STRAY, with_flags};
use crate::cli::examples::examples;
use crate::cli::output::{FindingsFormat, notes};
use crate::cli::refusal::Refusal;
use crate::cli::terminal::{self, Text};
use crate::cli::{Outcome, json};
use frostline::features::{RunStatus, ShardState, ShardStatus, status};
use frostline::phrases::{counted, in_quotes};
use frostline::results::ShardsStatus;

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Feature stores of shards.
    #[arg(value_name = "SHARDS", required = true)]
    shards: Vec<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
}

const EXAMPLES: &str = examples! {
    "See which of 16 shards have finished":
    "frostline features status shards/{0..15}"
    "List the shards that have no store":
    "frostline features status shards/* --format json | jq .missing_shards"
};

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let found = status(&args.shards);
    match args.format {
        FindingsFormat::Text => terminal::print(&describe(&found))?,
        FindingsFormat::Json => json::print(&ShardsStatus::new(&found, with_flags))?,
    }
    notes(found.note.as_slice());
    if let Some(problem) = found.problems.first() {
        bail!(Refusal::input(
            problem.clone(),
            "extract all shards of the same images, with the same N and the same options",
        ));
    }
    let mut shards = found.shards.iter();
    if let Some(stray) = shards.find(|shard| shard.state == ShardState::Stray) {
        let problem = format!("`{}` is not a feature store", stray.store.display());
        bail!(Refusal::input(problem, STRAY));
    }
    if !found.is_complete() {
        bail!(incomplete(&found));
    }
    if found.failed().is_empty() {
        Ok(Outcome::AllRight)
    } else {
        Ok(Outcome::SomeSkipped)
    }
}

fn incomplete(found: &RunStatus) -> Refusal {
    // A missing store of a known run is one of the absent shards.
    let is_counted = |shard: &&ShardStatus| match shard.state {
        ShardState::Finished => false,
        ShardState::Missing => found.absent.is_empty(),
        _ => true,
    };
    let stores = found.shards.iter().filter(is_counted);
    let stores: Vec<String> = stores
        .map(|shard| shard.store.display().to_string())
        .collect();
    let open = stores.iter().chain(&found.absent).map(String::as_str);
    let count = stores.len() + found.absent.len();
    let verb = if count == 1 { "is" } else { "are" };
    Refusal::input(
        format!(
            "{} {verb} not complete: {}",
            counted(count, "shard"),
            in_quotes(open)
        ),
        "run `frostline extract --shard` again for these; what they have computed is kept",
    )
}

fn describe(found: &RunStatus) -> Text {
    let mut text = Text::new();
    text.lines([row(&[
        "shard", "images", "done", "failed", "missing", "state", "store",
    ])]);
    text.lines(found.shards.iter().map(shard_row));
    let sum = |count: fn(&ShardStatus) -> usize| -> usize { found.counted().map(count).sum() };
    let totals = [
        sum(|shard| shard.images),
        sum(|shard| shard.done),
        sum(ShardStatus::n_failed),
        sum(ShardStatus::missing),
    ];
    let [images, done, failed, missing] = totals.map(|n| n.to_string());
    text.lines([row(&["total", &images, &done, &failed, &missing, "", ""])]);
    if !found.absent.is_empty() {
        text.lines([format!("no store: {}", found.absent.join(", "))]);
    }
    for (reason, n) in found.failed() {
        text.lines([format!(
            "failed: {} {}",
            counted(n, "image"),
            with_flags(reason)
        )]);
    }
    text
}

fn shard_row(shard: &ShardStatus) -> String {
    let number = shard
        .shard
        .map_or("-".to_owned(), |shard| shard.to_string());
    let counts = [shard.images, shard.done, shard.n_failed(), shard.missing()];
    let [images, done, failed, missing] = counts.map(|n| n.to_string());
    let store = match &shard.state {
        ShardState::Unreadable(problem) => problem.clone(),
        _ if shard.is_repeated => format!("{} (counted once)", shard.store.display()),
        _ => shard.store.display().to_string(),
    };
    row(&[
        &number,
        &images,
        &done,
        &failed,
        &missing,
        shard.state.name(),
        &store,
    ])
}

fn row([shard, images, done, failed, missing, state, store]: &[&str; 7]) -> String {
    let line =
        format!("{shard:<9} {images:>9} {done:>9} {failed:>8} {missing:>8}  {state:<10}  {store}");
    line.trim_end().to_owned()
}
