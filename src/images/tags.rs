//! Reads tags from the directory of a TIFF file or of an EXIF block, which has the same structure.

/// Returns the values of a tag in the first directory, if they are integers of 8, 16 or 32 bits; `None` if
/// the tag is missing.
///
/// Supports both byte orders and both offset widths (TIFF and `BigTIFF`).
pub(super) fn values(block: &[u8], tag: u16) -> Option<Vec<u32>> {
    let directory = Directory::first(block)?;
    let entry = directory.entry(tag)?;
    let (order, wide) = (directory.order, directory.wide);
    let size = match order.u16(&entry[2..])? {
        1 => 1,
        3 => 2,
        4 => 4,
        _ => return None,
    };
    let count = order.number(&entry[4..], wide)?;
    let value = &entry[if wide { 12 } else { 8 }..];
    // No requested tag has more than 64 values; a false count must not allocate memory.
    let length = usize::try_from(count.min(64)).ok()? * size;
    let bytes = if length <= value.len() {
        &value[..length]
    } else {
        let start = usize::try_from(order.number(value, wide)?).ok()?;
        block.get(start..start.checked_add(length)?)?
    };
    let number = |bytes: &[u8]| match size {
        1 => bytes.first().copied().map(u32::from),
        2 => order.u16(bytes).map(u32::from),
        _ => order.u32(bytes),
    };
    bytes.chunks_exact(size).map(number).collect()
}

/// Returns each tag of the first directory with its declared number of values.
pub(super) fn counts(block: &[u8]) -> impl Iterator<Item = (u16, u64)> {
    Directory::first(block).into_iter().flat_map(|directory| {
        let Directory {
            order,
            wide,
            entries,
        } = directory;
        entries
            .chunks_exact(entry_size(wide))
            .filter_map(move |entry| Some((order.u16(entry)?, order.number(&entry[4..], wide)?)))
    })
}

struct Directory<'a> {
    order: ByteOrder,
    /// Whether offsets have 64 bits.
    wide: bool,
    /// 12 bytes each, or 20 with 64-bit offsets.
    entries: &'a [u8],
}

impl<'a> Directory<'a> {
    fn first(block: &'a [u8]) -> Option<Self> {
        let (order, wide) = match block.get(..4)? {
            b"II*\0" => (ByteOrder::Little, false),
            b"MM\0*" => (ByteOrder::Big, false),
            b"II+\0" => (ByteOrder::Little, true),
            b"MM\0+" => (ByteOrder::Big, true),
            _ => return None,
        };
        let start = order.number(block.get(if wide { 8 } else { 4 }..)?, wide)?;
        let directory = block.get(usize::try_from(start).ok()?..)?;
        let (count, head) = if wide {
            (order.u64(directory)?, 8)
        } else {
            (order.u16(directory)?.into(), 2)
        };
        let entries = directory.get(head..)?;
        let length = usize::try_from(count).ok()?.checked_mul(entry_size(wide))?;
        Some(Self {
            order,
            wide,
            entries: &entries[..length.min(entries.len())],
        })
    }

    fn entry(&self, tag: u16) -> Option<&'a [u8]> {
        self.entries
            .chunks_exact(entry_size(self.wide))
            .find(|entry| self.order.u16(entry) == Some(tag))
    }
}

fn entry_size(wide: bool) -> usize {
    if wide { 20 } else { 12 }
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// Returns the first `N` bytes in little-endian order.
    fn bytes<const N: usize>(self, bytes: &[u8]) -> Option<[u8; N]> {
        let mut bytes = *bytes.first_chunk()?;
        if let Self::Big = self {
            bytes.reverse();
        }
        Some(bytes)
    }

    fn u16(self, bytes: &[u8]) -> Option<u16> {
        self.bytes(bytes).map(u16::from_le_bytes)
    }

    fn u32(self, bytes: &[u8]) -> Option<u32> {
        self.bytes(bytes).map(u32::from_le_bytes)
    }

    fn u64(self, bytes: &[u8]) -> Option<u64> {
        self.bytes(bytes).map(u64::from_le_bytes)
    }

    /// Reads an offset or a count.
    fn number(self, bytes: &[u8], wide: bool) -> Option<u64> {
        if wide {
            self.u64(bytes)
        } else {
            self.u32(bytes).map(u64::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_the_entry_or_behind_an_offset() {
        let little = b"II*\0\x08\0\0\0\x02\0\
            \x02\x01\x03\0\x03\0\0\0\x22\0\0\0\
            \x52\x01\x03\0\x01\0\0\0\x01\0\0\0\
            \x08\0\x08\0\x10\0";
        assert_eq!(values(little, 258), Some(vec![8, 8, 16]));
        assert_eq!(values(little, 338), Some(vec![1]));
        assert_eq!(values(little, 339), None);
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x02\0\x04\0\0\0\x01\0\0\0\x07";
        assert_eq!(values(big, 258), Some(vec![7]));
    }

    #[test]
    fn offsets_of_64_bits_are_read() {
        let mut block = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
        block.extend(b"\x02\x01\x03\0\x03\0\0\0\0\0\0\0\x08\0\x09\0\x0a\0\0\0");
        assert_eq!(values(&block, 258), Some(vec![8, 9, 10]));
    }

    #[test]
    fn lengths_that_lie_are_no_values() {
        let block = b"II*\0\x08\0\0\0\xff\xff\x02\x01\x03\0\xff\xff\xff\xff\x08\0\0\0";
        assert_eq!(values(block, 258), None);
        for length in 0..block.len() {
            assert_eq!(values(&block[..length], 258), None);
        }
    }
}
