//! Reads a feature store. Any number of readers can do so, even while it is being written.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::content::Digest;
use super::directory::Directory;
use super::dtype::Dtype;
use super::index::{Index, IndexRow};
use super::manifest::StoreManifest;
use super::names::{INDEX, MANIFEST, with_parts};
use super::part::{self, Layout, Part};
use super::positions::Positions;
use super::reader::FeatureReader;
use super::request::Request;
use crate::backbones::Engine;
use crate::error::{Error, FeaturesError, NoSamples, Result};
use crate::images::View;

/// The place of an array of little-endian `f32` in a file.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The file.
    pub path: PathBuf,
    /// The position of the first value, in bytes.
    pub offset: u64,
    /// Rows and columns.
    pub shape: (usize, usize),
}

/// A feature store on disk, opened for reading: the features of images, and the index of the last run.
#[derive(Debug)]
pub struct FeatureStore {
    path: PathBuf,
    manifest: StoreManifest,
    format_version: u64,
    index: Index,
}

impl FeatureStore {
    /// Opens a store.
    ///
    /// # Errors
    /// [`FeaturesError`] if there is no store at `path`; [`Error::File`] if its manifest or index is
    /// truncated, damaged, of another format or of a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let found = StoreManifest::read_parsed(path)?;
        Ok(Self {
            path: path.to_owned(),
            manifest: found.manifest,
            format_version: found.format_version,
            index: Index::read(path)?,
        })
    }

    /// Returns the path of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the manifest, which describes the features.
    #[must_use]
    pub fn manifest(&self) -> &StoreManifest {
        &self.manifest
    }

    /// Returns the format version of the store on disk.
    #[doc(hidden)]
    #[must_use]
    pub fn format_version(&self) -> u64 {
        self.format_version
    }

    /// Returns the index, which lists the samples of the last run.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Forgets the index, for callers that have what they need of it: that of millions of images takes much
    /// memory.
    #[must_use]
    pub(crate) fn without_index(self) -> Self {
        Self {
            index: Index::default(),
            ..self
        }
    }

    /// Removes the used samples that are not `wanted` from the index in memory, and returns how many were
    /// removed. The files are not changed.
    pub(crate) fn leave_out(&mut self, wanted: impl Fn(&Digest) -> bool) -> usize {
        let before = self.index.len();
        self.index.retain_used(wanted);
        before - self.index.len()
    }

    /// Replaces each image in the index in memory by what `change` returns, or removes it. The files are not
    /// changed.
    pub(crate) fn change_index(&mut self, change: impl FnMut(IndexRow) -> Option<IndexRow>) {
        self.index.change(change);
    }

    /// Returns an error if the index lists no sample with features.
    ///
    /// # Errors
    /// [`FeaturesError::NoSamples`].
    pub(crate) fn require_samples(&self) -> Result<()> {
        if self.index.n_used() > 0 {
            return Ok(());
        }
        Self::require_run(&self.path)?;
        let (store, reason) = (self.path.clone(), NoSamples::NoneUsable);
        Err(FeaturesError::NoSamples { store, reason }.into())
    }

    /// Returns an error if no run has written the index of a store, which opens as an empty store.
    ///
    /// # Errors
    /// [`FeaturesError::NoSamples`].
    #[doc(hidden)]
    pub fn require_run(path: &Path) -> Result<()> {
        if !path.join(MANIFEST).exists() || path.join(INDEX).exists() {
            return Ok(());
        }
        let (store, reason) = (path.to_owned(), NoSamples::NoIndex);
        Err(FeaturesError::NoSamples { store, reason }.into())
    }

    /// Reads the features of the centre crop of some images as (N, D), in the order of `digests`.
    ///
    /// # Errors
    /// As [`Self::views`].
    pub fn features(&self, digests: &[Digest]) -> Result<Array2<f32>> {
        self.views(digests, &[View::Center])
    }

    /// Reads the features of V views of some images as (N · V, D), in the order of `digests`, with the views
    /// of each image in consecutive rows.
    ///
    /// # Errors
    /// [`Error::File`] for a part that is truncated, damaged or of another format; [`FeaturesError`] if views
    /// or images are not in the store, or if their features do not fit into memory.
    ///
    /// # Panics
    /// Never, since the rows of a new array are contiguous.
    pub fn views(&self, digests: &[Digest], views: &[View]) -> Result<Array2<f32>> {
        let places = self.places_of(views)?;
        let width = self.manifest.spec.backbone.num_features;
        refuse_more_than_memory(digests.len(), views.len() * width)?;
        let mut features = Array2::zeros((digests.len() * views.len(), width));
        with_parts(&self.path, |paths| {
            let mut request = Request::of(digests);
            for path in paths {
                let part = Part::read(path, &self.manifest)?;
                for (image, digest) in part.layout.digests.iter().enumerate() {
                    for row in request.take(digest) {
                        for (view, place) in places.iter().enumerate() {
                            let mut row = features.row_mut(row as usize * views.len() + view);
                            let to = row.as_slice_mut().expect("rows are contiguous");
                            part.read_view(image, *place, &self.manifest, to)?;
                        }
                    }
                }
            }
            match request.left() {
                0 => Ok(()),
                missing => Err(incomplete(&self.path, missing)),
            }
        })?;
        Ok(features)
    }

    /// Returns where the features of the used samples are in a file, if they are there as one array: the
    /// store has one part, with one view, in 32 bits, and the samples in their order. The part is checked.
    ///
    /// # Errors
    /// [`Error::File`] for a part that is truncated, damaged or of another format.
    #[doc(hidden)]
    pub fn span(&self) -> Result<Option<Span>> {
        if self.manifest.spec.views != [View::Center] || self.manifest.dtype != Dtype::F32 {
            return Ok(None);
        }
        with_parts(&self.path, |paths| {
            let [path] = paths else { return Ok(None) };
            let part = Part::read(path, &self.manifest)?;
            let in_order = self.index.digests().eq(part.layout.digests.iter().copied());
            Ok(in_order.then(|| Span {
                path: path.clone(),
                offset: part.offset(),
                shape: (
                    part.layout.digests.len(),
                    self.manifest.spec.backbone.num_features,
                ),
            }))
        })
    }

    /// Counts the images whose features are in the store, including those of earlier runs.
    ///
    /// # Errors
    /// [`Error::File`] for a part that is truncated, damaged or of another format.
    pub fn count_vectors(&self) -> Result<usize> {
        Ok(self.directory()?.0.len())
    }

    /// Returns where the features of all images are, and the parts.
    fn directory(&self) -> Result<(Directory, Vec<PathBuf>)> {
        with_parts(&self.path, |paths| {
            let index = Positions::open(&self.path, paths, &self.manifest);
            let directory = Directory::with_index(index);
            for (part, path) in paths.iter().enumerate() {
                if directory.covers(part) {
                    continue;
                }
                let layout = Layout::read(path, &self.manifest)?;
                directory.add_part(part, &layout.digests);
            }
            Ok((directory, paths.to_vec()))
        })
    }

    /// Returns a reader of the features of a few images at a time.
    ///
    /// # Errors
    /// [`Error::File`] for a damaged part; [`FeaturesError::Incomplete`] if the index lists images whose
    /// features are missing.
    pub(super) fn reader(&self) -> Result<StoredViews<'_>> {
        let (directory, parts) = self.directory()?;
        let digests = self.index.digests();
        match digests.filter(|digest| !directory.contains(digest)).count() {
            0 => {}
            missing => return Err(incomplete(&self.path, missing)),
        }
        let mut reader = FeatureReader::new(self.manifest.clone(), directory);
        reader.catch_up(&parts);
        Ok(StoredViews {
            store: self,
            reader,
        })
    }

    /// Returns what computed the features, with the number of images of each: a store may be merged from
    /// parts of several machines.
    ///
    /// # Errors
    /// As [`Self::count_vectors`].
    pub fn engines(&self) -> Result<Vec<(Engine, usize)>> {
        with_parts(&self.path, |paths| {
            let mut engines: Vec<(Engine, usize)> = Vec::new();
            for path in paths {
                let found = part::summary(path, &self.manifest)?;
                match engines
                    .iter_mut()
                    .find(|(known, _)| *known == found.own.engine)
                {
                    Some((_, images)) => *images += found.images,
                    None => engines.push((found.own.engine, found.images)),
                }
            }
            Ok(engines)
        })
    }

    /// Returns the total size of the store's files, in bytes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn bytes(&self) -> Result<u64> {
        size_of(&self.path)
    }

    /// Returns the position of each view among the views in the store.
    pub(super) fn places_of(&self, views: &[View]) -> Result<Vec<usize>> {
        let there = &self.manifest.spec.views;
        let place = |view: &View| {
            there
                .iter()
                .position(|other| other == view)
                .ok_or_else(|| FeaturesError::NoSuchView {
                    store: self.path.clone(),
                    view: view.to_string(),
                })
        };
        Ok(views.iter().map(place).collect::<Result<_, _>>()?)
    }
}

