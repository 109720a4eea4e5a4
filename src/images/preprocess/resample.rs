//! Resizes the part of an image that the crop keeps, exactly as Pillow resizes the whole (`Resample.c`).
//!
//! Each line is resized horizontally as it is read, and added to the resized rows that depend on it, so that
//! only a strip of the image is in memory. Pillow rounds to 8 bits after the horizontal pass and again after
//! the vertical one. (Since version 13, it starts with the vertical pass if the height shrinks much more than
//! the width, which only happens with an exact size.)

use std::mem::take;
use std::ops::Range;

use super::Interpolation;
use super::filter::{Filter, Filtered};
use super::geometry::Plan;
use crate::images::{Part, Picture};
use frostline_kernels::resample::{Scratch, Weights, add, finish, narrow};

/// The approximate bytes of the rows that are read at a time: few enough to stay in the processor's cache.
const STRIP: u32 = 1 << 20;

/// The number of lines that are added to the resized rows at a time.
const LINES: usize = 16;

/// The most weights that are stored, up to three times each; any more, for lines of millions of pixels, are
/// computed as needed.
const MOST_WEIGHTS: usize = 1 << 20;

/// Resizes one image after another, and reuses its buffers.
#[derive(Debug, Clone, Default)]
pub(super) struct Resampler {
    /// Some rows of the image, if they are not in memory already.
    strip: Vec<u8>,
    scratch: Scratch,
}

impl Resampler {
    /// Returns the pixels of the plan's part, shape (height, width, 3).
    pub(super) fn resize(
        &mut self,
        image: &impl Picture,
        plan: &Plan,
        interpolation: Interpolation,
    ) -> Vec<u8> {
        let (x, y) = axes(image.size(), plan);
        match Filter::of(interpolation) {
            Some(filter) => self.convolve(image, &x, &y, filter),
            None => pick(image, &x, &y),
        }
    }

    /// Returns the part of an image of this size that the plan's part depends on.
    pub(super) fn needed(
        (width, height): (u32, u32),
        plan: &Plan,
        interpolation: Interpolation,
    ) -> Part {
        let (x, y) = axes((width, height), plan);
        Part {
            rows: y.needed(interpolation),
            columns: x.needed(interpolation),
        }
    }

    fn convolve(&mut self, image: &impl Picture, x: &Axis, y: &Axis, filter: Filter) -> Vec<u8> {
        let mut strip = take(&mut self.strip);
        let mut columns = Columns::new(x, filter);
        let mut rows = Rows::new(y, filter, 3 * x.count as usize);
        let mut line = vec![0; 3 * x.count as usize];
        let (width, _) = image.size();
        let height = (STRIP / (3 * width)).max(1);
        let needed = rows.needed();
        for start in needed.clone().step_by(height as usize) {
            let part = start..needed.end.min(start.saturating_add(height));
            let pixels = image.rows(part, columns.needed.clone(), &mut strip);
            for row in pixels.chunks_exact(3 * width as usize) {
                columns.resize(row, &mut self.scratch, &mut line);
                rows.push(&line);
            }
        }
        self.strip = strip;
        rows.finish()
    }
}

fn axes((width, height): (u32, u32), plan: &Plan) -> (Axis, Axis) {
    (
        Axis::new(width, plan.resized.0, plan.source.0, plan.size.0),
        Axis::new(height, plan.resized.1, plan.source.1, plan.size.1),
    )
}

/// Resizes one line after another horizontally.
struct Columns {
    axis: Filtered,
    /// Parts of the resized line, each with no more weights than are stored.
    parts: Vec<Range<u32>>,
    /// The number and the weights of the part that was resized last.
    weights: Option<(usize, Weights)>,
    /// The stored columns that all parts depend on.
    needed: Range<u32>,
    first: u32,
}

impl Columns {
    fn new(x: &Axis, filter: Filter) -> Self {
        let axis = x.filtered(filter);
        let most = (MOST_WEIGHTS / axis.taps()).max(1);
        let resized = x.resized_part();
        let starts = resized.clone().step_by(most);
        let needed = axis.needed(resized.clone());
        Self {
            axis,
            parts: starts
                .map(|start| start..resized.end.min(start.saturating_add(most as u32)))
                .collect(),
            weights: None,
            needed: needed.start as u32..needed.end as u32,
            first: resized.start,
        }
    }

    fn resize(&mut self, row: &[u8], scratch: &mut Scratch, line: &mut [u8]) {
        for (number, part) in self.parts.iter().enumerate() {
            let kept = self.weights.take_if(|(kept, _)| *kept == number);
            let weights = kept.map_or_else(|| self.axis.weights(part.clone()), |(_, kept)| kept);
            let stored = self.axis.needed(part.clone());
            let [from, to] = [part.start, part.end].map(|x| 3 * (x - self.first) as usize);
            let row = &row[3 * stored.start..3 * stored.end];
            narrow(row, scratch, &weights, &mut line[from..to]);
            self.weights = Some((number, weights));
        }
    }
}

