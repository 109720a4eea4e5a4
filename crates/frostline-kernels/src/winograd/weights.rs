//! Transforms weights to the Winograd domain, once: `G g Gᵀ`.

use crate::buffers::Aligned;
use crate::product::Machine;

/// The number of values of a tile in the Winograd domain.
pub(super) const FREQUENCIES: usize = 36;

/// Transforms `weight (out, in, 3, 3)` to `(panels, 36, in rounded up to whole vectors, panel)`, padded with
/// zeros.
pub(super) fn transformed(machine: &Machine, weight: &[f32], [outs, ins]: [usize; 2]) -> Aligned {
    let panel = machine.panel;
    let plane = machine.padded(ins) * panel;
    let mut u = Aligned::zeros(outs.div_ceil(panel) * FREQUENCIES * plane);
    let panels = u.chunks_exact_mut(FREQUENCIES * plane);
    for (u, weight) in panels.zip(weight.chunks(panel * ins * 9)) {
        machine
            .arch
            .dispatch(|| transform_panel(u, weight, ins, panel));
    }
    u
}

/// Transforms up to a panel of output channels.
#[inline(always)]
fn transform_panel(u: &mut [f32], weight: &[f32], ins: usize, panel: usize) {
    /// Output channels transformed at a time.
    const WIDTH: usize = 16;
    let plane = u.len() / FREQUENCIES;
    for (start, weight) in (0..panel)
        .step_by(WIDTH)
        .zip(weight.chunks(WIDTH * ins * 9))
    {
        for i in 0..ins {
            let mut g = [[0.0; WIDTH]; 9];
            for (o, weight) in weight.chunks_exact(ins * 9).enumerate() {
                for (g, &w) in g.iter_mut().zip(&weight[i * 9..][..9]) {
                    g[o] = w;
                }
            }
            let mut rows = [[0.0; WIDTH]; 18];
            for j in 0..3 {
                let column = six(&[g[j], g[3 + j], g[6 + j]]);
                for (k, column) in column.into_iter().enumerate() {
                    rows[k * 3 + j] = column;
                }
            }
            let (rows, _) = rows.as_chunks::<3>();
            for (k, row) in rows.iter().enumerate() {
                for (l, values) in six(row).into_iter().enumerate() {
                    let width = WIDTH.min(panel - start);
                    let at = (k * 6 + l) * plane + i * panel + start;
                    u[at..at + width].copy_from_slice(&values[..width]);
                }
            }
        }
    }
}

/// `G g` of many triples.
#[inline(always)]
fn six<const N: usize>([a, b, c]: &[[f32; N]; 3]) -> [[f32; N]; 6] {
    let mut all = [[0.0; N]; 6];
    for n in 0..N {
        let (a, b, c) = (a[n], b[n], c[n]);
        all[0][n] = a / 4.0;
        all[1][n] = (a + b + c) / -6.0;
        all[2][n] = (a - b + c) / -6.0;
        all[3][n] = a / 24.0 + b / 12.0 + c / 6.0;
        all[4][n] = a / 24.0 - b / 12.0 + c / 6.0;
        all[5][n] = c;
    }
    all
}
