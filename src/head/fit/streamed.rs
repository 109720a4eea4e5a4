//! Fits heads on features that are too large for memory, block by block.

use std::time::Instant;

use ndarray::Array2;

use super::diagnosis::diagnose;
use super::epochs::{Passes, require_validation, run};
use super::figures::{EpochFigures, Fit, ValidationFigures, ValidationSums};
use crate::classes::ClassIndex;
use crate::error::{AllFeatures, DataProblem, HeadError, Result};
use crate::head::data::{Block, FeatureRows, LabelledFeatures, RowOrder, require_two_classes};
use crate::head::linear::LinearHead;
use crate::head::parallel::start_processors;
use crate::head::params::{FitValidParams, Solver};
use crate::head::sgd::{BatchLoss, Sgd};
use crate::progress::Progress;

/// Images whose features are widened together for validation.
const WIDENED: usize = 256;

/// Features that can be read piece by piece, any number of times.
pub(crate) trait FeatureBlocks {
    /// Returns the number of images of each piece.
    fn pieces(&self) -> Vec<usize>;

    /// Reads some pieces, one after the other; they replace the previously read ones.
    ///
    /// # Errors
    /// When a piece cannot be read.
    fn read(&mut self, pieces: &[usize]) -> Result<Block<'_>>;
}

/// A set of images with features in pieces.
pub(crate) struct Streamed<'a> {
    /// The pieces.
    pub blocks: &'a mut dyn FeatureBlocks,
    /// The names of the C classes.
    pub classes: &'a ClassIndex,
    /// The number of images of each class, (C).
    pub counts: &'a [usize],
    /// V, at least 1.
    pub views: usize,
    /// D.
    pub n_features: usize,
    /// The most images in memory at once; a piece with more images is still read whole.
    pub capacity: usize,
}

/// Fits a head by SGD on features in pieces, like [`fit`](fn@crate::head::fit).
///
/// Every epoch shuffles the pieces, determined by the seed. As many as fit in memory make a block, whose
/// images are shuffled too; the last batch of a block may be smaller. If all pieces fit in memory, the result
/// is bit-identical to that of [`fit`](fn@crate::head::fit).
///
/// # Errors
/// As [`fit`](fn@crate::head::fit); [`HeadError::NeedsAllFeatures`] for other solvers than SGD and for
/// standardised features; [`DataProblem`] when a feature is not finite;
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn fit_streamed<'a>(
    params: &FitValidParams,
    train: Streamed<'a>,
    validation: Option<Streamed<'a>>,
    on_epoch: &mut dyn FnMut(&EpochFigures),
    progress: &'a dyn Progress,
) -> Result<Fit> {
    let started = Instant::now();
    let values = params.values();
    require_sgd(params)?;
    start_processors()?;
    require_validation(values.patience, validation.is_some())?;
    let (classes, counts) = (train.classes, train.counts);
    require_two_classes(classes, counts)?;
    let validated = validation.as_ref().map(|set| set.counts);
    let start = LinearHead::zeros(classes.len(), train.n_features);
    let class_weights = values.class_weight.weights(classes, counts)?;
    let mut passes = BlockPasses {
        order: RowOrder::new(values.seed, 0, train.views),
        checked: false,
        train,
        validation,
        progress,
    };
    let sgd = Sgd::new(params, &start).with_class_weights(class_weights)?;
    let fit = run(sgd, params, values.epochs, &mut passes, on_epoch)?;
    Ok(Fit {
        warnings: diagnose(&fit, params, classes, counts, validated),
        seconds: started.elapsed().as_secs_f64(),
        ..fit
    })
}

fn require_sgd(params: &FitValidParams) -> Result<()> {
    let values = params.values();
    let needs = match (values.solver, values.standardize) {
        (Solver::Sgd, false) => return Ok(()),
        (Solver::Sgd, true) => AllFeatures::Standardize,
        (solver, _) => AllFeatures::Solver(solver.name()),
    };
    Err(HeadError::NeedsAllFeatures(needs).into())
}

impl Streamed<'_> {
    /// Returns the pieces of each block, in the order given.
    fn blocks(&self, pieces: &[usize]) -> Vec<Vec<usize>> {
        let sizes = self.blocks.pieces();
        let (mut blocks, mut images) = (vec![Vec::new()], 0);
        for &piece in pieces {
            images += sizes[piece];
            if images > self.capacity && blocks.last().is_some_and(|block| !block.is_empty()) {
                blocks.push(Vec::new());
                images = sizes[piece];
            }
            blocks.last_mut().expect("there is one").push(piece);
        }
        blocks
    }
}

