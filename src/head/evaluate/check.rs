//! What can be evaluated: targets and probabilities that agree.

use ndarray::ArrayView2;

use crate::error::{Error, Result};

/// A mean of probabilities may come out above 1 by less than this.
const ROUNDING: f64 = 1e-9;

/// Checks `probabilities` (N, C) and `targets` (N).
pub(crate) fn check(c: usize, targets: &[usize], probabilities: ArrayView2<'_, f64>) -> Result<()> {
    let input = |problem: String, hint: &str| {
        Err(Error::Input {
            problem,
            hint: hint.to_owned(),
        })
    };
    if targets.is_empty() {
        return input(
            "there is nothing to evaluate".to_owned(),
            "give at least one labelled image",
        );
    }
    if probabilities.dim() != (targets.len(), c) {
        let (rows, columns) = probabilities.dim();
        let problem = format!(
            "there are {rows} × {columns} probabilities for {} targets and {c} classes",
            targets.len()
        );
        return input(problem, "give every sample one probability for each class");
    }
    if let Some(target) = targets.iter().find(|&&target| target >= c) {
        let problem = format!("there is a target {target}, but only {c} classes, counted from 0");
        return input(
            problem,
            "take the targets from `class_to_idx` of the same classes",
        );
    }
    if let Some(p) = probabilities
        .iter()
        .find(|p| !(0.0..=1.0 + ROUNDING).contains(*p))
    {
        return input(
            format!("there is a probability of {p}"),
            "give numbers between 0 and 1",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn what_cannot_be_evaluated_is_refused() {
        let refused = |targets: &[usize], p: Array2<f64>| {
            matches!(check(2, targets, p.view()), Err(Error::Input { .. }))
        };
        assert!(refused(&[], Array2::zeros((0, 2))));
        assert!(refused(&[0], array![[0.5]]));
        assert!(refused(&[0, 1], array![[0.5, 0.5]]));
        assert!(refused(&[2], array![[0.5, 0.5]]));
        assert!(refused(&[0], array![[0.5, f64::NAN]]));
        assert!(refused(&[0], array![[1.5, 0.0]]));
    }
}
