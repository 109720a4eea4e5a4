//! Writes a part piece by piece, with the features of other parts.

use std::io::{self, Write};

use arrow_schema::ArrowError;

use super::columns::schema;
use crate::features::arrow_file::{BatchWriter, Digits};
use crate::features::content::Digest;
use crate::features::manifest::StoreManifest;

/// A part that is being written to `W`. Its features are never in memory.
pub(in crate::features) struct PartWriter<W: Write>(BatchWriter<W>);

impl<W: Write> PartWriter<W> {
    /// Begins a part of these images, with its own manifest. The features follow in the same order.
    pub(in crate::features) fn begin(
        out: W,
        digests: &[Digest],
        own: &StoreManifest,
    ) -> Result<Self, ArrowError> {
        let names = own.spec.views.iter().map(ToString::to_string);
        let names: Vec<String> = names.collect();
        let text: usize = names.iter().map(String::len).sum();
        let (images, rows) = (digests.len() as u64, (digests.len() * names.len()) as u64);
        let values = rows * own.spec.backbone.num_features as u64;
        let bytes = values * own.dtype.bytes() as u64;
        // Buffers of nulls are empty. A text has offsets before its values, a list has no buffer of values.
        let text = [4 * (rows + 1), images * text as u64];
        let buffers = [0, 32 * rows, 0, text[0], text[1], 0, 0, bytes];
        let mut out =
            BatchWriter::begin(out, &schema(own)?, &[rows, rows, rows, values], &buffers)?;
        write_digests(&mut out, digests, names.len())?;
        write_views(&mut out, images, &names)?;
        out.end_buffer()?;
        out.end_buffer()?;
        Ok(Self(out))
    }

    /// Appends features, as they are stored.
    pub(in crate::features) fn append(&mut self, features: &[u8]) -> io::Result<()> {
        self.0.append(features)
    }

    /// Completes the part, except for the digits of its checksum.
    pub(in crate::features) fn finish(mut self) -> Result<(W, Digits), ArrowError> {
        self.0.end_buffer()?;
        self.0.finish()
    }
}

fn write_digests(
    out: &mut BatchWriter<impl Write>,
    digests: &[Digest],
    views: usize,
) -> io::Result<()> {
    out.end_buffer()?;
    for digest in digests {
        (0..views).try_for_each(|_| out.append(&digest.0))?;
    }
    out.end_buffer()
}

fn write_views(out: &mut BatchWriter<impl Write>, images: u64, names: &[String]) -> io::Result<()> {
    out.end_buffer()?;
    let mut end = 0;
    out.append(&u32::to_le_bytes(end))?;
    for _ in 0..images {
        for name in names {
            end += name.len() as u32;
            out.append(&end.to_le_bytes())?;
        }
    }
    out.end_buffer()?;
    let names = names.concat();
    (0..images).try_for_each(|_| out.append(names.as_bytes()))?;
    out.end_buffer()
}

/// Returns the size of an image in a part, with all its views.
pub(in crate::features) fn bytes_per_image(manifest: &StoreManifest) -> u64 {
    let row = 32 + 4 + manifest.spec.backbone.num_features * manifest.dtype.bytes();
    let views = manifest.spec.views.iter();
    views
        .map(|view| (row + view.to_string().len()) as u64)
        .sum()
}
