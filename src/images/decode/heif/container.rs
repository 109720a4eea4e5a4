//! The boxes of a HEIF: bounded before they are read, since reading them takes memory and time.

use heifer_isobmff::boxes::{ColorInfo, Property};
use heifer_isobmff::{BoxIter, HeifFile, ItemId, RawBox};

use super::fault::Fault;
use super::planes::Colours;

/// More bytes than the tables of the items have: those of 2,700 tiles, of a picture with as many pixels as
/// are decoded, take fewer. The time for them grows with their square.
const LONGEST_TABLES: usize = 256 << 10;

/// More bytes than the properties of all items have, with colour profiles.
const LONGEST_PROPERTIES: usize = 8 << 20;

/// Reads the boxes; what follows them, as a phone's short film, does not matter.
pub(super) fn parse(bytes: &[u8]) -> Result<HeifFile<'_>, Fault> {
    let (meta, end) = meta_box(bytes)?;
    check_tables(meta)?;
    Ok(HeifFile::parse(&bytes[..end])?)
}

/// The content of the box that describes the items, and the end of the last box that is whole.
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
        None if film => Err(Fault::unsupported("a sequence in place of a picture")),
        None => Err(Fault::damaged("its box `meta` is missing")),
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
        // Both field widths are 0: the table would have as many parts as it says, of no bytes each.
        if found.header.box_type.0 == *b"iloc" && found.content.get(4) == Some(&0) {
            return Err(Fault::damaged("its box `iloc` says where nothing is"));
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

/// The item that holds the transparency of another one.
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

/// What the container says of an item's colours, before what is coded in it.
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