/// Runs epochs and validation block by block.
struct BlockPasses<'a> {
    train: Streamed<'a>,
    validation: Option<Streamed<'a>>,
    order: RowOrder,
    /// Whether all features are known to be finite.
    checked: bool,
    progress: &'a dyn Progress,
}

impl Passes for BlockPasses<'_> {
    fn epoch(&mut self, sgd: &mut Sgd, batch_size: usize) -> Result<BatchLoss> {
        let train = &mut self.train;
        let mut pieces: Vec<usize> = (0..train.blocks.pieces().len()).collect();
        let whole = train.blocks(&pieces).len() == 1;
        if !whole {
            self.order.shuffle(&mut pieces);
        }
        let mut loss = BatchLoss::default();
        for pieces in train.blocks(&pieces) {
            let block = train.blocks.read(&pieces)?;
            if !self.checked {
                require_finite(&block.features)?;
            }
            if !(whole && self.checked) {
                self.order.restart(block.targets.len());
            }
            let rows = self.order.next_epoch();
            let batches: Vec<&[usize]> = rows.chunks(batch_size).collect();
            loss.add(sgd.steps_on(&block, train.views, &batches, self.progress)?);
        }
        self.checked = true;
        Ok(loss)
    }

    fn validate(&mut self, head: &LinearHead) -> Result<Option<ValidationFigures>> {
        let Some(set) = &mut self.validation else {
            return Ok(None);
        };
        let pieces: Vec<usize> = (0..set.blocks.pieces().len()).collect();
        let mut sums = ValidationSums::default();
        for pieces in set.blocks(&pieces) {
            let block = set.blocks.read(&pieces)?;
            add(&mut sums, head, block, set.views, set.classes)?;
        }
        Ok(Some(sums.figures()))
    }
}

fn require_finite(features: &FeatureRows<'_>) -> Result<()> {
    if features.is_finite() {
        return Ok(());
    }
    Err(DataProblem::NotFinite { row: None }.into())
}

