//! Checks that the file of a shared library is complete. The loader maps a truncated one all the same, and
//! the process dies as soon as it reads beyond the end of the file.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;

/// The fields of a 64-bit ELF header with the offset of the segment table, the size of its entries and their
/// number (System V ABI, ELF-64).
const TABLE_OFFSET: Range<usize> = 32..40;
const ENTRY_SIZE: Range<usize> = 54..56;
const ENTRIES: Range<usize> = 56..58;
/// The size of an entry that the loader requires; it reports other sizes itself.
const SIZE_OF_ENTRY: usize = 56;
/// The fields of a table entry with the offset and size of its segment.
const SEGMENT_OFFSET: Range<usize> = 8..16;
const SEGMENT_SIZE: Range<usize> = 32..40;

/// Returns whether the file ends before its segments do. Only 64-bit little-endian ELF files are checked.
pub(super) fn is_cut(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    match end_of_segments(file) {
        Ok(end) => Ok(end > length),
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(true),
        Err(e) => Err(e),
    }
}

fn end_of_segments(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut kind = [0; 6];
    file.rewind()?;
    file.read_exact(&mut kind)?;
    if kind != *b"\x7fELF\x02\x01" {
        return Ok(0);
    }
    let mut header = [0; 64];
    file.rewind()?;
    file.read_exact(&mut header)?;
    let size = number(&header[ENTRY_SIZE]) as usize;
    if size != SIZE_OF_ENTRY {
        return Ok(0);
    }
    let mut table = vec![0; size * number(&header[ENTRIES]) as usize];
    file.seek(SeekFrom::Start(number(&header[TABLE_OFFSET])))?;
    file.read_exact(&mut table)?;
    let ends = table
        .chunks_exact(size)
        .map(|entry| number(&entry[SEGMENT_OFFSET]).saturating_add(number(&entry[SEGMENT_SIZE])));
    Ok(ends.max().unwrap_or(0))
}

/// Reads a little-endian number of up to 8 bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Returns a header with one segment of 80 bytes, which begins right after the table, at byte 120.
    fn library() -> Vec<u8> {
        let mut bytes = vec![0; 200];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64 + 8] = 120;
        bytes[64 + 32] = 80;
        bytes
    }

    #[test]
    fn the_end_is_that_of_the_last_segment() {
        assert_eq!(end_of_segments(&mut Cursor::new(library())).unwrap(), 200);
        let mut far = library();
        far[64 + 8 + 7] = 0xff;
        assert_eq!(
            end_of_segments(&mut Cursor::new(far)).unwrap(),
            0xff00_0000_0000_0078 + 80
        );
    }

    /// A table of 65,535 entries of 65,535 bytes would take 4 GB.
    #[test]
    fn entries_of_another_size_take_no_memory() {
        let mut odd = library();
        odd[54..58].fill(0xff);
        assert_eq!(end_of_segments(&mut Cursor::new(odd)).unwrap(), 0);
    }

    #[test]
    fn other_kinds_are_not_looked_into() {
        for kind in [*b"\x7fELF\x01\x01", *b"\xcf\xfa\xed\xfe\x07\0"] {
            let mut other = library();
            other[..6].copy_from_slice(&kind);
            assert_eq!(end_of_segments(&mut Cursor::new(other)).unwrap(), 0);
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lib.so");
        for length in [5, 6, 63, 100, 120, 199, 200] {
            std::fs::write(&path, &library()[..length]).unwrap();
            let cut = is_cut(&mut File::open(&path).unwrap()).unwrap();
            assert_eq!(cut, length < 200, "{length} bytes");
        }
    }
}
