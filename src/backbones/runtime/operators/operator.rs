//! An operator whose nodes are layers, told apart by a number.

use std::sync::Arc;

use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorInput, OperatorOutput,
};
use ort::value::{Shape, TensorElementType};

use super::parallel::SessionThreads;
use crate::backbones::onnx::rewrite::LAYER;
use crate::kernels::Parallel;

/// What a node of an operator computes: one tensor of another.
pub(super) trait Layer: Send + Sync + 'static {
    /// The lengths of what is made of an input of these lengths.
    fn output(&self, input: &[usize]) -> Result<Vec<usize>, String>;

    /// Computes it of numbers of these lengths.
    fn run(&self, x: &[f32], input: &[usize], y: &mut [f32], parallel: &dyn Parallel);
}

/// An operator of one input and one output.
pub(super) struct LayerOperator<L> {
    pub(super) name: &'static str,
    pub(super) layers: Arc<[L]>,
    pub(super) threads: usize,
}

/// A node.
pub(super) struct LayerKernel<L> {
    layers: Arc<[L]>,
    layer: usize,
    threads: usize,
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
        let layer = layer.and_then(|layer| usize::try_from(layer).ok());
        let layer = layer.filter(|&layer| layer < self.layers.len());
        Ok(LayerKernel {
            layers: Arc::clone(&self.layers),
            layer: layer.ok_or_else(|| ort::Error::new("a node names no layer"))?,
            threads: self.threads,
        })
    }
}

impl<L: Layer> Kernel for LayerKernel<L> {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let layer = &self.layers[self.layer];
        let missing = || ort::Error::new("there is no input, or no room for an output");
        let input = context.input(0)?.ok_or_else(missing)?;
        let (shape, x) = input.try_extract_tensor::<f32>()?;
        let dims: Vec<usize> = shape.iter().map(|&length| length as usize).collect();
        let lengths = layer.output(&dims).map_err(ort::Error::new)?;
        let shape: Shape = lengths.iter().map(|&length| length as i64).collect();
        let mut output = context.output(0, shape)?.ok_or_else(missing)?;
        let (_, y) = output.try_extract_tensor_mut::<f32>()?;
        let threads = SessionThreads {
            context,
            threads: self.threads,
        };
        layer.run(x, &dims, y, &threads);
        Ok(())
    }
}
