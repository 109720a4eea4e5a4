//! Reads the boxes of a HEIF file. Their sizes are limited first, since reading them takes memory and time.

use heifer_isobmff::boxes::{ColorInfo, Property};
use heifer_isobmff::{BoxIter, HeifFile, ItemId, RawBox};

use super::fault::Fault;
use super::planes::Colours;

/// The limit of the items' tables in bytes: those of 2,700 tiles, of an image with as many pixels as are
/// decoded, take fewer. The time to read them grows with the square of their size.
const LONGEST_TABLES: usize = 256 << 10;

/// The limit of the properties of all items in bytes, colour profiles included.
const LONGEST_PROPERTIES: usize = 8 << 20;

/// Reads the boxes, and ignores what follows them, such as a phone's short video.
pub(super) fn parse(bytes: &[u8]) -> Result<HeifFile<'_>, Fault> {
    let (meta, end) = meta_box(bytes)?;
    check_tables(meta)?;
    Ok(HeifFile::parse(&bytes[..end])?)
}

/// Returns the content of the box that describes the items, and the end of the last complete box.
fn meta_box(bytes: &[u8]) -> Result<(&[u8], usize), Fault> {
    let (mut meta, mut end, mut film) = (None, 0, false);
    for next in BoxIter::new(bytes) {
        let found = match next {
            Ok(found) => found,
            Err(_) if meta.is_some() => break,
            Err(error) => return Err(error.into()),
        };
        let header = usize::try_from(found.header.header_size).unwrap_or(usize::MAX);
        end = found.offset + header + found.content.len();
        match &found.header.box_type.0 {
            b"meta" => meta = Some(found.content),
            b"moov" => film = true,
            _ => {}
        }
    }
    match meta {
        Some(meta) => Ok((meta, end)),
        None if film => Err(Fault::unsupported("a sequence instead of an image")),
        None => Err(Fault::damaged("the `meta` box is missing")),
    }
}

fn check_tables(meta: &[u8]) -> Result<(), Fault> {
    let (mut tables, mut properties) = (0, 0);
    let mut count = |found: &RawBox| {
        match &found.header.box_type.0 {
            b"iinf" | b"iloc" | b"iref" | b"ipma" => tables += found.content.len(),
            b"ipco" => properties += found.content.len(),
            _ => {}
        }
        // Both field widths are 0: the table could declare any number of entries that take no bytes.
        if found.header.box_type.0 == *b"iloc" && found.content.get(4) == Some(&0) {
            return Err(Fault::damaged("the `iloc` box has zero-width fields"));
        }
        Ok(())
    };
    for found in BoxIter::new(meta.get(4..).unwrap_or_default()) {
        let found = found?;
        count(&found)?;
        if found.header.box_type.0 == *b"iprp" {
            for inner in BoxIter::new(found.content) {
                count(&inner?)?;
            }
        }
    }
    if tables > LONGEST_TABLES || properties > LONGEST_PROPERTIES {
        return Err(Fault::unsupported("too many items or properties"));
    }
    Ok(())
}

/// Returns the item that holds the alpha plane of another item.
pub(super) fn alpha_of(file: &HeifFile, id: ItemId) -> Result<Option<ItemId>, Fault> {
    const ALPHA: [&str; 2] = [
        "urn:mpeg:hevc:2015:auxid:1",
        "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    ];
    for aux in file.referencing_items(id, b"auxl") {
        let is_alpha = |property: &Property| match property {
            Property::AuxiliaryType(name) => ALPHA.contains(&name.as_str()),
            _ => false,
        };
        if file.item_properties(aux)?.any(is_alpha) {
            return Ok(Some(aux));
        }
    }
    Ok(None)
}

/// Returns the colour description of an item in the container, which overrides the coded one.
pub(super) fn colours(file: &HeifFile, id: ItemId) -> Result<Option<Colours>, Fault> {
    Ok(file
        .item_properties(id)?
        .find_map(|property| match property {
            Property::Color(ColorInfo::Nclx {
                matrix, full_range, ..
            }) => Some(Colours {
                matrix: *matrix,
                full_range: *full_range,
            }),
            _ => None,
        }))
}
