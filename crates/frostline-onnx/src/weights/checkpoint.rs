//! A file of weights: the dictionaries of tensors in it, which are read on request.

use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::archive::{self, Archive};
use super::assemble::assemble;
use super::dtype::ByteOrder;
use super::fault::Fault;
use super::layout::Layout;
use super::legacy::{self, Legacy};
use super::names::Group;
use super::safetensors_file::{self, Flat};
use super::state_dict::{StateDict, Tensor};
use crate::error::{Error, Result, WeightsProblem};
use crate::sniff::{self, Kind};

/// An open file of weights.
///
/// It knows the names and shapes of all tensors and has read none of them, so that a checkpoint may contain
/// much more than one network.
pub struct Checkpoint<R> {
    path: PathBuf,
    groups: Vec<Group>,
    file: File<R>,
}

enum File<R> {
    Archive(Archive<R>),
    Legacy(Legacy<R>),
    Flat(Flat<R>),
}

impl<R: Read + Seek> Checkpoint<R> {
    /// Opens a complete `.pth` or `.safetensors` file; errors name it `path`.
    ///
    /// Integer and boolean tensors (`num_batches_tracked`, masks) are skipped: they are not weights.
    /// So is everything that is not a tensor.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] if the file is something else, is cut off or damaged, contains no
    /// tensors, or would run code when Python loads it.
    pub fn open(source: R, path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        match open(source) {
            Ok((groups, file)) => Ok(Self { path, groups, file }),
            Err(fault) => Err(fault.at(&path)),
        }
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the dictionaries of tensors, at least one, none of them empty.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Reads tensors of this file, with their values converted to `f32`.
    pub(crate) fn read(&mut self, tensors: &[(String, Rc<Layout>)]) -> Result<StateDict> {
        let tensors = self.file.read(tensors);
        let tensors = tensors.map_err(|fault| fault.at(&self.path))?;
        Ok(StateDict::new(&self.path, tensors))
    }

    /// Reads all tensors of the outermost dictionary that has any.
    pub(super) fn first(&mut self) -> Result<StateDict> {
        let tensors = named(&self.groups[0]);
        self.read(&tensors)
    }

    pub(crate) fn fault(&self, problem: WeightsProblem) -> Error {
        let path = self.path.clone();
        Error::Weights { path, problem }
    }
}

impl<R> fmt::Debug for Checkpoint<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut about = f.debug_struct("Checkpoint");
        about.field("path", &self.path).finish_non_exhaustive()
    }
}

fn named(group: &Group) -> Vec<(String, Rc<Layout>)> {
    let tensors = group.tensors.iter();
    tensors
        .map(|(name, layout)| (name.to_string(), Rc::clone(layout)))
        .collect()
}

fn open<R: Read + Seek>(mut source: R) -> Result<(Vec<Group>, File<R>), Fault> {
    let length = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    let mut start = Vec::new();
    source.by_ref().take(sniff::START).read_to_end(&mut start)?;
    source.rewind()?;
    Ok(match sniff::kind(&start) {
        Kind::Pickle => {
            let (groups, file) = legacy::open(source, length)?;
            (groups, File::Legacy(file))
        }
        Kind::Zip => {
            let (groups, file) = archive::open(source, length)?;
            (groups, File::Archive(file))
        }
        Kind::Safetensors => {
            let (groups, file) = safetensors_file::open(source, length)?;
            (groups, File::Flat(file))
        }
        other => return Err(Fault::foreign(other.words())),
    })
}

impl<R: Read + Seek> File<R> {
    fn read(&mut self, tensors: &[(String, Rc<Layout>)]) -> Result<Vec<(String, Tensor)>, Fault> {
        let little = ByteOrder::Little;
        match self {
            Self::Archive(file) => assemble(tensors, file.order, |storage| file.storage(storage)),
            Self::Legacy(file) => assemble(tensors, little, |storage| file.storage(storage)),
            Self::Flat(file) => assemble(tensors, little, |storage| file.storage(storage)),
        }
    }
}

/// Reads all tensors of the outermost dictionary that has any.
#[cfg(test)]
pub(super) fn read(source: impl Read + Seek) -> Result<Vec<(String, Tensor)>, Fault> {
    let (groups, mut file) = open(source)?;
    file.read(&named(&groups[0]))
}
