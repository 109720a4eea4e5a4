//! Arguments that choose a head and labelled images to evaluate it on, shared by `evaluate` and `report`.

use std::path::PathBuf;

use super::given;
use super::head_args::{HeadArgs, guard_of};
use super::headings::LABELS;
use super::input_args::NameArgs;
use super::label_args::{self, LabelArgs};
use super::training_args::TrainingArgs;
use frostline::backbones::Home;
use frostline::images::Limits;
use frostline::tasks::{EvaluationInput, OnlySplit, OutputGuard};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct EvaluationArgs {
    /// Feature store, or folder of images with a folder for each class.
    #[arg(value_name = "FEATURES|IMAGES")]
    data: PathBuf,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    head: HeadArgs,
    #[command(flatten)]
    training: TrainingArgs,
    #[command(flatten)]
    labels: LabelArgs,
    /// Evaluate only the images of one split of a file that `frostline split` has written.
    #[arg(long, value_name = "FILE", help_heading = LABELS)]
    splits: Option<PathBuf>,
    /// Split to evaluate.
    #[arg(long, value_name = "SPLIT", default_value = "test", requires = "splits", help_heading = LABELS)]
    only: String,
}

impl EvaluationArgs {
    pub(super) fn input(self, home: Home) -> EvaluationInput {
        let head = self.head.options(Limits::default(), home);
        let mut input = EvaluationInput::new(self.data, head);
        input.names = self.names.names();
        input.training_images = self.training.images();
        input.labels = self.labels.options();
        input.only = self.splits.map(|file| OnlySplit::new(file, self.only));
        input
    }
}

/// Returns a guard for everything that is read; checks the data, the head and the stores.
pub(super) fn guard(input: &EvaluationInput) -> anyhow::Result<OutputGuard> {
    given::data(&input.data)?;
    Ok(guard_of(&input.head)?
        .data(&input.data)
        .reads(label_args::file_of(input.labels.as_ref()))
        .reads(input.only.as_ref().map(|only| &only.file)))
}
