//! An operator whose nodes are layers, distinguished by a number.

use std::fmt::Display;
use std::iter;
use std::sync::Arc;

use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::{SymbolicDimensions, TensorElementType, ValueType};

use super::parallel::SessionThreads;
use frostline_kernels::{NotFinite, Parallel};
use frostline_onnx::rewrite::LAYER;

/// A layer that a node of an operator computes: one tensor from another.
pub(super) trait Layer: Send + Sync + 'static {
    /// Returns the dimensions of the output for an input of these dimensions; −1 stands for an unknown one.
    fn output(&self, input: &[i64]) -> Result<Vec<i64>, String>;

    /// Computes the output `y` of `x`, whose dimensions are `input`.
    fn compute(
        &self,
        x: &[f32],
        input: &[i64],
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite>;
}

/// An operator with one input and one output.
pub(super) struct LayerOperator<L> {
    pub(super) name: &'static str,
    pub(super) layers: Arc<[L]>,
    pub(super) threads: usize,
}

/// A node of the operator.
pub(super) struct LayerKernel<L> {
    layers: Arc<[L]>,
    layer: usize,
    threads: usize,
}

impl<L> LayerOperator<L> {
    /// Returns the index of a layer, if there is one with that number.
    fn number(&self, layer: i64) -> Option<usize> {
        let layer = usize::try_from(layer).ok()?;
        (layer < self.layers.len()).then_some(layer)
    }
}

impl<L: Layer> Operator for LayerOperator<L> {
    type Kernel<'attr> = LayerKernel<L>;

    fn name(&self) -> &str {
        self.name
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(TensorElementType::Float32)]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel(&self, context: &KernelContext<'_>) -> ort::Result<LayerKernel<L>> {
        let layer = context.get::<i64>(LAYER);
        let layer = layer.and_then(|layer| self.number(layer));
        Ok(LayerKernel {
            layers: Arc::clone(&self.layers),
            layer: layer.ok_or_else(|| ort::Error::new("a node has no layer"))?,
            threads: self.threads,
        })
    }

    /// Without shapes, ONNX Runtime fuses fewer of the nodes that follow, such as a sum into its convolution.
    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let layer = self.number(context.attr::<i64>(LAYER)?);
        let inputs = context.inputs();
        let (
            Some(layer),
            Some(ValueType::Tensor {
                ty,
                shape,
                dimension_symbols,
            }),
        ) = (layer, inputs.first())
        else {
            return Ok(());
        };
        // Dimensions that do not fit are reported when the node runs.
        let Ok(lengths) = self.layers[layer].output(shape) else {
            return Ok(());
        };
        let batch = dimension_symbols.first().cloned().unwrap_or_default();
        let others = (1..lengths.len()).map(|_| String::new());
        let output = ValueType::Tensor {
            ty: *ty,
            shape: lengths.into(),
            dimension_symbols: iter::once(batch)
                .chain(others)
                .collect::<SymbolicDimensions>(),
        };
        context.set_output(0, &output)
    }
}

impl<L: Layer> Kernel for LayerKernel<L> {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let layer = &self.layers[self.layer];
        let missing = || ort::Error::new("a node has no input or no output");
        let input = context.input(0)?.ok_or_else(missing)?;
        let (shape, x) = input.try_extract_tensor::<f32>()?;
        let lengths = layer.output(shape).map_err(not_ours)?;
        let mut output = context.output(0, lengths)?.ok_or_else(missing)?;
        let (_, y) = output.try_extract_tensor_mut::<f32>()?;
        let threads = SessionThreads {
            context,
            threads: self.threads,
        };
        let outcome = layer.compute(x, shape, y, &threads);
        outcome.map_err(|NotFinite| not_ours("values are not finite"))
    }
}

/// How errors start if an operator cannot handle its input, so that ONNX Runtime's has to compute it.
const NOT_OURS: &str = "frostline's operator cannot compute this";

fn not_ours(problem: impl Display) -> ort::Error {
    ort::Error::new(format!("{NOT_OURS}: {problem}"))
}

/// Returns whether a run failed because one of frostline's operators could not handle its input.
pub(in crate::backbones::runtime) fn is_not_ours(message: &str) -> bool {
    message.contains(NOT_OURS)
}
