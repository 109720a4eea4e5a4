//! Linear layers with so many weights that reading them takes most of the time.

mod panels;

use std::io;
use std::sync::{Mutex, PoisonError};

use pulp::Arch;

pub use self::panels::{InputOrder, LinearShape, ReadRows, Stored};
use super::activation::Activation;
use super::buffers::{Aligned, with_scratch};
use super::finite::{NotFinite, Watch};
use super::parallel::Parallel;
use super::product::Machine;

/// A linear layer, `y = x Wᵀ + b`, with the activation that follows it.
///
/// Its weights are stored in panels, which are read once, in order, for up to 12 rows.
pub struct Linear {
    machine: Machine,
    shape: LinearShape,
    bias: Vec<f32>,
    activation: Activation,
    /// `(panels, inputs rounded up, panel)`.
    u: Aligned,
}

impl Linear {
    /// Creates a layer with `bias (outputs)` and the weights that `rows` reads from the stored matrix.
    ///
    /// # Errors
    ///
    /// Those of `rows`.
    ///
    /// # Panics
    ///
    /// If the length of `bias` does not match, or the inputs are not a multiple of the channels.
    pub fn read(
        shape: LinearShape,
        (stored, order): (Stored, InputOrder),
        bias: &[f32],
        activation: Activation,
        rows: ReadRows,
        parallel: &dyn Parallel,
    ) -> io::Result<Self> {
        Self::read_on(
            Arch::new(),
            shape,
            (stored, order),
            (bias, activation),
            rows,
            parallel,
        )
    }

    /// Creates a layer for a given instruction set.
    pub(super) fn read_on(
        arch: Arch,
        shape: LinearShape,
        (stored, order): (Stored, InputOrder),
        (bias, activation): (&[f32], Activation),
        rows: ReadRows,
        parallel: &dyn Parallel,
    ) -> io::Result<Self> {
        assert_eq!(bias.len(), shape.outputs);
        let machine = Machine::new(arch);
        let panel = machine.panel;
        let mut bias = bias.to_vec();
        bias.resize(bias.len().next_multiple_of(panel), 0.0);
        let mut u =
            Aligned::zeros(shape.outputs.div_ceil(panel) * machine.padded(shape.inputs) * panel);
        match stored {
            Stored::OutputsFirst => {
                panels::outputs_first(&machine, shape, order, rows, &mut u, parallel)?;
            }
            Stored::InputsFirst => panels::inputs_first(&machine, shape, order, rows, &mut u)?,
        }
        Ok(Self {
            machine,
            shape,
            bias,
            activation,
            u,
        })
    }

    /// Returns the lengths of the input and output rows.
    #[must_use]
    pub fn shape(&self) -> LinearShape {
        self.shape
    }

    /// Computes `y (n, outputs)` from `x (n, inputs)`.
    ///
    /// # Errors
    ///
    /// [`NotFinite`]; the content of `y` is then unspecified.
    ///
    /// # Panics
    ///
    /// If the length of `x` or `y` does not match.
    pub fn run(
        &self,
        x: &[f32],
        n: usize,
        y: &mut [f32],
        parallel: &dyn Parallel,
    ) -> Result<(), NotFinite> {
        let watch = Watch::default();
        let LinearShape { inputs, outputs } = self.shape;
        assert_eq!(x.len(), n * inputs);
        assert_eq!(y.len(), n * outputs);
        let Machine { panel, rows, .. } = self.machine;
        let depth = self.machine.padded(inputs);
        let v = self.lay_out(x);
        let sums = Mutex::new(y);
        parallel.run(self.u.len() / (depth * panel), &|p| {
            let u = &self.u[p * depth * panel..][..depth * panel];
            let columns = panel.min(outputs - p * panel);
            with_scratch([n * panel, 0], |m, _| {
                let products = v.chunks(rows * depth).zip(m.chunks_mut(rows * panel));
                for (v, m) in products {
                    self.machine.product(v.len() / depth, v, (u, &[]), m);
                }
                let mut y = sums.lock().unwrap_or_else(PoisonError::into_inner);
                for (y, m) in y.chunks_exact_mut(outputs).zip(m.chunks_exact(panel)) {
                    watch.note(m[..columns].iter().all(|sum| sum.is_finite()));
                    self.finish(p, &m[..columns], &mut y[p * panel..][..columns]);
                }
            });
        });
        watch.verdict()
    }

    /// Returns the rows of `x` in the layout of products, in groups of up to 12.
    fn lay_out(&self, x: &[f32]) -> Aligned {
        let Machine { lanes, rows, .. } = self.machine;
        let inputs = self.shape.inputs;
        let depth = self.machine.padded(inputs);
        let mut v = Aligned::zeros(x.len() / inputs * depth);
        for (v, x) in v.chunks_mut(rows * depth).zip(x.chunks(rows * inputs)) {
            let count = x.len() / inputs;
            for (row, x) in x.chunks_exact(inputs).enumerate() {
                for (b, x) in x.chunks(lanes).enumerate() {
                    v[(b * count + row) * lanes..][..x.len()].copy_from_slice(x);
                }
            }
        }
        v
    }

    fn finish(&self, p: usize, m: &[f32], y: &mut [f32]) {
        let bias = &self.bias[p * self.machine.panel..];
        for ((y, m), bias) in y.iter_mut().zip(m).zip(bias) {
            *y = self.activation.of_one(m + bias);
        }
    }
}
