//! The reduced scales of the usual photo: one pass, gray or `YCbCr` with all of its chroma or a quarter of
//! it.
//!
//! libjpeg-turbo-rs reads the codes, here and where it decodes such a picture itself. Its reduced transforms
//! look at one number at a time, which takes a third of the time; these look at eight columns, and give the
//! same pixels.

use libjpeg_turbo_rs::decode::bitstream::BitReader;
use libjpeg_turbo_rs::decode::entropy::{McuComponentPlan, McuDecoder, resolve_mcu_plan};
use libjpeg_turbo_rs::decode::marker::{JpegMetadata, MarkerReader};
use libjpeg_turbo_rs::simd::{self, SimdRoutines};

use super::header::Colours;
use super::idct;
use super::planes::Planes;
use super::upsample::Plane;

/// A component while it is decoded.
struct Component<'a> {
    plan: &'a McuComponentPlan<'a>,
    quant: &'a [u16; 64],
    /// Blocks of a unit, across and down.
    blocks: (usize, usize),
    /// Pixels that a block becomes along an edge.
    edge: usize,
    stride: usize,
    samples: Vec<u8>,
}

/// The picture at 1/`divisor`, each edge rounded up; `None` for other kinds and for damaged files.
pub(super) fn decode(jpeg: &[u8], colours: Colours, divisor: u32) -> Option<Planes> {
    let metadata = MarkerReader::new(jpeg).read_markers().ok()?;
    let frame = &metadata.frame;
    if metadata.is_arithmetic || frame.is_progressive || metadata.scans.len() > 1 {
        return None;
    }
    let (dc, ac) = (&metadata.dc_huffman_tables, &metadata.ac_huffman_tables);
    let plans = resolve_mcu_plan(frame, &metadata.scan, dc, ac).ok()?;
    let in_order = plans
        .iter()
        .map(|plan| plan.comp_idx)
        .eq(0..frame.components.len());
    let mut components = in_order.then(|| components(&metadata, &plans, divisor))??;
    let first = components.first()?;
    let (across, down) = (first.blocks.0 * 8, first.blocks.1 * 8);
    let units = (
        frame.width().div_ceil(across),
        frame.height().div_ceil(down),
    );
    for component in &mut components {
        let (h, v) = component.blocks;
        component.stride = units.0 * h * component.edge;
        component.samples = vec![0; component.stride * units.1 * v * component.edge];
    }
    read(
        &metadata,
        jpeg.get(metadata.entropy_data_offset..)?,
        units,
        &mut components,
    )?;
    let size = [frame.width(), frame.height()].map(|edge| edge.div_ceil(divisor as usize));
    let size = (size[0], size[1]);
    let whole = |component: Component<'_>| Plane::whole(component.samples, component.stride, size);
    let all = components.into_iter().map(whole).collect();
    let stored = (size.0 as u32, size.1 as u32);
    Some(Planes::new(all, colours, stored))
}

/// The components of the usual kinds: of a gray picture, one block to a unit, whatever its factors.
fn components<'a>(
    metadata: &'a JpegMetadata,
    plans: &'a [McuComponentPlan<'a>],
    divisor: u32,
) -> Option<Vec<Component<'a>>> {
    let all = &metadata.frame.components;
    let factors: Vec<(usize, usize)> = all
        .iter()
        .map(|c| (c.horizontal_sampling.into(), c.vertical_sampling.into()))
        .collect();
    let sizes: &[usize] = match factors[..] {
        [_] => &[1],
        [(1, 1), (1, 1), (1, 1)] => &[1; 3],
        // With a quarter of the samples, chroma is scaled by half as much.
        [(2, 2), (1, 1), (1, 1)] => &[1, 2, 2],
        _ => return None,
    };
    let edge = 8 / divisor as usize;
    let of = |index: usize| {
        let table = &metadata.quant_tables[usize::from(all[index].quant_table_index)];
        Some(Component {
            plan: &plans[index],
            quant: &table.as_ref()?.values,
            blocks: if all.len() == 1 {
                (1, 1)
            } else {
                factors[index]
            },
            edge: edge * sizes[index],
            stride: 0,
            samples: Vec::new(),
        })
    };
    (0..all.len()).map(of).collect()
}

/// Reads all units of the scan; `None` where it ends too early or is damaged.
fn read(
    metadata: &JpegMetadata,
    codes: &[u8],
    units: (usize, usize),
    components: &mut [Component<'_>],
) -> Option<()> {
    let routines = simd::detect();
    let mut reader = BitReader::new(codes);
    let mut decoder = McuDecoder::new(components.len());
    let mut coefficients = [0; 64];
    let restart = usize::from(metadata.restart_interval);
    for unit in 0..units.0 * units.1 {
        if restart > 0 && unit > 0 && unit % restart == 0 {
            reader.reset();
            decoder.reset();
        }
        let (x, y) = (unit % units.0, unit / units.0);
        for component in &mut *components {
            let (h, v) = component.blocks;
            let plan = component.plan;
            for block in 0..h * v {
                decoder
                    .decode_block(
                        &mut reader,
                        plan.comp_idx,
                        plan.dc_table,
                        plan.ac_table,
                        &mut coefficients,
                    )
                    .ok()?;
                let at = (x * h + block % h, y * v + block / h);
                component.put(&coefficients, at, &routines);
            }
        }
        if reader.insufficient_data() {
            return None;
        }
    }
    Some(())
}

impl Component<'_> {
    /// Puts the pixels of a block at its place, counted in blocks.
    fn put(&mut self, coefficients: &[i16; 64], at: (usize, usize), routines: &SimdRoutines) {
        match self.edge {
            1 => self.store(&[[idct::mean(coefficients, self.quant)]], at),
            2 => self.store(&idct::two(coefficients, self.quant), at),
            4 => self.store(&idct::four(coefficients, self.quant), at),
            _ => {
                let mut block = [0; 64];
                (routines.idct_islow)(coefficients, self.quant, &mut block);
                let (rows, _) = block.as_chunks::<8>();
                rows.iter()
                    .enumerate()
                    .for_each(|(y, row)| self.store_row(row, at, y));
            }
        }
    }

    fn store<const N: usize>(&mut self, block: &[[u8; N]; N], at: (usize, usize)) {
        for (y, row) in block.iter().enumerate() {
            self.store_row(row, at, y);
        }
    }

    fn store_row<const N: usize>(&mut self, row: &[u8; N], (x, top): (usize, usize), y: usize) {
        let start = (top * N + y) * self.stride + x * N;
        self.samples[start..start + N].copy_from_slice(row);
    }
}
