//! What goes into an exported network: the head's weights, and the steps before the backbone.

use ndarray::Array2;

use super::options::{ExportInput, ExportLayout, ExportOptions, ExportOutput, ExportResize};
use crate::backbones::onnx::export::{
    self, Filter, Geometry, Head, Input, Method, Outputs, Plan, Pooling, Rejection, Rounding, Scale,
};
use crate::backbones::onnx::normalisation;
use crate::classifier::Predictor;
use crate::error::ExportProblem;
use crate::head::{RejectionRule, UnitRows};
use crate::images::{CropRounding, Interpolation, Preprocessing, Resize};

/// The weights of a head, scaled by its temperature, and its stored training images.
pub(super) struct Weights {
    weight: Vec<f32>,
    bias: Vec<f32>,
    bank: Option<(Vec<f32>, RejectionRule)>,
}

impl Weights {
    /// Takes the weights of a head; the stored images only if they are exported.
    pub(super) fn of(predictor: &Predictor, options: &ExportOptions) -> Self {
        let (head, t) = (predictor.head(), predictor.temperature().value());
        let scaled = |&x: &f32| (f64::from(x) / t) as f32;
        let rejection = predictor.rejection().filter(|_| options.with_rejection);
        let bank = rejection.map(|rejection| {
            let features: Array2<f32> = rejection.features().mapv(half::f16::to_f32);
            let rows = UnitRows::of(features.view());
            (rows.rows().iter().copied().collect(), *rejection.rule())
        });
        Self {
            weight: head.weight().iter().map(scaled).collect(),
            bias: head.bias().iter().map(scaled).collect(),
            bank,
        }
    }

    /// Returns the plan of the network, without metadata.
    ///
    /// # Errors
    /// [`ExportProblem::Interpolation`] for a filter that networks do not have.
    pub(super) fn plan(
        &self,
        preprocessing: &Preprocessing,
        pooling: Pooling,
        options: &ExportOptions,
    ) -> Result<Plan<'_>, ExportProblem> {
        let rejection = self.bank.as_ref().map(|(rows, rule)| Rejection {
            rows,
            k: rule.k,
            threshold: rule.threshold,
        });
        Ok(Plan {
            input: input(preprocessing, options)?,
            pooling,
            head: Head {
                weight: &self.weight,
                bias: &self.bias,
            },
            outputs: outputs(options),
            rejection,
            metadata: Vec::new(),
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}

fn outputs(options: &ExportOptions) -> Outputs {
    let is = |output| options.outputs == output || options.outputs == ExportOutput::All;
    Outputs {
        probabilities: is(ExportOutput::Probabilities),
        logits: is(ExportOutput::Logits) || options.layout == ExportLayout::Hf,
        features: is(ExportOutput::Features),
    }
}

fn input(preprocessing: &Preprocessing, options: &ExportOptions) -> Result<Input, ExportProblem> {
    Ok(match options.input {
        ExportInput::Tensor => Input::Tensor {
            image: preprocessing.input_shape().map(|n| n as u64),
            name: (options.layout == ExportLayout::Hf).then(|| "pixel_values".to_owned()),
        },
        ExportInput::Crop => Input::Crop(normalisation(preprocessing)),
        ExportInput::Pixels => {
            let geometry = geometry(preprocessing, options.resize)?;
            Input::Pixels(geometry, normalisation(preprocessing))
        }
    })
}

fn geometry(
    preprocessing: &Preprocessing,
    method: ExportResize,
) -> Result<Geometry, ExportProblem> {
    let filter = match (preprocessing.interpolation, preprocessing.resize) {
        (Interpolation::Bilinear, _) | (_, Resize::None) => Filter::Bilinear,
        (Interpolation::Bicubic, _) => Filter::Bicubic,
        (other, _) => return Err(ExportProblem::Interpolation(other.to_string())),
    };
    Ok(Geometry {
        scale: match preprocessing.resize {
            Resize::Shorter(edge) => Scale::Shorter(edge),
            Resize::Exact(width, height) => Scale::Exact(width, height),
            Resize::None => Scale::None,
        },
        filter,
        method: match method {
            ExportResize::Onnx => Method::Resize,
            ExportResize::MatMul => Method::MatMul,
        },
        crop: export::Crop {
            size: preprocessing.output_size(),
            rounding: match preprocessing.crop_rounding {
                CropRounding::Even => Rounding::Even,
                CropRounding::Down => Rounding::Down,
            },
        },
    })
}
