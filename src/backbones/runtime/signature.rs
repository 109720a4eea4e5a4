//! Checks the inputs and outputs of a network against its manifest.

use ort::value::{Outlet, TensorElementType, ValueType};

use crate::error::NetworkProblem;
use crate::images::Preprocessing;

/// The shape of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InputShape {
    /// The fixed batch size of the file, if it has one.
    pub(super) batch: Option<usize>,
    /// The three dimensions of one image, in the network's layout.
    pub(super) image: [usize; 3],
}

impl InputShape {
    /// Returns the number of values of one image.
    pub(super) fn image_len(self) -> usize {
        self.image.iter().product()
    }
}

pub(super) fn input_shape(
    inputs: &[Outlet],
    preprocessing: &Preprocessing,
) -> Result<InputShape, NetworkProblem> {
    let [input] = inputs else {
        return Err(NetworkProblem::Inputs(names(inputs)));
    };
    let name = || input.name().to_owned();
    let ValueType::Tensor {
        ty: TensorElementType::Float32,
        shape,
        ..
    } = input.dtype()
    else {
        return Err(NetworkProblem::InputType {
            input: name(),
            found: input.dtype().to_string(),
        });
    };
    let image = preprocessing.input_shape();
    let fits = shape.len() == 4
        && shape[1..]
            .iter()
            .zip(image)
            .all(|(&s, ours)| s < 0 || s == ours as i64);
    if !fits {
        return Err(NetworkProblem::InputShape {
            input: name(),
            shape: shape.to_string(),
            layout: preprocessing.layout.to_string(),
            image,
        });
    }
    Ok(InputShape {
        batch: fixed_batch(shape[0], image)?,
        image,
    })
}

/// The largest fixed batch that is allowed, in values (1 GiB): even for a single image, it is filled up with
/// blank ones.
const MOST_NUMBERS: usize = 1 << 28;

fn fixed_batch(length: i64, image: [usize; 3]) -> Result<Option<usize>, NetworkProblem> {
    let Some(batch) = usize::try_from(length).ok().filter(|&n| n > 0) else {
        return Ok(None);
    };
    let numbers = image.iter().try_fold(batch, |all, &n| all.checked_mul(n));
    match numbers {
        Some(numbers) if numbers <= MOST_NUMBERS => Ok(Some(batch)),
        _ => Err(NetworkProblem::LargeBatch(batch)),
    }
}

pub(super) fn choose_output(
    outputs: &[Outlet],
    wanted: Option<&str>,
) -> Result<String, NetworkProblem> {
    let chosen = match (wanted, outputs) {
        (None, [only]) => only,
        (None, _) => return Err(NetworkProblem::ManyOutputs(names(outputs))),
        (Some(name), _) => outputs
            .iter()
            .find(|output| output.name() == name)
            .ok_or_else(|| NetworkProblem::NoOutput {
                name: name.to_owned(),
                outputs: names(outputs),
            })?,
    };
    match chosen.dtype() {
        ValueType::Tensor {
            ty: TensorElementType::Float32,
            ..
        } => Ok(chosen.name().to_owned()),
        other => Err(NetworkProblem::OutputType {
            output: chosen.name().to_owned(),
            found: other.to_string(),
        }),
    }
}

fn names(outlets: &[Outlet]) -> Vec<String> {
    let names = outlets.iter().map(|outlet| outlet.name().to_owned());
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_any_size_and_one_that_fits_the_memory() {
        let batch = |length| fixed_batch(length, [3, 224, 224]);
        assert_eq!(batch(-1).unwrap(), None);
        assert_eq!(batch(0).unwrap(), None);
        assert_eq!(batch(256).unwrap(), Some(256));
        // An image has 3 · 224 · 224 = 150,528 values, so 2²⁸ values are 1783 images and a fraction.
        assert_eq!(batch(1783).unwrap(), Some(1783));
        for length in [1784, 1 << 31, i64::MAX] {
            let problem = batch(length).unwrap_err().to_string();
            let named = problem.contains(&format!("fixed at {length} images"));
            assert!(named, "{problem}");
        }
    }
}