/// Adds the metrics of a head on a block.
fn add(
    sums: &mut ValidationSums,
    head: &LinearHead,
    block: Block<'_>,
    views: usize,
    classes: &ClassIndex,
) -> Result<()> {
    let d = block.features.ncols();
    for (number, targets) in block.targets.chunks(WIDENED).enumerate() {
        let mut wide = Array2::zeros((targets.len() * views, d));
        let first = number * WIDENED * views;
        for (row, mut to) in (first..).zip(wide.rows_mut()) {
            let to = to.as_slice_mut().expect("a new matrix is row-major");
            block.features.copy(row, 0..d, to);
        }
        let set = LabelledFeatures::with_views(wide.view(), views, targets, classes)?;
        sums.add(head, &set)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use half::f16;
    use linfa::ParamGuard;
    use ndarray::{ArrayView2, Axis, s};

    use super::*;
    use crate::head::{FitParams, fit};
    use crate::progress::Silent;

    /// Images in memory, read in pieces.
    struct Pieces {
        features: Array2<f32>,
        targets: Vec<usize>,
        size: usize,
        views: usize,
        /// The last block, in f16.
        block: (Array2<f16>, Vec<usize>),
        most: usize,
    }

    impl Pieces {
        /// Creates images of two classes, in the order of the classes and distinguished by the first feature;
        /// every value has few digits.
        fn new(n: usize, d: usize, views: usize, size: usize) -> Self {
            let targets: Vec<usize> = (0..n).map(|image| image * 2 / n).collect();
            let features = Array2::from_shape_fn((n * views, d), |(row, j)| {
                let noise = ((row * 37 + j * 11 + row * j) % 16) as f32 / 16.0;
                noise
                    + if j == 0 {
                        targets[row / views] as f32
                    } else {
                        0.0
                    }
            });
            Self {
                features,
                targets,
                size,
                views,
                block: (Array2::default((0, 0)), Vec::new()),
                most: 0,
            }
        }

        fn fit(&mut self, params: &FitValidParams, capacity: usize, validate: bool) -> Fit {
            let (classes, d) = (ClassIndex::from_names(["a", "b"]), self.features.ncols());
            let mut counts = [0; 2];
            self.targets.iter().for_each(|&target| counts[target] += 1);
            let mut twin = Self::new(self.targets.len(), d, self.views, 3);
            let (counts, classes, views) = (&counts[..], &classes, self.views);
            let streamed = |blocks| Streamed {
                blocks,
                classes,
                counts,
                views,
                n_features: d,
                capacity,
            };
            let validation = validate.then_some(streamed(&mut twin as &mut dyn FeatureBlocks));
            fit_streamed(params, streamed(self), validation, &mut |_| {}, &Silent).unwrap()
        }
    }

    impl FeatureBlocks for Pieces {
        fn pieces(&self) -> Vec<usize> {
            self.targets.chunks(self.size).map(<[usize]>::len).collect()
        }

        fn read(&mut self, pieces: &[usize]) -> Result<Block<'_>> {
            let of = |piece: &usize| {
                let start = piece * self.size;
                start..self.targets.len().min(start + self.size)
            };
            let images: Vec<usize> = pieces.iter().flat_map(of).collect();
            self.most = self.most.max(images.len());
            let rows = |&image: &usize| image * self.views..(image + 1) * self.views;
            let rows: Vec<usize> = images.iter().flat_map(rows).collect();
            let narrow = self.features.select(Axis(0), &rows).mapv(f16::from_f32);
            self.block = (narrow, images.iter().map(|&i| self.targets[i]).collect());
            Ok(Block {
                features: FeatureRows::F16(self.block.0.view()),
                targets: &self.block.1,
            })
        }
    }

    fn in_memory(pieces: &Pieces, params: &FitValidParams) -> Fit {
        let classes = ClassIndex::from_names(["a", "b"]);
        let features: ArrayView2<f32> = pieces.features.view();
        let (views, targets) = (pieces.views, &pieces.targets);
        let set = LabelledFeatures::with_views(features, views, targets, &classes).unwrap();
        fit(params, &set, Some(&set), &mut |_| {}).unwrap()
    }

    #[test]
    fn one_block_is_the_fit_in_memory_to_the_last_bit() {
        for (views, dropout) in [(1, 0.0), (2, 0.0), (1, 0.25)] {
            let mut pieces = Pieces::new(50, 1100, views, 7);
            let params = FitParams::new().epochs(3).batch_size(8).dropout(dropout);
            let params = params.check().unwrap();
            let expected = in_memory(&pieces, &params);
            let streamed = pieces.fit(&params, 50, true);
            assert_eq!(streamed.head, expected.head);
            let losses =
                |fit: &Fit| -> Vec<f64> { fit.history.iter().map(|e| e.train_loss).collect() };
            assert_eq!(losses(&streamed), losses(&expected));
            let (ours, theirs) = (streamed.validation.unwrap(), expected.validation.unwrap());
            assert!((ours.loss - theirs.loss).abs() < 1e-12);
            assert!((ours.accuracy - theirs.accuracy).abs() < 1e-12);
        }
    }

    #[test]
    fn many_blocks_keep_to_the_memory_and_learn_the_same() {
        let mut pieces = Pieces::new(400, 6, 1, 5);
        let params = |seed| {
            FitParams::new()
                .lr(0.1)
                .epochs(12)
                .seed(seed)
                .check()
                .unwrap()
        };
        let whole = in_memory(&pieces, &params(0)).validation.unwrap();
        let fit = pieces.fit(&params(0), 64, true);
        assert!(pieces.most <= 64, "{}", pieces.most);
        let streamed = fit.validation.unwrap();
        let close = (streamed.loss - whole.loss).abs() < 0.02 && streamed.accuracy > 0.95;
        assert!(close, "{streamed:?} {whole:?}");
        assert_eq!(pieces.fit(&params(0), 64, false).head, fit.head);
        assert_ne!(pieces.fit(&params(1), 64, false).head, fit.head);
    }

    #[test]
    fn what_needs_all_features_is_refused() {
        let mut pieces = Pieces::new(10, 2, 1, 2);
        for params in [
            FitParams::new().solver(Solver::Lbfgs),
            FitParams::new().standardize(true),
        ] {
            let classes = ClassIndex::from_names(["a", "b"]);
            let train = Streamed {
                blocks: &mut pieces,
                classes: &classes,
                counts: &[5, 5],
                views: 1,
                n_features: 2,
                capacity: 4,
            };
            let error = fit_streamed(&params.check().unwrap(), train, None, &mut |_| {}, &Silent);
            assert!(
                error
                    .unwrap_err()
                    .to_string()
                    .contains("all features in memory")
            );
        }
    }

    #[test]
    fn features_that_are_not_finite_are_refused() {
        let mut pieces = Pieces::new(10, 2, 1, 2);
        pieces.features.slice_mut(s![7, 1]).fill(f32::INFINITY);
        let classes = ClassIndex::from_names(["a", "b"]);
        let train = Streamed {
            blocks: &mut pieces,
            classes: &classes,
            counts: &[5, 5],
            views: 1,
            n_features: 2,
            capacity: 4,
        };
        let params = FitParams::new().check().unwrap();
        let error = fit_streamed(&params, train, None, &mut |_| {}, &Silent).unwrap_err();
        assert!(error.to_string().contains("features that are not finite"));
    }
}
