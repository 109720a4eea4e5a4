//! What a network takes and gives, held against what the manifest says.

use ort::value::{Outlet, TensorElementType, ValueType};

use crate::images::{Layout, Preprocessing};

/// What one run of the network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InputShape {
    /// The size that the file fixes the batch to, if it does.
    pub(super) batch: Option<usize>,
    /// The three lengths of one image, in the network's layout.
    pub(super) image: [usize; 3],
}

impl InputShape {
    /// Numbers of one image.
    pub(super) fn image_len(self) -> usize {
        self.image.iter().product()
    }
}

/// The three lengths of one image as preprocessing gives it.
pub(super) fn image_lengths(preprocessing: &Preprocessing) -> [usize; 3] {
    let (width, height) = preprocessing.output_size();
    match preprocessing.layout {
        Layout::Nchw => [3, height, width].map(|n| n as usize),
        Layout::Nhwc => [height, width, 3].map(|n| n as usize),
    }
}

/// A problem and its hint.
pub(super) type Fault = (String, String);

pub(super) fn input_shape(
    inputs: &[Outlet],
    preprocessing: &Preprocessing,
) -> Result<InputShape, Fault> {
    let [input] = inputs else {
        let names = names(inputs);
        return Err((
            format!(
                "it has {} inputs ({names}), and a backbone has one",
                inputs.len()
            ),
            String::new(),
        ));
    };
    let ValueType::Tensor {
        ty: TensorElementType::Float32,
        shape,
        ..
    } = input.dtype()
    else {
        let problem = format!(
            "its input `{}` has the type {}, and only float32 is supported",
            input.name(),
            input.dtype()
        );
        return Err((
            problem,
            "export the network with a float32 input".to_owned(),
        ));
    };
    let image = image_lengths(preprocessing);
    let fits = shape.len() == 4
        && shape[1..]
            .iter()
            .zip(image)
            .all(|(&s, ours)| s < 0 || s == ours as i64);
    if !fits {
        let problem = format!(
            "its input `{}` has the shape {shape}, and preprocessing (layout {}) gives {image:?} for each \
             image",
            input.name(),
            preprocessing.layout
        );
        return Err((
            problem,
            "set --layout, --crop and --resize to what the network takes".to_owned(),
        ));
    }
    Ok(InputShape {
        batch: fixed_batch(shape[0], image)?,
        image,
    })
}

/// The most numbers of a batch that a file may fix, 1 GiB of them: it is filled up with blank images for a
/// single one.
const MOST_NUMBERS: usize = 1 << 28;

fn fixed_batch(length: i64, image: [usize; 3]) -> Result<Option<usize>, Fault> {
    let Some(batch) = usize::try_from(length).ok().filter(|&n| n > 0) else {
        return Ok(None);
    };
    let numbers = image.iter().try_fold(batch, |all, &n| all.checked_mul(n));
    match numbers {
        Some(numbers) if numbers <= MOST_NUMBERS => Ok(Some(batch)),
        _ => Err((
            format!("it fixes its batch to {batch} images, which take more than 1 GiB"),
            "import it with `frostline models import`, which frees the batch".to_owned(),
        )),
    }
}

pub(super) fn choose_output(outputs: &[Outlet], wanted: Option<&str>) -> Result<String, Fault> {
    let hint = "name one of them with --layer, or in the manifest".to_owned();
    let chosen = match (wanted, outputs) {
        (None, [only]) => only,
        (None, _) => return Err((format!("it has several outputs: {}", names(outputs)), hint)),
        (Some(name), _) => outputs
            .iter()
            .find(|output| output.name() == name)
            .ok_or_else(|| {
                (
                    format!("it has no output `{name}`; there are {}", names(outputs)),
                    hint,
                )
            })?,
    };
    match chosen.dtype() {
        ValueType::Tensor {
            ty: TensorElementType::Float32,
            ..
        } => Ok(chosen.name().to_owned()),
        other => Err((
            format!(
                "its output `{}` is {other}, and only float32 is supported",
                chosen.name()
            ),
            String::new(),
        )),
    }
}

fn names(outlets: &[Outlet]) -> String {
    outlets
        .iter()
        .map(|outlet| format!("`{}`", outlet.name()))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_any_size_and_one_that_fits_the_memory() {
        let batch = |length| fixed_batch(length, [3, 224, 224]);
        assert_eq!(batch(-1), Ok(None));
        assert_eq!(batch(0), Ok(None));
        assert_eq!(batch(256), Ok(Some(256)));
        // 3 · 224 · 224 = 150,528 numbers an image: 2²⁸ of them are 1783 images and a part.
        assert_eq!(batch(1783), Ok(Some(1783)));
        for length in [1784, 1 << 31, i64::MAX] {
            let (problem, _) = batch(length).unwrap_err();
            let named = problem.contains(&format!("to {length} images"));
            assert!(named, "{problem}");
        }
    }
}