/// Adds lines to the resized rows that depend on them.
struct Rows {
    axis: Filtered,
    /// The rows that no line has reached yet.
    left: Range<u32>,
    /// The rows that depend on more lines.
    open: Vec<Row>,
    /// The buffers of finished rows.
    spare: Vec<Row>,
    /// Weights before rounding.
    exact: Vec<f64>,
    /// Lines that have not been added yet.
    lines: Vec<u8>,
    /// The index of the first of these lines.
    next: usize,
    length: usize,
    done: Vec<u8>,
}

/// A resized row that is being summed up.
#[derive(Default)]
struct Row {
    stretch: Range<usize>,
    weights: Vec<i32>,
    sums: Vec<i32>,
}

impl Rows {
    fn new(y: &Axis, filter: Filter, length: usize) -> Self {
        let axis = y.filtered(filter);
        Self {
            axis,
            left: y.resized_part(),
            open: Vec::new(),
            spare: Vec::new(),
            exact: Vec::new(),
            lines: Vec::with_capacity(LINES * length),
            next: axis.needed(y.resized_part()).start,
            length,
            done: Vec::with_capacity(length * y.count as usize),
        }
    }

    /// Returns the lines that the rows depend on.
    fn needed(&self) -> Range<u32> {
        let needed = self.axis.needed(self.left.clone());
        needed.start as u32..needed.end as u32
    }

    /// Accepts the next line.
    fn push(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
        if self.lines.len() == LINES * self.length {
            self.add();
        }
    }

    fn add(&mut self) {
        let lines = self.next..self.next + self.lines.len() / self.length;
        let mut open = take(&mut self.open).into_iter();
        while let Some(mut row) = open.next().or_else(|| self.begin(lines.end)) {
            let part = row.stretch.start.max(lines.start)..row.stretch.end.min(lines.end);
            let [from, to] = [part.start, part.end].map(|line| self.length * (line - lines.start));
            let [first, end] = [part.start, part.end].map(|line| line - row.stretch.start);
            add(
                &mut row.sums,
                &self.lines[from..to],
                &row.weights[first..end],
            );
            if row.stretch.end <= lines.end {
                finish(&row.sums, &mut self.done);
                self.spare.push(row);
            } else {
                self.open.push(row);
            }
        }
        self.next = lines.end;
        self.lines.clear();
    }

    /// Starts the next row, if it depends on a line before `end`.
    fn begin(&mut self, end: usize) -> Option<Row> {
        let at = self.left.clone().next()?;
        let stretch = self.axis.stretch(at);
        if stretch.start >= end {
            return None;
        }
        self.left.start += 1;
        let mut row = self.spare.pop().unwrap_or_default();
        row.stretch = stretch;
        row.weights.clear();
        let weights = self.axis.weights_of(at, &mut self.exact);
        row.weights.extend(weights);
        row.sums.clear();
        row.sums.resize(self.length, 0);
        Some(row)
    }

    fn finish(mut self) -> Vec<u8> {
        self.add();
        self.done
    }
}

/// Picks the nearest stored pixel for each resized one.
fn pick(image: &impl Picture, x: &Axis, y: &Axis) -> Vec<u8> {
    let columns: Vec<usize> = x.nearest().map(|column| 3 * column).collect();
    let mut picked = Vec::with_capacity(3 * columns.len() * y.count as usize);
    let mut buffer = Vec::new();
    for row in y.nearest() {
        let row = row as u32..row as u32 + 1;
        let samples = image.rows(row, x.needed(Interpolation::Nearest), &mut buffer);
        picked.extend(
            columns
                .iter()
                .flat_map(|&column| &samples[column..column + 3]),
        );
    }
    picked
}

/// A part of a resized axis.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// Pixels stored.
    stored: u32,
    /// Pixels of the whole axis after the resize.
    resized: u32,
    /// The first resized pixel of the part.
    at: u32,
    /// The number of resized pixels.
    count: u32,
}

impl Axis {
    fn new(stored: u32, resized: u32, at: u32, count: u32) -> Self {
        Self {
            stored,
            resized,
            at,
            count,
        }
    }

    fn filtered(self, filter: Filter) -> Filtered {
        Filtered {
            stored: self.stored,
            resized: self.resized,
            filter,
        }
    }

    fn resized_part(self) -> Range<u32> {
        self.at..self.at + self.count
    }

    /// Returns the stored pixels that the part depends on.
    fn needed(self, interpolation: Interpolation) -> Range<u32> {
        if let Some(filter) = Filter::of(interpolation) {
            let needed = self.filtered(filter).needed(self.resized_part());
            return needed.start as u32..needed.end as u32;
        }
        let mut nearest = self.nearest().map(|place| place as u32);
        let first = nearest.next().unwrap_or(0);
        first..nearest.last().unwrap_or(first) + 1
    }

    /// Returns the stored pixel for each resized one. The step is added up as in Pillow, so that ties fall
    /// the same way.
    fn nearest(self) -> impl Iterator<Item = usize> {
        let last = self.stored as usize - 1;
        let scale = f64::from(self.stored) / f64::from(self.resized);
        std::iter::successors(Some(scale * 0.5), move |place| Some(place + scale))
            .skip(self.at as usize)
            .take(self.count as usize)
            .map(move |place| (place as usize).min(last))
    }
}
