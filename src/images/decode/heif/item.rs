//! Decodes an item of the container to its planes, from one coded image or from a grid of tiles.

use std::borrow::Cow;

use heifer_isobmff::boxes::Grid;
use heifer_isobmff::{HeifFile, ItemId};

use super::container;
use super::fault::Fault;
use super::planes::Planes;

/// The edges of a coded image are multiples of at most this many pixels.
const BLOCK: u64 = 128;

/// Returns the size of an item before it is transformed.
pub(super) fn size(file: &HeifFile, id: ItemId) -> Result<(u32, u32), Fault> {
    if is_grid(file, id)? {
        let grid = file.grid(id)?;
        return Ok((grid.output_width, grid.output_height));
    }
    let size = file.image_size(id)?;
    size.ok_or_else(|| Fault::damaged("the `ispe` box is missing"))
}

/// Decodes an item whose size is within the limits.
pub(super) fn planes(file: &HeifFile, id: ItemId) -> Result<Planes, Fault> {
    let planes = if is_grid(file, id)? {
        grid(file, id)?
    } else {
        coded(file, id)?
    };
    with_own_colours(planes, file, id)
}

fn is_grid(file: &HeifFile, id: ItemId) -> Result<bool, Fault> {
    Ok(file.item(id)?.item_type.0 == *b"grid")
}

fn grid(file: &HeifFile, id: ItemId) -> Result<Planes, Fault> {
    let grid = file.grid(id)?;
    let tiles = file.referenced_items(id, b"dimg");
    if tiles.len() != usize::from(grid.rows) * usize::from(grid.columns) {
        return Err(Fault::damaged("its grid has the wrong number of tiles"));
    }
    let tile_size = size(file, tiles[0])?;
    check_tiles(&grid, tile_size)?;
    let mut canvas: Option<Planes> = None;
    for (number, &tile) in (0_u32..).zip(tiles) {
        if size(file, tile)? != tile_size {
            return Err(Fault::damaged("its tiles differ in size"));
        }
        let decoded = with_own_colours(coded(file, tile)?, file, tile)?;
        let canvas = match &mut canvas {
            Some(canvas) => canvas,
            None => canvas.insert(Planes::new_like(
                &decoded,
                grid.output_width,
                grid.output_height,
            )?),
        };
        let (row, column) = (
            number / u32::from(grid.columns),
            number % u32::from(grid.columns),
        );
        canvas.put(&decoded, column * tile_size.0, row * tile_size.1)?;
    }
    canvas.ok_or_else(|| Fault::damaged("its grid has no tiles"))
}

/// Checks that every tile covers a part of the image, and that all of them cover it, so that they are not
/// much larger than it.
fn check_tiles(grid: &Grid, (width, height): (u32, u32)) -> Result<(), Fault> {
    let fits = |count: u16, tile: u32, edge: u32| {
        let (count, tile, edge) = (u64::from(count), u64::from(tile), u64::from(edge));
        (count - 1) * tile < edge && count * tile >= edge && tile <= 2 * edge.max(1024)
    };
    if fits(grid.columns, width, grid.output_width) && fits(grid.rows, height, grid.output_height) {
        Ok(())
    } else {
        Err(Fault::damaged("its tiles do not cover the image"))
    }
}

/// Applies the container's colour description, which overrides that of the coded image.
fn with_own_colours(mut planes: Planes, file: &HeifFile, id: ItemId) -> Result<Planes, Fault> {
    if let Some(colours) = container::colours(file, id)? {
        planes.colours = colours;
    }
    Ok(planes)
}

fn coded(file: &HeifFile, id: ItemId) -> Result<Planes, Fault> {
    let (width, height) = size(file, id)?;
    let padded = |edge: u32| u64::from(edge) + BLOCK;
    let max_pixels = padded(width).saturating_mul(padded(height));
    let planes = match &file.item(id)?.item_type.0 {
        #[cfg(feature = "heic")]
        b"hvc1" | b"hev1" => super::hevc::decode(&file.hevc_bitstream(id)?, max_pixels)?,
        #[cfg(feature = "avif")]
        b"av01" => super::av1::decode(file.item_data(id)?.into_owned(), max_pixels)?,
        other => {
            let _: (Cow<[u8]>, u64) = (Cow::Borrowed(other), max_pixels);
            return Err(Fault::unsupported(coding(*other)));
        }
    };
    planes.shown((width, height))
}

/// Names a coding that is not supported.
fn coding(item_type: [u8; 4]) -> String {
    let name = match &item_type {
        b"hvc1" | b"hev1" => "HEVC coding that this build cannot decode",
        b"av01" => "AV1 coding that this build cannot decode",
        b"avc1" => "AVC coding",
        b"vvc1" => "VVC coding",
        b"jpeg" => "JPEG coding",
        b"j2k1" => "JPEG 2000 coding",
        b"unci" => "uncompressed samples",
        b"iovl" => "an overlay of several images",
        b"iden" => "a derived image",
        _ => {
            let name = item_type.escape_ascii();
            return format!("the unknown coding `{name}`");
        }
    };
    name.to_owned()
}
