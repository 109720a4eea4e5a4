//! Preprocessing that was published next to a network: transformers' `preprocessor_config.json`, or timm's
//! `config.json`. What frostline cannot apply is refused, and what it skips is named.

mod fields;
mod timm;
mod transformers;

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, FileKind, FileProblem, Result};
use crate::images::Preprocessing;
use crate::inputs::{self, Links};
use crate::phrases::all_in_quotes;

/// The name of the file that transformers writes.
pub(crate) const TRANSFORMERS: &str = "preprocessor_config.json";
/// The name of the file that timm writes; transformers uses it for the network itself.
pub(crate) const TIMM: &str = "config.json";

/// The folder of ONNX files in a repository whose root has the configuration.
const ONNX: &str = "onnx";

/// The size limit of a configuration, which lists all class names in some repositories.
const MOST_BYTES: u64 = 16 << 20;

/// The preprocessing in a file that was published with a network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PublishedPreprocessing {
    /// The file.
    pub file: PathBuf,
    /// The settings.
    pub preprocessing: Preprocessing,
    /// Keys of the file that are not applied, because frostline does not know them.
    pub ignored: Vec<String>,
}

impl PublishedPreprocessing {
    /// Reads the configuration in the folder of a network, or in the folder above one called `onnx`; `None`
    /// if there is none.
    ///
    /// # Errors
    /// [`Error::File`] if it is not JSON, or asks for something that a [`Preprocessing`] cannot do;
    /// [`Error::Io`].
    pub fn beside(network: &Path) -> Result<Option<Self>> {
        let network = std::path::absolute(network).map_err(Error::io("read", network))?;
        let mut folders = network.ancestors().skip(1);
        let near = folders.next();
        let above = near
            .filter(|folder| folder.ends_with(ONNX))
            .and(folders.next());
        Self::nearest(near.into_iter().chain(above))
    }

    /// Reads the configuration nearest to a network in the folder of its repository: in the network's folder
    /// or one above it.
    #[cfg(feature = "cli")]
    pub(super) fn inside(repository: &Path, network: &Path) -> Result<Option<Self>> {
        let folders = network.ancestors().skip(1);
        Self::nearest(folders.take_while(|folder| folder.starts_with(repository)))
    }

    fn nearest<'a>(folders: impl Iterator<Item = &'a Path>) -> Result<Option<Self>> {
        for folder in folders {
            for name in [TRANSFORMERS, TIMM] {
                let file = folder.join(name);
                // Something else than a file of this name is an error.
                if file.symlink_metadata().is_ok()
                    && let Some(found) = Self::read(&file)?
                {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Reads a configuration; `None` for a `config.json` that says nothing about preprocessing.
    fn read(file: &Path) -> Result<Option<Self>> {
        let is_timm = file.ends_with(TIMM);
        let text = match inputs::read_text(file, Links::Follow, MOST_BYTES) {
            // The configuration of any program may have this name.
            Err(error) if is_timm && error.kind() == ErrorKind::InvalidData => return Ok(None),
            text => text.map_err(Error::io("read", file))?,
        };
        let read = serde_json::from_str::<Value>(&text)
            .map_err(|error| error.to_string())
            .and_then(|value| {
                let read = if is_timm {
                    timm::read(&value)?
                } else {
                    Some(transformers::read(&value)?)
                };
                let checked = read
                    .as_ref()
                    .map_or(Ok(()), |read| read.preprocessing.check());
                checked.map(|()| read).map_err(|error| error.to_string())
            });
        match read {
            Ok(read) => Ok(read.map(|read| Self {
                file: file.to_owned(),
                preprocessing: read.preprocessing,
                ignored: read.ignored,
            })),
            Err(_) if is_timm && !text.contains("pretrained_cfg") => Ok(None),
            Err(problem) => Err(refused(file, problem)),
        }
    }

    /// Checks that the images it makes have the size that the network takes, if the network fixes it.
    ///
    /// # Errors
    /// [`Error::File`] naming both sizes.
    pub(crate) fn check_size(&self, takes: Option<(u32, u32)>) -> Result<()> {
        let makes = self.preprocessing.output_size();
        match takes {
            Some(takes) if takes != makes => Err(refused(
                &self.file,
                format!(
                    "it makes images of {} × {} pixels, but the network takes {} × {}",
                    makes.0, makes.1, takes.0, takes.1
                ),
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for PublishedPreprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = &self.preprocessing;
        write!(
            f,
            "the preprocessing of `{}`: resize {}, crop {}, {}, mean {:?}, std {:?}, scale {}",
            self.file.display(),
            p.resize,
            p.crop,
            p.interpolation,
            p.mean,
            p.std,
            p.scale
        )?;
        if self.ignored.is_empty() {
            return Ok(());
        }
        write!(f, "; ignored: {}", all_in_quotes(&self.ignored))
    }
}

fn refused(file: &Path, found: String) -> Error {
    Error::File {
        path: file.to_owned(),
        kind: FileKind::PublishedPreprocessing,
        problem: FileProblem::Foreign {
            wanted: "a preprocessing that can be used",
            found,
        },
    }
}
