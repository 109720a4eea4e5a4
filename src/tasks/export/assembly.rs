//! What goes into an exported network: the head's weights, and the steps before the backbone.

use ndarray::Array2;

use super::options::{ExportInput, ExportOptions, ExportOutput};
use crate::backbones::onnx::export::{
    Colours, Head, Input, Normalisation, Outputs, Plan, Pooling, Rejection,
};
use crate::classifier::Predictor;
use crate::head::{HeadFile, RejectionRule, UnitRows};
use crate::images::{Channels, Layout, Preprocessing};

/// The weights of a head, scaled by its temperature, and its stored training images.
pub(super) struct Weights {
    weight: Vec<f32>,
    bias: Vec<f32>,
    bank: Option<(Vec<f32>, RejectionRule)>,
}

impl Weights {
    /// Takes the weights of a head whose file was read; the stored images only if they are exported.
    pub(super) fn of(file: &HeadFile, predictor: &Predictor, options: &ExportOptions) -> Self {
        let t = file.temperature.value();
        let scaled = |&x: &f32| (f64::from(x) / t) as f32;
        let rejection = predictor.rejection().filter(|_| options.with_rejection);
        let bank = rejection.map(|rejection| {
            let features: Array2<f32> = rejection.features().mapv(half::f16::to_f32);
            let rows = UnitRows::of(features.view());
            (rows.rows().iter().copied().collect(), *rejection.rule())
        });
        Self {
            weight: file.head.weight().iter().map(scaled).collect(),
            bias: file.head.bias().iter().map(scaled).collect(),
            bank,
        }
    }

    /// Returns the plan of the network, without metadata.
    pub(super) fn plan(
        &self,
        preprocessing: &Preprocessing,
        pooling: Pooling,
        options: &ExportOptions,
    ) -> Plan<'_> {
        let rejection = self.bank.as_ref().map(|(rows, rule)| Rejection {
            rows,
            k: rule.k,
            threshold: rule.threshold,
        });
        Plan {
            input: input(preprocessing, options.input),
            pooling,
            head: Head {
                weight: &self.weight,
                bias: &self.bias,
            },
            outputs: outputs(options.outputs),
            rejection,
            metadata: Vec::new(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn outputs(wanted: ExportOutput) -> Outputs {
    let is = |output| wanted == output || wanted == ExportOutput::All;
    let mut outputs = Outputs::default();
    outputs.probabilities = is(ExportOutput::Probabilities);
    outputs.logits = is(ExportOutput::Logits);
    outputs.features = is(ExportOutput::Features);
    outputs
}

fn input(preprocessing: &Preprocessing, wanted: ExportInput) -> Input {
    match wanted {
        ExportInput::Tensor => Input::Tensor {
            image: image(preprocessing),
            name: None,
        },
        ExportInput::Crop => Input::Crop(normalisation(preprocessing)),
    }
}

/// Returns the lengths of the backbone's input after the batch.
pub(super) fn image(preprocessing: &Preprocessing) -> [u64; 3] {
    let (width, height) = preprocessing.output_size();
    match preprocessing.layout {
        Layout::Nchw => [3, height.into(), width.into()],
        Layout::Nhwc => [height.into(), width.into(), 3],
    }
}

fn normalisation(preprocessing: &Preprocessing) -> Normalisation {
    Normalisation {
        size: preprocessing.output_size(),
        mean: preprocessing.mean,
        std: preprocessing.std,
        scale: preprocessing.scale,
        colours: match preprocessing.channels {
            Channels::Rgb => Colours::Rgb,
            Channels::Bgr => Colours::Bgr,
        },
        channels_last: preprocessing.layout == Layout::Nhwc,
    }
}
