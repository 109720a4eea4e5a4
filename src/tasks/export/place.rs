//! Where an export is written: the network, its weights if one file would be too large, and the files of the
//! layout.

use std::path::{Path, PathBuf};

use super::layout::Described;
use super::options::ExportOptions;
use crate::backbones::onnx::export::metadata_entry;
use crate::backbones::onnx::{CutFiles, Spliced, write_to};
use crate::error::{Error, ExportProblem, Result};
use crate::images::Names;
use crate::outputs::{self, TemporaryFolder};
use crate::tasks::guard::{OutputGuard, Overwrite, Wanted};
use crate::tasks::inputs::Inputs;

/// The name of the network in the temporary folder.
const MODEL: &str = "model.onnx";

/// Where the files of an export are written.
pub(super) struct Place<'a> {
    options: &'a ExportOptions,
    guard: OutputGuard,
    model: PathBuf,
    /// The weights, if one file would be too large.
    data: PathBuf,
    /// Whether there is an earlier export.
    replaces: bool,
}

impl<'a> Place<'a> {
    /// Checks the places of all files but the weights.
    ///
    /// # Errors
    /// A file of another kind, or one next to the network that is not from an earlier export.
    pub(super) fn checked(options: &'a ExportOptions) -> Result<Self> {
        let [model, data] = options.layout.files(&options.output);
        let place = Self {
            options,
            guard: guard(options),
            replaces: model.exists(),
            model,
            data,
        };
        let (guard, overwrite) = (&place.guard, options.overwrite);
        guard.check(&place.model, Wanted::Network, overwrite)?;
        for (name, kind) in options.layout.companions() {
            let path = options.output.join(name);
            guard.check(&path, *kind, overwrite)?;
            let is_foreign = path.exists() && !place.replaces;
            if is_foreign && overwrite == Overwrite::Refuse {
                return Err(ExportProblem::Foreign(path).into());
            }
        }
        Ok(place)
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the name of the file of weights, which the network contains.
    pub(super) fn data_name(&self) -> String {
        let name = self.data.file_name().unwrap_or(self.data.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Checks the file of weights, if there is one. It may replace that of an earlier export.
    pub(super) fn check_data(&self, files: &CutFiles) -> Result<()> {
        if files.data.is_none() {
            return Ok(());
        }
        if outputs::is_stdout(&self.model) {
            return Err(ExportProblem::TwoFiles.into());
        }
        let overwrite = if self.replaces {
            Overwrite::Allow
        } else {
            self.options.overwrite
        };
        self.guard.check(&self.data, Wanted::Network, overwrite)
    }

    /// Writes the network and its weights to a temporary folder, and returns the path of the network.
    pub(super) fn write_aside(
        &self,
        files: &CutFiles,
        folder: &TemporaryFolder,
    ) -> Result<PathBuf> {
        let write = |spliced: &Spliced, name: &str| {
            let path = folder.path().join(name);
            let mut file = folder.create(name).map_err(Error::io("create", &path))?;
            write_to(spliced, &mut file, &path)
        };
        if let Some(data) = &files.data {
            write(data, &self.data_name())?;
        }
        write(&files.model, MODEL)?;
        Ok(folder.path().join(MODEL))
    }

    /// Writes all files: those of the layout, and the network with one more entry of metadata. Returns the
    /// size of the network and its weights.
    ///
    /// The folder is locked meanwhile, so that the files are of one export if two write to it at once.
    pub(super) fn write(
        &self,
        described: &Described<'_>,
        files: &CutFiles,
        entry: &(&str, String),
    ) -> Result<u64> {
        let _lock = outputs::lock_folder_of(&self.model)?;
        self.write_beside(described)?;
        self.write_network(files, entry)
    }

    /// Writes the files next to the network.
    fn write_beside(&self, described: &Described<'_>) -> Result<()> {
        let (layout, folder) = (self.options.layout, &self.options.output);
        let texts = layout.texts(folder, described);
        for ((name, _), text) in layout.companions().iter().zip(texts) {
            outputs::write_bytes_through(&folder.join(name), text.as_bytes())?;
        }
        Ok(())
    }

    fn write_network(&self, files: &CutFiles, (key, value): &(&str, String)) -> Result<u64> {
        let mut bytes = files.model.len();
        if let Some(data) = &files.data {
            bytes += data.len();
            outputs::write_through(&self.data, |file| write_to(data, file, &self.data))?;
        }
        let entry = metadata_entry(key, value);
        let name = outputs::name(&self.model);
        outputs::write_through(&self.model, |file| {
            write_to(&files.model, file, name)?;
            file.write_all(&entry).map_err(Error::io("write", name))
        })?;
        Ok(bytes + entry.len() as u64)
    }
}

fn guard(options: &ExportOptions) -> OutputGuard {
    let guard = OutputGuard::new()
        .home(&options.run.home)
        .reads([&options.head])
        .network(options.backbone.as_deref());
    let folders = [&options.verify, &options.calibration]
        .into_iter()
        .flatten();
    let inputs = folders.map(|folder| Inputs::Paths(vec![folder.clone()], Names::default()));
    inputs.fold(guard, |guard, inputs| guard.images(&inputs))
}
