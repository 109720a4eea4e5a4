//! The features of the images, in memory once.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::backbones::FeatureSpec;
use crate::error::Result;
use crate::features::{Digest, FeatureStore};
use crate::head::Neighbour;
use crate::threads::on_threads;

/// No row: the image has no features.
const NONE: u32 = u32::MAX;

/// The features of the images that could be used, one row each.
#[derive(Debug)]
pub(super) struct Vectors {
    pub(super) spec: FeatureSpec,
    /// (R, D).
    rows: Array2<f32>,
    /// One divided by the length of each row, (R); 0 for a row of zeros.
    scales: Vec<f32>,
    /// The image of each row, ascending.
    images: Vec<u32>,
    /// The row of each image.
    row_of: Vec<u32>,
    pub(super) digests: Vec<Digest>,
    /// The width and height of the image of each row.
    sizes: Vec<(u32, u32)>,
}

impl Vectors {
    /// Reads the features of a store; `number` returns the number of an image by its name.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn read(
        store: &FeatureStore,
        n_images: usize,
        number: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self> {
        let mut used: Vec<_> = store
            .index()
            .used()
            .filter_map(|(row, digest)| {
                let size = row
                    .content
                    .map_or((0, 0), |content| (content.width, content.height));
                Some((number(&row.path)? as u32, digest, size))
            })
            .collect();
        used.sort_unstable_by_key(|(image, ..)| *image);
        let digests: Vec<Digest> = used.iter().map(|(_, digest, _)| *digest).collect();
        let rows = store.features(&digests)?;
        let mut row_of = vec![NONE; n_images];
        for (row, (image, ..)) in used.iter().enumerate() {
            row_of[*image as usize] = row as u32;
        }
        Ok(Self {
            spec: store.manifest().spec.clone(),
            scales: scales(rows.view()),
            rows,
            images: used.iter().map(|(image, ..)| *image).collect(),
            row_of,
            digests,
            sizes: used.iter().map(|(.., size)| *size).collect(),
        })
    }

    /// Returns the number of images with features.
    pub(super) fn len(&self) -> usize {
        self.images.len()
    }

    pub(super) fn rows(&self) -> ArrayView2<'_, f32> {
        self.rows.view()
    }

    pub(super) fn row(&self, row: usize) -> ArrayView1<'_, f32> {
        self.rows.row(row)
    }

    /// Returns the image of each row, ascending.
    pub(super) fn images(&self) -> &[u32] {
        &self.images
    }

    pub(super) fn row_of(&self, image: u32) -> Option<usize> {
        let row = *self.row_of.get(image as usize)?;
        (row != NONE).then_some(row as usize)
    }

    pub(super) fn size(&self, row: usize) -> (u32, u32) {
        self.sizes[row]
    }

    /// Returns the `k` rows most similar to some features among those that are `wanted`, most similar first.
    pub(super) fn nearest(
        &self,
        features: ArrayView1<'_, f32>,
        k: usize,
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<Neighbour> {
        let length = features.dot(&features).sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        let products = self.rows.dot(&features);
        let mut found: Vec<Neighbour> = (0..self.len())
            .filter(|&row| wanted(row))
            .map(|row| Neighbour {
                row,
                cosine: products[row] * scale * self.scales[row],
            })
            .collect();
        let by_cosine = |a: &Neighbour, b: &Neighbour| b.cosine.total_cmp(&a.cosine);
        if found.len() > k {
            found.select_nth_unstable_by(k, by_cosine);
            found.truncate(k);
        }
        found.sort_by(by_cosine);
        found
    }
}

fn scales(rows: ArrayView2<'_, f32>) -> Vec<f32> {
    let scale = |row: ArrayView1<'_, f32>| {
        let square: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
        if square > 0.0 {
            (1.0 / square.sqrt()) as f32
        } else {
            0.0
        }
    };
    rows.rows().into_iter().map(scale).collect()
}

/// Applies `work` to blocks of rows on all processors; results come in order.
pub(super) fn in_blocks<T: Send>(
    rows: ArrayView2<'_, f32>,
    work: impl Fn(ArrayView2<'_, f32>) -> T + Sync,
) -> Vec<T> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    const BLOCK: usize = 512;
    let blocks: Vec<_> = rows.axis_chunks_iter(Axis(0), BLOCK).collect();
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<(usize, T)> = on_threads(threads.min(blocks.len().max(1)), || {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let mine = numbers.map_while(|number| Some((number, work(*blocks.get(number)?))));
        mine.collect::<Vec<_>>()
    })
    .into_iter()
    .flatten()
    .collect();
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}
