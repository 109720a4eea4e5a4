//! Arguments that take labels from a file, shared by several commands.

use std::path::{Path, PathBuf};

use super::headings::LABELS;
use super::talk;
use frostline::labels::LabelColumns;
use frostline::phrases::counted;
use frostline::tasks::{LabelOptions, LaidLabels};

/// A label file.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LabelFileArgs {
    /// Take labels from a file instead of the folders: CSV, JSON Lines or Parquet with the columns path or
    /// digest, and label or class; also the results of `classify`. Feature stores stay as they are.
    #[arg(long, value_name = "FILE", help_heading = LABELS)]
    labels: Option<PathBuf>,
    #[command(flatten)]
    columns: ColumnArgs,
}

/// The columns of a label file.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ColumnArgs {
    /// Column of the label file with the paths or digests of the images [default: path, or else digest].
    #[arg(long, value_name = "COLUMN", help_heading = LABELS)]
    labels_key: Option<String>,
    /// Column of the label file with the labels [default: label, or else class].
    #[arg(long, value_name = "COLUMN", help_heading = LABELS)]
    labels_column: Option<String>,
}

impl From<ColumnArgs> for LabelColumns {
    fn from(args: ColumnArgs) -> Self {
        Self {
            key: args.labels_key,
            label: args.labels_column,
        }
    }
}

/// A label file in place of the folders.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LabelArgs {
    #[command(flatten)]
    file: LabelFileArgs,
    /// Keep the classes of folders for images that the label file does not list.
    #[arg(long, requires = "labels", help_heading = LABELS)]
    labels_over_folders: bool,
}

impl LabelFileArgs {
    pub(super) fn options(self) -> Option<LabelOptions> {
        let mut options = LabelOptions::new(self.labels?);
        options.columns = self.columns.into();
        Some(options)
    }
}

impl LabelArgs {
    pub(super) fn options(self) -> Option<LabelOptions> {
        let mut options = self.file.options()?;
        options.over_folders = self.labels_over_folders;
        Some(options)
    }
}

/// Returns the label file, so that no output replaces it.
pub(super) fn file_of(labels: Option<&LabelOptions>) -> Option<&Path> {
    labels.map(|labels| labels.file.as_path())
}

/// Says how the label file and the images correspond.
pub(super) fn tell(laid: Option<&LaidLabels>) {
    let Some(laid) = laid else { return };
    let labelled = counted(laid.n_labelled, "image");
    talk::say(format!("labels of {labelled} from {}", laid.file));
    if laid.n_without_label > 0 {
        let images = counted(laid.n_without_label, "image");
        talk::note(format!(
            "{images} listed in `{}` without a label",
            laid.file
        ));
    }
    laid.warnings().iter().for_each(talk::warn);
}
