//! Decodes the usual JPEG: all components in a single Huffman-coded scan.
//!
//! libjpeg-turbo-rs produces the same pixels, but takes longer for codes, and twice as long for reduced
//! scales, where its transforms are not vectorised. Other kinds and damaged files are left to it.

use std::ops::Range;

use libjpeg_turbo_rs::decode::entropy::{McuComponentPlan, resolve_mcu_plan};
use libjpeg_turbo_rs::decode::marker::{JpegMetadata, MarkerReader};
use libjpeg_turbo_rs::simd::{self, SimdRoutines};
use pulp::{Arch, Simd, WithSimd};

use super::header::Jpeg;
use super::huffman::{Codes, Kind, Reader};
use super::idct;
use super::planes::Planes;
use super::upsample::{Plane, Samples};
use crate::images::Part;
use crate::images::memory::of_plane;

/// Returns the part that is read of a stored image of a given size.
pub(super) type Seen<'a> = &'a dyn Fn((u32, u32)) -> Part;

/// Decodes what is seen of the image at 1/`divisor`, each edge rounded up; returns `None` for files that are
/// left to libjpeg-turbo-rs.
pub(super) fn decode(jpeg: &Jpeg<'_>, divisor: u32, seen: Seen<'_>) -> Option<Planes> {
    let metadata = MarkerReader::new(jpeg.bytes).read_markers().ok()?;
    let frame = &metadata.frame;
    let other = metadata.is_arithmetic || frame.is_progressive || frame.is_lossless;
    if other || frame.precision != 8 || metadata.scans.len() > 1 {
        return None;
    }
    let (dc, ac) = (&metadata.dc_huffman_tables, &metadata.ac_huffman_tables);
    let tables = resolve_mcu_plan(frame, &metadata.scan, dc, ac).ok()?;
    let factors: Vec<(usize, usize)> = jpeg.factors().collect();
    let in_order = tables
        .iter()
        .map(|table| table.comp_idx)
        .eq(0..factors.len());
    let edges = in_order.then(|| edges(&factors, divisor as usize))??;
    let mut components = components(&metadata, &tables, &edges)?;
    let unit =
        |blocks: fn(&Component<'_>) -> usize| 8 * components.iter().map(blocks).max().unwrap_or(1);
    let units = (
        frame.width().div_ceil(unit(|c| c.blocks.0)),
        frame.height().div_ceil(unit(|c| c.blocks.1)),
    );
    let (width, height) = jpeg.size();
    let stored = (width.div_ceil(divisor), height.div_ceil(divisor));
    let seen = seen(stored);
    for (component, factors) in components.iter_mut().zip(factors) {
        // A component that is transformed to more samples needs less upsampling.
        let larger = component.edge * divisor as usize / 8;
        component.factors = (factors.0 / larger, factors.1 / larger);
        component.keep(&seen, units);
    }
    let all = components.iter().map(Component::num_bytes).sum();
    for component in &mut components {
        component.samples = of_plane(component.num_bytes(), all)?;
    }
    Arch::new().dispatch(Scan {
        reader: Reader::new(jpeg.bytes.get(metadata.entropy_data_offset..)?),
        restart: metadata.restart_interval.into(),
        units,
        components: &mut components,
        routines: simd::detect(),
    })?;
    let size = (stored.0 as usize, stored.1 as usize);
    let planes = components
        .into_iter()
        .map(|component| component.plane(size));
    Some(Planes::new(planes.collect(), jpeg.colours, stored))
}

/// Returns how many samples a block of each component becomes along an edge. At a reduced scale, libjpeg
/// transforms the coarse components to more samples; unusual sampling factors are left to it.
fn edges(factors: &[(usize, usize)], divisor: usize) -> Option<Vec<usize>> {
    let edge = 8 / divisor;
    match factors {
        _ if divisor == 1 => Some(vec![8; factors.len()]),
        [_] => Some(vec![edge]),
        [(1, 1), (1, 1), (1, 1)] => Some(vec![edge; 3]),
        [(1, 1), (2, 2), (2, 2)] => Some(vec![edge, 2 * edge, 2 * edge]),
        _ => None,
    }
}

/// A component during decoding.
struct Component<'a> {
    dc: Codes<'a>,
    ac: Codes<'a>,
    /// The first coefficient of the previous block.
    last: i16,
    quant: &'a [u16; 64],
    /// Blocks of a unit, across and down.
    blocks: (usize, usize),
    /// Samples that a block becomes along an edge.
    edge: usize,
    /// The columns and rows of the image that a sample covers.
    factors: (usize, usize),
    /// The blocks whose samples are kept.
    columns: Range<usize>,
    rows: Range<usize>,
    /// The samples of the rows of units so far.
    samples: Vec<u8>,
}

