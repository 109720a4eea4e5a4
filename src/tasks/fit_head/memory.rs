//! Whether all features fit into memory, and which options need that.

use super::division::Division;
use super::options::FitHeadOptions;
use crate::error::{Result, TaskError};
use crate::head::{BANK_CAPACITY, FitValidParams, Solver};
use crate::tasks::memory::free;

/// The memory that a fit needs, and the limit, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// The size of all features as 32-bit floats, and of the copies made of them.
    pub(super) needed: u64,
    /// The limit for features.
    pub(super) allowed: u64,
}

impl Memory {
    /// Estimates the memory needed. The default limit is half of the free memory.
    pub(super) fn of(
        options: &FitHeadOptions,
        params: &FitValidParams,
        division: &Division,
    ) -> Self {
        let (d, views) = (division.train.n_features(), division.train.views.len());
        let features = division.n_images() * views * d * size_of::<f32>();
        Self {
            needed: (features + copies(options, params, division, d, features)) as u64,
            allowed: options.memory.unwrap_or_else(|| free() / 2),
        }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.needed <= self.allowed
    }
}

/// Returns the size of the copies: all features if SGD standardises them; for folds and a rejection, the
/// groups of near-duplicates (each image's digest twice, and its indices); for a rejection, the features that
/// it stores.
fn copies(
    options: &FitHeadOptions,
    params: &FitValidParams,
    division: &Division,
    d: usize,
    features: usize,
) -> usize {
    const OF_AN_IMAGE: usize = 2 * size_of::<[u8; 32]>() + 5 * size_of::<usize>();
    let values = params.values();
    let standardised = values.standardize && values.solver == Solver::Sgd;
    let on_folds = [options.search, options.learning_curve, options.calibrate];
    let grouped = options.reject.is_some() || on_folds.iter().any(Option::is_some);
    // The stored features in 16 bits and widened to 32; as many images again are compared with them at a
    // time, or validated.
    let kept = division.train.targets.len().min(BANK_CAPACITY);
    let compared = division.n_images().min(2 * BANK_CAPACITY);
    let rejection =
        kept * d * (size_of::<f32>() + size_of::<f32>() / 2) + compared * d * size_of::<f32>();
    [
        (standardised, features),
        (grouped, division.train.targets.len() * OF_AN_IMAGE),
        (options.reject.is_some(), rejection),
    ]
    .iter()
    .filter_map(|(made, bytes)| made.then_some(bytes))
    .sum()
}

/// Returns an error if an option was requested that cannot be computed block by block.
pub(super) fn refuse_what_needs_all(options: &FitHeadOptions, memory: &Memory) -> Result<()> {
    let asked = [
        ("search", options.search.is_some()),
        ("learning_curve", options.learning_curve.is_some()),
        ("calibrate", options.calibrate.is_some()),
        ("reject", options.reject.is_some()),
        ("out_of_fold", options.out_of_fold.is_some()),
    ];
    let Some((name, _)) = asked.into_iter().find(|(_, given)| *given) else {
        return Ok(());
    };
    Err(TaskError::NeedsAllFeatures {
        name,
        needed: memory.needed,
        allowed: memory.allowed,
    }
    .into())
}
