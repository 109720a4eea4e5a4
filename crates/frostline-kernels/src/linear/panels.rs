//! The storage of a weight matrix, and its conversion to panels, which is done once.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::buffers::with_scratch;
use crate::parallel::{Parallel, Pieces};
use crate::product::Machine;

/// The lengths of the rows of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearShape {
    /// Length of an input row.
    pub inputs: usize,
    /// Length of an output row.
    pub outputs: usize,
}

/// How a weight matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// (outputs, inputs), as in `torch.nn.Linear` and ONNX's `Gemm` with `transB = 1`.
    OutputsFirst,
    /// (inputs, outputs), as in ONNX's `MatMul`.
    InputsFirst,
}

/// The order of the values in an input row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputOrder {
    /// The order of the stored weights.
    AsStored,
    /// The stored weights are for flattened (C, H, W), but the input rows are flattened (H, W, C).
    ChannelsLast {
        /// C, the number of channels.
        channels: usize,
    },
}

/// Reads whole rows of the stored matrix into a buffer of that size.
pub type ReadRows<'a> = &'a (dyn Fn(Range<usize>, &mut [f32]) -> io::Result<()> + Sync);

impl InputOrder {
    /// Returns the position in a row of the stored input `k` of `inputs`.
    fn place(self, k: usize, inputs: usize) -> usize {
        match self {
            Self::AsStored => k,
            Self::ChannelsLast { channels } => {
                let positions = inputs / channels;
                k % positions * channels + k / positions
            }
        }
    }
}

/// Fills the panels `u` from a matrix stored as `(outputs, inputs)`, each panel from its rows, in parallel.
pub(super) fn outputs_first(
    machine: &Machine,
    LinearShape { inputs, outputs }: LinearShape,
    order: InputOrder,
    rows: ReadRows,
    u: &mut [f32],
    parallel: &dyn Parallel,
) -> io::Result<()> {
    let panel = machine.panel;
    let panels = Pieces::of(u, machine.padded(inputs) * panel);
    let fault = Mutex::new(None);
    parallel.run(panels.len(), &|p| {
        let first = p * panel;
        let range = first..outputs.min(first + panel);
        with_scratch([range.len() * inputs, 0], |weights, _| {
            if let Err(error) = rows(range, weights) {
                *fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
            panels.with(p, |u| turn(weights, inputs, order, u, panel));
        });
    });
    let fault = fault.into_inner().unwrap_or_else(PoisonError::into_inner);
    fault.map_or(Ok(()), Err)
}

/// Transposes `weights (rows, inputs)` into a panel `(inputs, panel)`.
fn turn(weights: &[f32], inputs: usize, order: InputOrder, u: &mut [f32], panel: usize) {
    /// Inputs transposed at a time: 64 bytes of each row.
    const STRETCH: usize = 16;
    for first in (0..inputs).step_by(STRETCH) {
        let end = inputs.min(first + STRETCH);
        for k in first..end {
            let u = &mut u[order.place(k, inputs) * panel..][..panel];
            for (u, row) in u.iter_mut().zip(weights.chunks_exact(inputs)) {
                *u = row[k];
            }
        }
    }
}

/// Fills all panels `u` from a matrix stored as `(inputs, outputs)`, one stretch of inputs at a time.
pub(super) fn inputs_first(
    machine: &Machine,
    LinearShape { inputs, outputs }: LinearShape,
    order: InputOrder,
    rows: ReadRows,
    u: &mut [f32],
) -> io::Result<()> {
    /// Inputs read at a time.
    const STRETCH: usize = 64;
    let (panel, depth) = (machine.panel, machine.padded(inputs));
    let mut buffer = vec![0.0; STRETCH.min(inputs) * outputs];
    for first in (0..inputs).step_by(STRETCH) {
        let range = first..inputs.min(first + STRETCH);
        let buffer = &mut buffer[..range.len() * outputs];
        rows(range.clone(), buffer)?;
        for (k, row) in range.zip(buffer.chunks_exact(outputs)) {
            let place = order.place(k, inputs);
            for (u, row) in u.chunks_exact_mut(depth * panel).zip(row.chunks(panel)) {
                u[place * panel..][..row.len()].copy_from_slice(row);
            }
        }
    }
    Ok(())
}