/// Returns the total size of the files of the store at `path`, in bytes.
pub(super) fn size_of(path: &Path) -> Result<u64> {
    let entries = fs::read_dir(path).map_err(Error::io("read", path))?;
    let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok());
    Ok(sizes.map(|found| found.len()).sum())
}

/// Reads the features of a few images of a store at a time.
pub(super) struct StoredViews<'a> {
    store: &'a FeatureStore,
    reader: FeatureReader,
}

impl StoredViews<'_> {
    /// Reads the features of V views of some images as (N · V, D), as [`FeatureStore::views`].
    ///
    /// # Errors
    /// Those of [`FeatureStore::views`].
    pub(super) fn views(&mut self, digests: &[Digest], views: &[View]) -> Result<Array2<f32>> {
        let places = self.store.places_of(views)?;
        let width = self.store.manifest.spec.backbone.num_features;
        let mut features = Vec::with_capacity(digests.len() * places.len() * width);
        for digest in digests {
            let found = self.reader.image(digest)?;
            let found = found.ok_or_else(|| incomplete(&self.store.path, 1))?;
            for place in &places {
                features.extend_from_slice(&found[place * width..][..width]);
            }
        }
        let shape = (digests.len() * places.len(), width);
        Ok(Array2::from_shape_vec(shape, features).expect("each image has all views"))
    }
}

/// Returns an error if the features do not fit into memory. An index can list an image any number of times,
/// and an allocation that fails would abort the process.
fn refuse_more_than_memory(images: usize, features: usize) -> Result<()> {
    let fits = |numbers| Vec::<f32>::new().try_reserve_exact(numbers).is_ok();
    if images.checked_mul(features).is_some_and(fits) {
        return Ok(());
    }
    Err(FeaturesError::OutOfMemory { images, features }.into())
}

/// Returns the error for images whose features are missing from a store.
pub(super) fn incomplete(store: &Path, missing: usize) -> Error {
    let store = store.to_owned();
    FeaturesError::Incomplete { store, missing }.into()
}
