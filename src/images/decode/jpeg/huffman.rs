//! Reads the coefficients of a Huffman-coded scan that contains all of them (ITU-T T.81, annex F.2.2).
//!
//! A short code and a short value after it are looked up together. Damaged files are only detected;
//! libjpeg-turbo-rs decides what to keep of them.

use libjpeg_turbo_rs::common::huffman_table::HuffmanTable;
use libjpeg_turbo_rs::common::quant_table::ZIGZAG_ORDER;

/// The number of bits that a table looks up at a time.
const LOOKUP: u32 = 10;

/// An upper bound on the bytes of a unit: 16 blocks of each of 4 components, with 31 bits for each
/// coefficient.
const UNIT: usize = 16 << 10;

/// A decoded code, packed into one number: the bits of the code and its value (5 bits), the bits of a value
/// that is still to be read (4), the zeros before it (7), and the value (16).
#[derive(Clone, Copy)]
struct Code(u32);

impl Code {
    /// A code that is longer than the table's lookup, or invalid.
    const ELSEWHERE: Self = Self(0);

    /// The run of a code after which only zeros follow.
    const END: usize = 64;

    fn new(length: u32, size: u32, run: usize) -> Self {
        Self((length + size) | (size << 5) | ((run as u32) << 9))
    }

    fn with_value(self, value: i16) -> Self {
        Self((self.0 & !(15 << 5)) | (u32::from(value as u16) << 16))
    }

    #[inline(always)]
    fn bits(self) -> u32 {
        self.0 & 31
    }

    /// The bits of the code without those of the value.
    #[inline(always)]
    fn length(self) -> u32 {
        self.bits() - self.size()
    }

    #[inline(always)]
    fn size(self) -> u32 {
        (self.0 >> 5) & 15
    }

    #[inline(always)]
    fn run(self) -> usize {
        ((self.0 >> 9) & 127) as usize
    }

    #[inline(always)]
    fn value(self) -> i16 {
        (self.0 >> 16) as i16
    }
}

/// The coefficients that a table codes: the first of each block, or all others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Dc,
    Ac,
}

/// A table of codes, indexed by the next bits.
pub(super) struct Codes<'a> {
    short: Box<[Code; 1 << LOOKUP]>,
    all: &'a HuffmanTable,
    kind: Kind,
}

impl<'a> Codes<'a> {
    pub(super) fn new(all: &'a HuffmanTable, kind: Kind) -> Self {
        let mut codes = Self {
            short: Box::new([Code::ELSEWHERE; 1 << LOOKUP]),
            all,
            kind,
        };
        let mut next = 0;
        while next < codes.short.len() {
            let bits = |next: usize| (next as u64) << (64 - LOOKUP);
            let code = codes
                .long(bits(next))
                .filter(|code| code.length() <= LOOKUP);
            // All entries that start with the code, unless the table is damaged.
            let same = code.map_or(1, |code| 1 << (LOOKUP - code.length()));
            let end = if next % same == 0 {
                next + same
            } else {
                next + 1
            };
            for next in next..end {
                codes.short[next] = match code {
                    Some(code) if code.bits() <= LOOKUP => code.with_value(value(bits(next), code)),
                    code => code.unwrap_or(Code::ELSEWHERE),
                };
            }
            next = end;
        }
        codes
    }

    /// Returns the next code, whatever its length.
    #[cold]
    fn long(&self, bits: u64) -> Option<Code> {
        let (symbol, length) = self.all.lookup((bits >> 48) as u16).ok()?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        let run = match (self.kind, run, size) {
            (Kind::Dc, 1.., _) => return None,
            // Sixteen zeros are coded as fifteen and a value of 0.
            (Kind::Dc, ..) | (_, _, 1..) | (_, 15, _) => run,
            _ => Code::END,
        };
        Some(Code::new(length.into(), size, run))
    }

    #[inline(always)]
    fn next(&self, bits: u64) -> Option<Code> {
        match self.short[(bits >> (64 - LOOKUP)) as usize] {
            Code(0) => self.long(bits),
            code => Some(code),
        }
    }
}

/// Returns the value after a code, which may have 0 bits.
#[inline(always)]
fn value(bits: u64, code: Code) -> i16 {
    let size = code.size();
    if size == 0 {
        return code.value();
    }
    let value = (bits << code.length() >> (64 - size)) as i32;
    // Values whose first bit is 0 are negative.
    let least = 1 << (size - 1);
    (if value < least {
        value + 1 - 2 * least
    } else {
        value
    }) as i16
}

