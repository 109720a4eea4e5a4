//! A fit on features that do not fit into memory.

use ndarray::ArrayView2;
use serde::Serialize;

use super::division::{Chosen, Division};
use super::memory::Memory;
use crate::classes::ClassIndex;
use crate::error::Result;
use crate::features::{Numbers, Stretches};
use crate::head::{
    Block, EpochFigures, FeatureBlocks, FeatureRows, Fit, FitValidParams, Streamed, fit_streamed,
};
use crate::progress::Progress;

/// How features were read in blocks because they did not fit into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Streaming {
    /// The memory that a fit with all features would have needed, in bytes.
    pub needed: u64,
    /// The limit for features, in bytes.
    pub allowed: u64,
    /// The maximum number of training images per block.
    pub images: usize,
}

/// Fits a head by SGD, and reads the features again in every epoch.
pub(super) fn in_blocks(
    params: &FitValidParams,
    division: &Division,
    memory: &Memory,
    on_epoch: &mut dyn FnMut(&EpochFigures),
    progress: &dyn Progress,
) -> Result<(Fit, Streaming)> {
    let (classes, validation) = (&division.classes, division.validation.as_ref());
    // Half is for training, a quarter for validation, and a quarter is spare.
    let mut train = StoreBlocks::new(&division.train, memory.allowed / 2)?;
    let counts = division.train.counts(classes);
    let validated = validation.map(|chosen| chosen.counts(classes));
    let validated = validated.unwrap_or_default();
    let blocks = validation.map(|chosen| StoreBlocks::new(chosen, memory.allowed / 4));
    let mut blocks = blocks.transpose()?;
    let streaming = Streaming {
        needed: memory.needed,
        allowed: memory.allowed,
        images: train.capacity,
    };
    let train = train.streamed(classes, &counts);
    let validation = blocks.as_mut().map(|v| v.streamed(classes, &validated));
    let fit = fit_streamed(params, train, validation, on_epoch, progress)?;
    Ok((fit, streaming))
}

/// The features of some images of a store, read in stretches.
struct StoreBlocks<'a> {
    stretches: Stretches,
    chosen: &'a Chosen,
    views: usize,
    n_features: usize,
    /// The maximum number of images in memory at once.
    capacity: usize,
    /// The stretches that were read last, with their values and targets.
    loaded: Vec<usize>,
    numbers: Numbers,
    targets: Vec<usize>,
}

impl<'a> StoreBlocks<'a> {
    fn new(chosen: &'a Chosen, bytes: u64) -> Result<Self> {
        let (manifest, views) = (chosen.store.manifest(), chosen.views.len());
        let n_features = chosen.n_features();
        let image = (views * n_features * manifest.dtype.bytes()).max(1) as u64;
        let capacity = usize::try_from(bytes / image).unwrap_or(usize::MAX).max(1);
        Ok(Self {
            stretches: chosen.store.stretches(&chosen.digests, &chosen.views)?,
            chosen,
            views,
            n_features,
            capacity,
            loaded: Vec::new(),
            numbers: Numbers::new(manifest.dtype),
            targets: Vec::new(),
        })
    }

    fn streamed<'b>(&'b mut self, classes: &'b ClassIndex, counts: &'b [usize]) -> Streamed<'b> {
        Streamed {
            classes,
            counts,
            views: self.views,
            n_features: self.n_features,
            capacity: self.capacity,
            blocks: self,
        }
    }

    fn load(&mut self, stretches: &[usize]) -> Result<()> {
        self.loaded.clear();
        self.numbers.clear();
        self.targets.clear();
        let all = self.capacity.min(self.chosen.targets.len());
        self.numbers.reserve(all * self.views * self.n_features);
        for &stretch in stretches {
            self.stretches.read(stretch, &mut self.numbers)?;
            let images = self.stretches.images(stretch);
            self.targets
                .extend(images.map(|image| self.chosen.targets[image]));
        }
        self.loaded.extend_from_slice(stretches);
        Ok(())
    }
}

impl FeatureBlocks for StoreBlocks<'_> {
    fn pieces(&self) -> Vec<usize> {
        let numbers = 0..self.stretches.len();
        numbers
            .map(|number| self.stretches.images(number).len())
            .collect()
    }

    fn read(&mut self, pieces: &[usize]) -> Result<Block<'_>> {
        if self.loaded != pieces {
            self.load(pieces)?;
        }
        let shape = (self.targets.len() * self.views, self.n_features);
        let whole = "every image has the same number of values";
        let features = match &self.numbers {
            Numbers::F32(numbers) => {
                FeatureRows::F32(ArrayView2::from_shape(shape, numbers).expect(whole))
            }
            Numbers::F16(numbers) => {
                FeatureRows::F16(ArrayView2::from_shape(shape, numbers).expect(whole))
            }
        };
        Ok(Block {
            features,
            targets: &self.targets,
        })
    }
}