/// Sets up the components before the first unit. A gray image has one block per unit, whatever its factors.
fn components<'a>(
    metadata: &'a JpegMetadata,
    tables: &'a [McuComponentPlan<'a>],
    edges: &[usize],
) -> Option<Vec<Component<'a>>> {
    let all = &metadata.frame.components;
    let of = |index: usize| {
        let info = &all[index];
        let quant = &metadata.quant_tables[usize::from(info.quant_table_index)];
        let factors = (
            info.horizontal_sampling.into(),
            info.vertical_sampling.into(),
        );
        Some(Component {
            dc: Codes::new(tables[index].dc_table, Kind::Dc),
            ac: Codes::new(tables[index].ac_table, Kind::Ac),
            last: 0,
            quant: &quant.as_ref()?.values,
            blocks: if all.len() == 1 { (1, 1) } else { factors },
            edge: edges[index],
            factors: (1, 1),
            columns: 0..0,
            rows: 0..0,
            samples: Vec::new(),
        })
    };
    (0..all.len()).map(of).collect()
}

/// The state of a scan.
struct Scan<'a, 'b> {
    reader: Reader<'a>,
    /// The number of units between restart markers; 0 without markers.
    restart: usize,
    units: (usize, usize),
    components: &'b mut [Component<'a>],
    routines: SimdRoutines,
}

impl WithSimd for Scan<'_, '_> {
    type Output = Option<()>;

    /// Reads all units; returns `None` if the scan ends too early or is damaged.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<()> {
        let Self {
            mut reader,
            restart,
            units,
            components,
            routines,
        } = self;
        let mut until_restart = restart;
        let mut number = 0;
        let mut coefficients = [0; 64];
        for y in 0..units.1 {
            for component in &mut *components {
                component.add_rows(y);
            }
            for x in 0..units.0 {
                if restart > 0 && until_restart == 0 {
                    reader.restart(number)?;
                    (until_restart, number) = (restart, (number + 1) % 8);
                    for component in &mut *components {
                        component.last = 0;
                    }
                }
                until_restart = until_restart.wrapping_sub(1);
                reader.look_ahead();
                for component in &mut *components {
                    let (h, v) = component.blocks;
                    for j in 0..v {
                        for i in 0..h {
                            let count =
                                reader.block(&component.dc, &component.ac, &mut coefficients)?;
                            component.last = component.last.wrapping_add(coefficients[0]);
                            coefficients[0] = component.last;
                            component.put(&coefficients, count, (x * h + i, y * v + j), &routines);
                        }
                    }
                }
                reader.left()?;
            }
        }
        Some(())
    }
}

impl Component<'_> {
    /// Selects the blocks that the seen part depends on, out of these units.
    fn keep(&mut self, seen: &Part, units: (usize, usize)) {
        // Interpolated samples also depend on their neighbours.
        let blocks = |seen: &Range<u32>, factor: usize, all: usize| {
            let first = (seen.start as usize / factor).saturating_sub(1);
            let end = (seen.end as usize).div_ceil(factor) + 1;
            first / self.edge..end.div_ceil(self.edge).min(all)
        };
        let columns = blocks(&seen.columns, self.factors.0, units.0 * self.blocks.0);
        let rows = blocks(&seen.rows, self.factors.1, units.1 * self.blocks.1);
        (self.columns, self.rows) = (columns, rows);
    }

    fn stride(&self) -> usize {
        self.columns.len() * self.edge
    }

    fn num_bytes(&self) -> usize {
        self.stride() * self.rows.len() * self.edge
    }

    /// Makes room for the kept samples of a row of units.
    fn add_rows(&mut self, unit: usize) {
        let end = self.rows.end.min((unit + 1) * self.blocks.1);
        let rows = end.saturating_sub(self.rows.start) * self.edge;
        self.samples.resize(self.stride() * rows, 0);
    }

    /// Returns the plane of an image of this size.
    fn plane(self, size: (usize, usize)) -> Plane {
        let samples = Samples {
            stride: self.stride(),
            origin: (self.columns.start * self.edge, self.rows.start * self.edge),
            values: self.samples,
        };
        Plane::new(samples, size, self.factors)
    }

    /// Stores the samples of a block, if it is kept, at its position, in blocks. All coefficients after the
    /// first `count`, in file order, are 0.
    #[inline(always)]
    fn put(
        &mut self,
        coefficients: &[i16; 64],
        count: usize,
        at: (usize, usize),
        routines: &SimdRoutines,
    ) {
        if !self.columns.contains(&at.0) || !self.rows.contains(&at.1) {
            return;
        }
        let at = (at.0 - self.columns.start, at.1 - self.rows.start);
        match self.edge {
            1 => self.store(&[[idct::mean(coefficients, self.quant)]], at),
            2 => self.store(&idct::two(coefficients, count, self.quant), at),
            4 => self.store(&idct::four(coefficients, count, self.quant), at),
            _ => {
                let mut block = [0; 64];
                (routines.idct_islow)(coefficients, self.quant, &mut block);
                let (rows, _) = block.as_chunks::<8>();
                for y in 0..8 {
                    self.store_row(&rows[y], at, y);
                }
            }
        }
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, block: &[[u8; N]; N], at: (usize, usize)) {
        for y in 0..N {
            self.store_row(&block[y], at, y);
        }
    }

    #[inline(always)]
    fn store_row<const N: usize>(&mut self, row: &[u8; N], (x, top): (usize, usize), y: usize) {
        let start = (top * N + y) * self.stride() + x * N;
        let place = self.samples[start..].first_chunk_mut();
        *place.expect("a kept block is within the samples") = *row;
    }
}