/// The bits of a scan, from one restart marker to the next.
pub(super) struct Reader<'a> {
    /// The input that is not in `bytes` yet.
    rest: &'a [u8],
    /// A few thousand bytes of the input, without the zeros after bytes of 0xff.
    bytes: Vec<u8>,
    bits: Bits,
}

/// The next bits. They are separate from the reader so that they stay in registers.
#[derive(Clone, Copy, Default)]
struct Bits {
    /// The bits, from the highest on. After the first `count` bits there may be more of the next byte.
    next: u64,
    count: u32,
    /// The index of the first byte that is not in `next` yet.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(scan: &'a [u8]) -> Self {
        let mut reader = Self {
            rest: scan,
            bytes: Vec::new(),
            bits: Bits::default(),
        };
        reader.open();
        reader
    }

    /// Starts reading after a marker.
    fn open(&mut self) {
        self.bytes.clear();
        self.bits = Bits::default();
        self.look_ahead();
        self.bits.fill(&self.bytes);
    }

    /// Ensures that the next unit can be read.
    #[inline(always)]
    pub(super) fn look_ahead(&mut self) {
        if self.bytes.len() < self.bits.at + UNIT && !self.is_at_end() {
            self.take_more();
        }
    }

    /// Returns whether a marker, or the end of the input, follows.
    fn is_at_end(&self) -> bool {
        match self.rest {
            [] | [0xff] => true,
            [0xff, next, ..] => *next != 0,
            _ => false,
        }
    }

    fn take_more(&mut self) {
        let read = self.bits.at.min(self.bytes.len());
        self.bytes.drain(..read);
        self.bits.at -= read;
        while self.bytes.len() < 4 * UNIT && !self.is_at_end() {
            let next = &self.rest[..self.rest.len().min(UNIT)];
            let (end, stuffed) = match memchr::memchr(0xff, next) {
                Some(0) => (1, 1),
                Some(at) => (at, 0),
                None => (next.len(), 0),
            };
            self.bytes.extend_from_slice(&next[..end]);
            self.rest = &self.rest[end + stuffed..];
        }
    }

    /// Returns the number of unread bits; `None` if more were read than exist.
    pub(super) fn left(&self) -> Option<usize> {
        (8 * self.bytes.len() + self.bits.count as usize).checked_sub(8 * self.bits.at)
    }

    /// Continues after the restart marker of this number; returns `None` if another one follows.
    pub(super) fn restart(&mut self, number: u8) -> Option<()> {
        let [0xff, marker, rest @ ..] = self.rest else {
            return None;
        };
        if *marker != 0xd0 + number || self.left()? > 7 {
            return None;
        }
        self.rest = rest;
        self.open();
        Some(())
    }

    /// Reads a block in row order, whose first coefficient is the difference from the last block's. Returns
    /// the number of coefficients up to the last non-zero one, in file order.
    #[inline(always)]
    pub(super) fn block(
        &mut self,
        dc: &Codes<'_>,
        ac: &Codes<'_>,
        block: &mut [i16; 64],
    ) -> Option<usize> {
        *block = [0; 64];
        let mut bits = self.bits;
        block[0] = bits.take(&self.bytes, dc)?.1;
        let mut index = 1;
        while index < 64 {
            let (run, value) = bits.take(&self.bytes, ac)?;
            if run == Code::END {
                break;
            }
            index += run;
            *block.get_mut(*ZIGZAG_ORDER.get(index)?)? = value;
            index += 1;
        }
        self.bits = bits;
        Some(index)
    }
}

impl Bits {
    /// Returns the number of zeros before the next value, and the value.
    #[inline(always)]
    fn take(&mut self, bytes: &[u8], codes: &Codes<'_>) -> Option<(usize, i16)> {
        // At least 25 bits are available, which is enough for every code, but not for every value.
        let code = codes.next(self.next)?;
        self.fill(bytes);
        let value = value(self.next, code);
        self.next <<= code.bits();
        self.count -= code.bits();
        Some((code.run(), value))
    }

    /// Fills up to at least 56 bits; zeros follow the last byte.
    #[inline(always)]
    fn fill(&mut self, bytes: &[u8]) {
        let next = match bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            Some(next) => u64::from_be_bytes(*next),
            None => last(bytes, self.at),
        };
        self.next |= next >> self.count;
        self.at += (63 - self.count as usize) / 8;
        self.count |= 0b11_1000;
    }
}

/// Returns the last bytes, fewer than 8.
#[cold]
fn last(bytes: &[u8], at: usize) -> u64 {
    let mut next = [0; 8];
    let bytes = bytes.get(at..).unwrap_or_default();
    next[..bytes.len()].copy_from_slice(bytes);
    u64::from_be_bytes(next)
}
