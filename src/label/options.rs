//! What is labelled, and where the labels and features are kept.

use std::path::{Path, PathBuf};

use crate::error::{Error, LabelProblem, Result};
use crate::labels::{LabelColumns, LabelFile};
use crate::outputs;
use crate::tasks::{ExtractOptions, Inputs, OutputGuard, Overwrite, Wanted};

/// Options of [`Labeller::open`](super::Labeller::open).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LabellerOptions {
    /// How the features are computed. The output is the store to keep them in.
    pub extract: ExtractOptions,
    /// The label file.
    pub labels: PathBuf,
    /// Classes to begin with.
    pub classes: Vec<String>,
    /// Whether to begin with the folders of the images as labels, if there is no label file.
    pub from_folders: bool,
    /// The port to listen on; 0 chooses a free one.
    pub port: u16,
}

impl LabellerOptions {
    /// Labels images without classes to begin with, on a free port.
    #[must_use]
    pub fn new(extract: ExtractOptions, labels: PathBuf) -> Self {
        Self {
            extract,
            labels,
            classes: Vec::new(),
            from_folders: false,
            port: 0,
        }
    }

    /// Returns the store that is used if none is chosen: beside the label file.
    #[must_use]
    pub fn store_beside(labels: &Path) -> PathBuf {
        labels.with_extension("features")
    }

    /// Checks the files that are written.
    pub(super) fn check(&self) -> Result<()> {
        for name in &self.classes {
            super::deed::typed_class_name(name)
                .map_err(|why| Error::from(LabelProblem::Class { why }))?;
        }
        self.refuse_image_folder(&self.labels, "the label file")?;
        self.refuse_image_folder(&self.extract.output, "the feature store")?;
        let guard = OutputGuard::new().home(&self.extract.run.home);
        let checked = guard.check(&self.labels, Wanted::Text, Overwrite::Refuse);
        if checked.is_err() && self.labels.is_file() {
            // What is wrong with it as a label file says more.
            LabelFile::read(&self.labels, &LabelColumns::default())?;
        }
        checked?;
        guard.check_store(&self.extract.output)
    }

    /// Image folders are never written to.
    fn refuse_image_folder(&self, output: &Path, what: &'static str) -> Result<()> {
        let Inputs::Paths(paths, _) = &self.extract.inputs else {
            return Ok(());
        };
        let Some(place) = outputs::existing_folder(output) else {
            return Ok(());
        };
        let folders = paths.iter().filter(|path| path.is_dir());
        let mut folders = folders.filter_map(|path| Some((path, path.canonicalize().ok()?)));
        match folders.find(|(_, folder)| place.starts_with(folder)) {
            None => Ok(()),
            Some((folder, _)) => Err(LabelProblem::AmongImages {
                what,
                output: output.to_owned(),
                folder: folder.clone(),
            }
            .into()),
        }
    }
}
