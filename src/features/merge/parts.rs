//! Adds the features of the sources to the merged store, and compares those that it has already.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::report::MergeReport;
use crate::error::{FeaturesError, Result};
use crate::features::content::Digest;
use crate::features::index::{Index, IndexRow};
use crate::features::part::Part;
use crate::features::reader::FeatureReader;
use crate::features::writer::StoreWriter;
use crate::outputs::{self, Linked};
use crate::stamp::Stamp;

/// The lowest cosine between two computations of the same features, on different devices or in different
/// precisions.
const SAME: f64 = 0.9999;

/// A merged store while features are added.
pub(super) struct Adding<'a> {
    writer: &'a mut StoreWriter,
    reader: FeatureReader,
    report: &'a mut MergeReport,
    /// The files of parts in the merged store, which need no comparison with themselves.
    linked: HashSet<Stamp>,
    /// The parts and tables so far, each with the number of images in the merged store before it.
    files: Vec<(u32, PathBuf)>,
}

impl<'a> Adding<'a> {
    pub(super) fn new(writer: &'a mut StoreWriter, report: &'a mut MergeReport) -> Self {
        let linked = writer.parts.iter().filter_map(|part| file_id(part));
        Self {
            linked: linked.collect(),
            reader: writer.reader(),
            writer,
            report,
            files: Vec::new(),
        }
    }

    /// Begins with the images of a part or table.
    pub(super) fn begin(&mut self, file: &Path) {
        let before = u32::try_from(self.writer.count()).expect("it fits into memory");
        self.files.push((before, file.to_owned()));
    }

    /// Returns the part or table that the features of an image came from.
    fn origin(&self, digest: &Digest) -> Option<&Path> {
        let number = self.writer.directory.number(digest)?;
        let after = self.files.partition_point(|(before, _)| *before <= number);
        let from = self.files[..after].last().map(|(_, file)| file.as_path());
        from.or_else(|| self.reader.part_of(digest))
    }

    /// Adds a part of a store if it has an image that the merged store lacks. The part is checked first.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) for a damaged part; [`FeaturesError::UnlikeFeatures`];
    /// [`Error::Io`](crate::Error::Io).
    pub(super) fn part(&mut self, path: &Path, store: &Path) -> Result<()> {
        if file_id(path).is_some_and(|file| self.linked.contains(&file)) {
            return Ok(());
        }
        let part = Part::read(path, &self.writer.manifest)?;
        let digests = &part.layout.digests;
        let width = self.writer.manifest.spec.backbone.num_features;
        let views = self.writer.manifest.spec.views.len();
        let mut is_new = false;
        for (image, digest) in digests.iter().enumerate() {
            if !self.writer.knows(digest) {
                is_new = true;
                continue;
            }
            let mut features = vec![0.0; views * width];
            for (view, to) in features.chunks_mut(width).enumerate() {
                part.read_view(image, view, &self.writer.manifest, to)?;
            }
            self.compare(digest, &features, path, || name_of(store, digest))?;
        }
        if is_new {
            self.link(path, digests)?;
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, digests: &[Digest]) -> Result<()> {
        let how = self
            .writer
            .add_part(digests, |place| outputs::link_new(path, place))?;
        match how {
            Linked::Link => self.report.linked += 1,
            Linked::Copy => self.report.copied += 1,
        }
        Ok(())
    }

    /// Adds a row of a table, if it is a used image.
    ///
    /// # Errors
    /// [`FeaturesError::UnlikeFeatures`]; [`Error::Io`](crate::Error::Io).
    pub(super) fn row(&mut self, table: &Path, row: &IndexRow, features: &[f32]) -> Result<()> {
        let Ok(content) = &row.content else {
            return Ok(());
        };
        if self.writer.knows(&content.digest) {
            return self.compare(&content.digest, features, table, || row.path.clone());
        }
        self.writer.push(content.digest, features)
    }

    /// Compares features with those of the merged store.
    fn compare(
        &mut self,
        digest: &Digest,
        new: &[f32],
        source: &Path,
        image: impl FnOnce() -> String,
    ) -> Result<()> {
        self.report.doubles += 1;
        let known = self.writer.features(digest, &mut self.reader)?;
        let width = self.writer.manifest.spec.backbone.num_features;
        let views = known.chunks(width).zip(new.chunks(width));
        let cosine = views.map(|(one, two)| cosine(one, two)).fold(1.0, f64::min);
        self.report.lowest_cosine = self.report.lowest_cosine.min(cosine);
        if cosine >= SAME {
            return Ok(());
        }
        let known = self.origin(digest).unwrap_or(&self.writer.path);
        Err(FeaturesError::UnlikeFeatures {
            image: image(),
            parts: [known.to_owned(), source.to_owned()],
            cosine: format!("{cosine:.6}"),
        }
        .into())
    }
}

/// Returns what identifies a file whatever its name: links change only the change time.
fn file_id(path: &Path) -> Option<Stamp> {
    let stamp = Stamp::of(&fs::metadata(path).ok()?);
    let without_changed = Stamp {
        changed: 0,
        ..stamp
    };
    (stamp.inode != 0).then_some(without_changed)
}

/// Returns the name of an image of a store for messages.
fn name_of(store: &Path, digest: &Digest) -> String {
    let index = Index::read(store).unwrap_or_default();
    let found = index.used().find(|(_, other)| other == digest);
    found.map_or_else(|| digest.to_string(), |(row, _)| row.path)
}

/// Returns the cosine of the angle between two vectors; 1 for equal ones, also if they are zero.
fn cosine(one: &[f32], two: &[f32]) -> f64 {
    if one == two {
        return 1.0;
    }
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    let norm = (dot(one, one) * dot(two, two)).sqrt();
    if norm == 0.0 {
        0.0
    } else {
        dot(one, two) / norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_is_that_of_the_angle() {
        for (one, two, wanted) in [
            ([1.0, 0.0], [1.0, 1.0], 0.5_f64.sqrt()),
            ([2.0, 0.0], [-1.0, 0.0], -1.0),
            ([0.0; 2], [0.0; 2], 1.0),
            ([0.0; 2], [1.0, 0.0], 0.0),
        ] {
            assert!((cosine(&one, &two) - wanted).abs() < 1e-12);
        }
    }
}
