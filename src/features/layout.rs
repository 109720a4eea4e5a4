//! Where the columns of a part lie in its file, so that some rows can be read without the rest.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::read_footer_length;
use arrow_ipc::{Message, root_as_footer, root_as_message};
use half::f16;

use super::digest::Digest;
use super::manifest::{Dtype, StoreManifest};
use super::part;
use crate::error::{Error, FileProblem, Result};

/// The numbers of some rows, one after the other, as they are kept.
#[derive(Debug, Clone)]
pub enum Numbers {
    /// 32 bits each.
    F32(Vec<f32>),
    /// 16 bits each.
    F16(Vec<f16>),
}

impl Numbers {
    /// None yet.
    #[must_use]
    pub fn new(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32(Vec::new()),
            Dtype::F16 => Self::F16(Vec::new()),
        }
    }

    /// Throws them away, and keeps the room.
    pub fn clear(&mut self) {
        match self {
            Self::F32(numbers) => numbers.clear(),
            Self::F16(numbers) => numbers.clear(),
        }
    }

    /// Makes room for so many more, and no larger one.
    pub fn reserve(&mut self, more: usize) {
        match self {
            Self::F32(numbers) => numbers.reserve_exact(more),
            Self::F16(numbers) => numbers.reserve_exact(more),
        }
    }

    /// All of them in 32 bits.
    #[must_use]
    pub fn widened(self) -> Vec<f32> {
        match self {
            Self::F32(numbers) => numbers,
            Self::F16(numbers) => numbers.into_iter().map(f16::to_f32).collect(),
        }
    }

    /// Adds those that some bytes of a part are.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        match self {
            Self::F32(to) => to.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
            Self::F16(to) => to.extend(bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b))),
        }
    }
}

/// Bytes of a number.
pub(super) fn bytes_each(dtype: Dtype) -> usize {
    match dtype {
        Dtype::F32 => 4,
        Dtype::F16 => 2,
    }
}

/// A part's digests, and where its features begin.
#[derive(Debug)]
pub(super) struct Layout {
    path: PathBuf,
    /// One for each image.
    pub(super) digests: Vec<Digest>,
    features: u64,
    /// Bytes of all views of an image.
    image: u64,
}

impl Layout {
    /// # Errors
    /// [`Error::File`]: cut, foreign, newer, or of another store.
    pub(super) fn read(path: &Path, manifest: &StoreManifest) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        Self::of(path, file, manifest).map_err(|problem| failed(path, problem))
    }

    fn of(path: &Path, mut file: File, manifest: &StoreManifest) -> Result<Self, FileProblem> {
        let columns = Columns::of(&mut file, manifest)?;
        let bytes = read_range(&mut file, columns.digests.clone())?;
        let mut digests = bytes.as_chunks().0.iter().map(|b| Digest(*b)).collect();
        let views = manifest.spec.views.len();
        part::one_digest_an_image(&mut digests, views)?;
        let row = manifest.spec.backbone.num_features * bytes_each(manifest.dtype);
        let image = (views * row) as u64;
        let found = columns.features.end - columns.features.start;
        if found < image * digests.len() as u64 {
            let problem = "its features are fewer than its digests";
            return Err(FileProblem::Damaged(problem.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            digests,
            features: columns.features.start,
            image,
        })
    }

    /// The bytes of some images, all views of each.
    pub(super) fn read_images(&self, images: Range<usize>) -> Result<Vec<u8>> {
        let at = |image: usize| self.features + self.image * image as u64;
        let mut file = File::open(&self.path).map_err(Error::io("read", &self.path))?;
        read_range(&mut file, at(images.start)..at(images.end))
            .map_err(|problem| failed(&self.path, problem))
    }
}

fn failed(path: &Path, problem: FileProblem) -> Error {
    Error::File {
        path: path.to_owned(),
        problem,
        hint: part::HINT.to_owned(),
    }
}

/// Where two columns lie, in bytes from the start of the file.
struct Columns {
    digests: Range<u64>,
    features: Range<u64>,
}

impl Columns {
    fn of(file: &mut File, manifest: &StoreManifest) -> Result<Self, FileProblem> {
        let damaged = |e: &dyn ToString| FileProblem::Damaged(e.to_string());
        let length = file.seek(SeekFrom::End(0)).map_err(|e| damaged(&e))?;
        let cut = || FileProblem::Cut(format!("no Arrow file ends after its {length} bytes"));
        let end = length.checked_sub(10).ok_or_else(cut)?;
        let tail = read_range(file, end..length)?;
        let tail = tail.try_into().map_err(|_| cut())?;
        let footer = read_footer_length(tail).map_err(|_| cut())? as u64;
        let footer = read_range(file, end.checked_sub(footer).ok_or_else(cut)?..end)?;
        let footer = root_as_footer(&footer).map_err(|e| damaged(&e))?;
        let schema = footer.schema().ok_or_else(cut)?;
        part::check(
            &try_fb_to_schema(schema).map_err(|e| damaged(&e))?,
            manifest,
        )?;
        let blocks = footer.recordBatches().unwrap_or_default();
        if blocks.len() != 1 {
            return Err(damaged(&"it holds more or less than one batch"));
        }
        let block = blocks.get(0);
        let (start, head) = (block.offset() as u64, block.metaDataLength() as u64);
        let message = read_range(file, start..start + head)?;
        // A marker and the length go before the message.
        let message = message.get(8..).ok_or_else(cut)?;
        let message = root_as_message(message).map_err(|e| damaged(&e))?;
        Self::of_message(&message, start + head).ok_or_else(|| damaged(&"its columns are others"))
    }

    /// The buffers of a flat column are its nulls and its values, text has its offsets between them, and a list has its
    /// nulls before those of what it lists.
    fn of_message(message: &Message, body: u64) -> Option<Self> {
        let batch = message.header_as_record_batch()?;
        let buffers = batch.buffers()?;
        if batch.compression().is_some() || buffers.len() != 8 {
            return None;
        }
        let range = |i: usize| {
            let start = body + buffers.get(i).offset() as u64;
            start..start + buffers.get(i).length() as u64
        };
        Some(Self {
            digests: range(1),
            features: range(7),
        })
    }
}

fn read_range(file: &mut File, range: Range<u64>) -> Result<Vec<u8>, FileProblem> {
    let wanted = range.end.saturating_sub(range.start);
    let mut bytes = Vec::new();
    let read = file
        .seek(SeekFrom::Start(range.start))
        .and_then(|_| file.take(wanted).read_to_end(&mut bytes));
    match read {
        Ok(read) if read as u64 == wanted => Ok(bytes),
        Ok(_) => Err(FileProblem::Cut("it ends within its columns".to_owned())),
        Err(e) => Err(FileProblem::Damaged(e.to_string())),
    }
}
