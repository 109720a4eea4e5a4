//! The loop over the epochs of SGD, with validation and early stopping.

use super::figures::{EpochFigures, Fit, ValidationFigures};
use crate::error::{HeadError, Result};
use crate::head::linear::LinearHead;
use crate::head::params::FitValidParams;
use crate::head::sgd::{BatchLoss, Sgd};

/// A source of the features of each epoch.
pub(crate) trait Passes {
    /// Takes the steps of the next epoch and returns their loss.
    fn epoch(&mut self, sgd: &mut Sgd, batch_size: usize) -> Result<BatchLoss>;

    /// Returns the metrics of a head on the validation set, if there is one.
    fn validate(&mut self, head: &LinearHead) -> Result<Option<ValidationFigures>>;
}

/// Trains a head for `epochs` epochs, over which the schedule is stretched, or until patience runs out.
pub(crate) fn run(
    mut sgd: Sgd,
    params: &FitValidParams,
    epochs: usize,
    passes: &mut dyn Passes,
    on_epoch: &mut dyn FnMut(&EpochFigures),
) -> Result<Fit> {
    let values = params.values();
    let mut history = Vec::with_capacity(epochs.min(1024));
    // The epoch with the lowest validation loss so far, if patience is set.
    let mut best: Option<(usize, ValidationFigures, LinearHead)> = None;
    for epoch in 1..=epochs {
        let lr = values
            .schedule
            .stretched_lr(values.lr, epoch, epochs, values.epochs);
        sgd.set_lr(lr);
        let decay = f64::from(lr) * f64::from(values.weight_decay);
        let figures = run_epoch(&mut sgd, passes, values.batch_size, epoch, decay)?;
        on_epoch(&figures);
        history.push(figures);
        let (Some(patience), Some(figures)) = (values.patience, figures.validation) else {
            continue;
        };
        match best
            .as_ref()
            .filter(|(_, best, _)| figures.loss >= best.loss)
        {
            Some((earlier, ..)) if epoch - earlier >= patience => break,
            Some(_) => {}
            None => best = Some((epoch, figures, sgd.head())),
        }
    }
    let last = history.last().and_then(|last| last.validation);
    let (best_epoch, validation, head) = match best {
        Some((epoch, figures, head)) => (Some(epoch), Some(figures), head),
        None => (None, last, sgd.head()),
    };
    Ok(Fit {
        history,
        best_epoch,
        validation,
        ..Fit::of(head)
    })
}

/// Returns an error if patience is set but there is no validation set.
pub(crate) fn require_validation(patience: Option<usize>, is_there: bool) -> Result<()> {
    if patience.is_none() || is_there {
        return Ok(());
    }
    Err(HeadError::PatienceAlone.into())
}

/// Runs an epoch and returns its metrics.
fn run_epoch(
    sgd: &mut Sgd,
    passes: &mut dyn Passes,
    batch_size: usize,
    epoch: usize,
    decay: f64,
) -> Result<EpochFigures> {
    let diverged = |loss| Err(HeadError::Diverged { epoch, loss, decay }.into());
    // A loss that is not finite makes the sum not finite. The weights after the last step are checked too,
    // because no loss has been computed from them yet.
    let train_loss = passes.epoch(sgd, batch_size)?.mean();
    if !(train_loss.is_finite() && sgd.is_finite()) {
        return diverged(train_loss);
    }
    match passes.validate(&sgd.head())? {
        Some(ValidationFigures { loss, .. }) if !loss.is_finite() => diverged(loss),
        validation => Ok(EpochFigures {
            epoch,
            train_loss,
            validation,
        }),
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::array;

    use crate::classes::ClassIndex;
    use crate::error::{Error, HeadError};
    use crate::head::{FitParams, LabelledFeatures, fit};

    #[test]
    fn patience_keeps_the_best_epoch() {
        // The validation label contradicts the training labels: every epoch after the first raises its loss.
        let classes = ClassIndex::from_names(["a", "b"]);
        let (features, other) = (array![[-1.0f32], [1.0]], array![[1.0f32]]);
        let train = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let validation = LabelledFeatures::new(other.view(), &[0], &classes).unwrap();
        let params = |epochs, patience| FitParams::new().lr(0.1).epochs(epochs).patience(patience);
        let run = |params: FitParams| {
            fit(
                &params.check().unwrap(),
                &train,
                Some(&validation),
                &mut |_| {},
            )
            .unwrap()
        };
        let patient = run(params(50, Some(3)));
        assert_eq!((patient.best_epoch, patient.history.len()), (Some(1), 4));
        let first = run(params(1, None));
        assert_eq!(patient.head, first.head);
        assert_eq!(patient.validation, first.validation);
        assert_eq!(
            (first.best_epoch, run(params(50, None)).history.len()),
            (None, 50)
        );
        let alone = params(5, Some(3)).check().unwrap();
        let error = fit(&alone, &train, None, &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::Head(HeadError::PatienceAlone)));
    }

    #[test]
    fn the_schedule_sets_the_rate_of_each_epoch() {
        // In the last of two epochs, a step schedule with a tiny gamma changes almost nothing.
        use crate::head::Schedule;
        let classes = ClassIndex::from_names(["a", "b"]);
        let features = array![[-1.0f32], [1.0]];
        let set = LabelledFeatures::new(features.view(), &[0, 1], &classes).unwrap();
        let run = |epochs, gamma| {
            let schedule = Schedule::Step {
                step_size: 1,
                gamma,
            };
            let params = FitParams::new().epochs(epochs).schedule(schedule);
            fit(&params.check().unwrap(), &set, None, &mut |_| {})
                .unwrap()
                .head
        };
        let moved = |a: f32, b: f32| (a - b).abs() > 1e-6;
        let first = run(1, 1.0).weight()[[1, 0]];
        assert!(!moved(first, run(2, 1e-6).weight()[[1, 0]]));
        assert!(moved(first, run(2, 1.0).weight()[[1, 0]]));
    }
}
