//! Comparing the tensors that a network needs with those that there are.

use std::collections::HashMap;

use crate::error::{Differences, Result, WeightsProblem};
use crate::weights::StateDict;

/// Wider than any network of these plans, and small enough to be multiplied.
const MAX_WIDTH: usize = 4096;

/// Checks that all of `needed` is there, in its shape, and nothing else but `spare`.
///
/// # Errors
/// [`Error::Weights`](crate::Error::Weights) naming what is missing, unexpected, or of another shape.
pub(super) fn check(
    weights: &StateDict,
    needed: &[(String, Vec<usize>)],
    spare: &[String],
) -> Result<()> {
    let needed: HashMap<_, _> = needed
        .iter()
        .map(|(name, shape)| (name.as_str(), shape))
        .collect();
    let missing = needed.keys().filter(|name| weights.get(name).is_none());
    let mut found = Differences {
        missing: missing.map(|name| format!("`{name}`")).collect(),
        ..Differences::default()
    };
    found.missing.sort();
    for (name, tensor) in weights.iter() {
        match needed.get(name) {
            Some(shape) if **shape == tensor.shape => {}
            Some(shape) => found.reshaped.push(format!(
                "`{name}` is {:?} instead of {shape:?}",
                tensor.shape
            )),
            None if spare.iter().any(|spare| spare == name) => {}
            None => found.unexpected.push(format!("`{name}`")),
        }
    }
    if found == Differences::default() {
        return Ok(());
    }
    Err(weights.fault(WeightsProblem::OtherTensors(found)))
}

/// The channels that the first convolution gives, `published` of them unless the file says otherwise: so networks of
/// the same plan that are thinner or wider throughout are read too.
///
/// `shape` is what its kernels must look like, (in, height, width); where they do not, [`check`] will say so.
pub(super) fn width(weights: &StateDict, name: &str, shape: [usize; 3], published: usize) -> usize {
    match weights.get(name).map(|tensor| tensor.shape.as_slice()) {
        Some(&[width @ 1..=MAX_WIDTH, i, h, w]) if [i, h, w] == shape => width,
        _ => published,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Tensor;

    fn weights(names: &[&str]) -> StateDict {
        let tensor = Tensor {
            shape: vec![2],
            data: vec![0.0; 2],
        };
        StateDict::new(
            "w.pth",
            names
                .iter()
                .map(|name| ((*name).to_owned(), tensor.clone())),
        )
    }

    #[test]
    fn what_is_wrong_is_named() {
        let needed = [
            ("a".to_owned(), vec![2]),
            ("b".to_owned(), vec![2]),
            ("c".to_owned(), vec![1, 2]),
        ];
        assert!(
            check(
                &weights(&["a", "b", "fc"]),
                &needed[..2],
                &["fc".to_owned()]
            )
            .is_ok()
        );
        let error = check(
            &weights(&["a", "c", "d", "fc"]),
            &needed,
            &["fc".to_owned()],
        )
        .unwrap_err();
        let text = "cannot use the network `w.pth`: 1 missing: `b`; 1 unexpected: `d`; \
                    1 of another shape: `c` is [2] instead of [1, 2]";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn the_width_is_read_off() {
        let of = |shape: &[usize]| {
            let tensor = Tensor {
                shape: shape.to_vec(),
                data: vec![0.0; shape.iter().product()],
            };
            let weights = StateDict::new("w.pth", [("c".to_owned(), tensor)]);
            width(&weights, "c", [3, 7, 7], 64)
        };
        assert_eq!(of(&[8, 3, 7, 7]), 8);
        for foreign in [&[8, 3, 3, 3][..], &[0, 3, 7, 7], &[8], &[5000, 3, 7, 7]] {
            assert_eq!(of(foreign), 64, "{foreign:?}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let error = check(&weights(&["1", "2", "3", "4", "5", "6", "7"]), &[], &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("7 unexpected: `1`, `2`, `3`, `4`, `5` and 2 more")
        );
    }
}
