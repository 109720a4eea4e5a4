//! Strips metadata that does not affect the pixels: decoders would copy it, and it may be far larger than the
//! image.

use std::borrow::Cow;
use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom};

use crate::images::memory::of_file;
use crate::images::{Format, complete};

/// The longest non-critical PNG chunk that a decoder gets; for comparison, an EXIF block in a JPEG has at
/// most 64 KiB.
const LONGEST_CHUNK: usize = 1 << 20;

/// Splits the rest of a file into the next piece and what follows it.
type Step<'a> = fn(&'a [u8]) -> (&'a [u8], &'a [u8]);

/// The parts of a file that are kept, read piece by piece without copying.
pub(super) struct Pieces<'a> {
    piece: &'a [u8],
    rest: &'a [u8],
    next: Step<'a>,
}

impl<'a> Pieces<'a> {
    /// Keeps the whole file except EXIF, XMP, profiles, comments and application data in a JPEG, and long
    /// non-critical chunks in a PNG.
    pub(super) fn of(format: Format, bytes: &'a [u8]) -> Self {
        let (start, next): (_, Step) = match format {
            Format::Jpeg => (2, next_of_jpeg),
            Format::Png => (8, next_of_png),
            _ => (0, |rest| (rest, &[])),
        };
        let (piece, rest) = bytes.split_at(start.min(bytes.len()));
        Self { piece, rest, next }
    }

    /// Returns the kept parts in one piece: the file itself, if nothing is stripped.
    pub(super) fn joined(format: Format, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let pieces = || {
            let mut left = Self::of(format, bytes);
            std::iter::from_fn(move || {
                left.advance();
                Some(std::mem::take(&mut left.piece)).filter(|piece| !piece.is_empty())
            })
        };
        let length = pieces().map(<[u8]>::len).sum();
        if length == bytes.len() {
            return Cow::Borrowed(bytes);
        }
        let mut joined = of_file(length).unwrap_or_default();
        pieces().for_each(|piece| joined.extend_from_slice(piece));
        Cow::Owned(joined)
    }

    /// Moves on to the next piece once this one has been read.
    fn advance(&mut self) {
        while self.piece.is_empty() && !self.rest.is_empty() {
            (self.piece, self.rest) = (self.next)(self.rest);
        }
    }
}

/// Returns the next kept segment and what follows it; from the first scan on, the whole rest.
fn next_of_jpeg(rest: &[u8]) -> (&[u8], &[u8]) {
    let mut bytes = rest;
    loop {
        let Some((marker, _, after)) = complete::next_segment(bytes) else {
            return (bytes, &[]);
        };
        // The decoder needs JFIF, and Adobe's segment, which tells how colours are stored.
        if !matches!(marker, 0xe1..=0xed | 0xef | 0xfe) {
            return bytes.split_at(bytes.len() - after.len());
        }
        bytes = after;
    }
}

/// Returns the next kept chunk and what follows it; from the first pixels on, the whole rest.
fn next_of_png(rest: &[u8]) -> (&[u8], &[u8]) {
    let mut bytes = rest;
    loop {
        let Some(&[a, b, c, d, kind, ..]) = bytes.first_chunk::<5>() else {
            return (bytes, &[]);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let whole = length.saturating_add(12);
        if whole > bytes.len() || bytes[4..8] == *b"IDAT" {
            return (bytes, &[]);
        }
        let (chunk, after) = bytes.split_at(whole);
        if !kind.is_ascii_lowercase() || length <= LONGEST_CHUNK {
            return (chunk, after);
        }
        bytes = after;
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.advance();
        Ok(self.piece)
    }

    fn consume(&mut self, count: usize) {
        self.piece = &self.piece[count..];
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

/// Required by the decoders, but never used by the two that get pieces.
impl Seek for Pieces<'_> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(format: Format, bytes: &[u8]) -> Vec<u8> {
        let mut left = Vec::new();
        Pieces::of(format, bytes).read_to_end(&mut left).unwrap();
        left
    }

    #[test]
    fn a_jpeg_keeps_what_its_pixels_need() {
        let parts: [(&[u8], bool); 10] = [
            (b"\xff\xd8", true),
            (b"\xff\xe0\0\x04JF", true),
            (b"\xff\xe1\0\x08\xff\xd8\xff\xd9xx", false),
            (b"\xff\xe2\0\x04IC", false),
            (b"\xff\xfe\0\x02", false),
            (b"\xff\xee\0\x04Ad", true),
            (b"\xff\xdb\0\x03q", true),
            (b"\xff\xed\0\x03p", false),
            (b"\xff\xda\0\x03\x01ab\xff\xfe\0\x02", true),
            (b"\xff\xd9 and more", true),
        ];
        let all = parts.map(|(part, _)| part).concat();
        let kept: Vec<_> = parts.iter().filter(|(_, kept)| *kept).collect();
        let kept = kept.iter().map(|(part, _)| *part).collect::<Vec<_>>();
        assert_eq!(left(Format::Jpeg, &all), kept.concat());
        for length in 0..all.len() {
            left(Format::Jpeg, &all[..length]);
        }
        assert_eq!(
            left(Format::Jpeg, b"\xff\xd8\xff\xe1\xff"),
            b"\xff\xd8\xff\xe1\xff"
        );
    }

    #[test]
    fn a_png_loses_its_long_chunks() {
        let chunk = |kind: &[u8], length: usize| {
            let size = (length as u32).to_be_bytes();
            [&size, kind, &vec![7; length], b"sum."].concat()
        };
        let long = LONGEST_CHUNK + 1;
        let parts = [
            (b"\x89PNG\r\n\x1a\n".to_vec(), true),
            (chunk(b"IHDR", 13), true),
            (chunk(b"eXIf", long), false),
            (chunk(b"eXIf", LONGEST_CHUNK), true),
            (chunk(b"PLTE", long), true),
            (chunk(b"IDAT", 9), true),
            (chunk(b"tEXt", long), true),
        ];
        let all = parts.each_ref().map(|(part, _)| &part[..]).concat();
        let kept = parts.iter().filter(|(_, kept)| *kept);
        let kept: Vec<_> = kept.map(|(part, _)| &part[..]).collect();
        assert_eq!(left(Format::Png, &all), kept.concat());
        for length in 0..60 {
            assert_eq!(left(Format::Png, &all[..length]), all[..length]);
        }
    }
}
