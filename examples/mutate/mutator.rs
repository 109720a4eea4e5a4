//! Makes mutants: seeds with some bytes changed, removed, repeated or taken from other seeds. The same seed
//! number gives the same mutants.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Mutants are at most this much longer than the longest seed.
const ROOM: usize = 16 << 10;

/// Boundary values of the types that hold sizes and offsets.
const NUMBERS: [u64; 24] = [
    0,
    1,
    2,
    7,
    8,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    1 << 24,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    1 << 62,
    0x7fff_ffff_ffff_ffff,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// Numbers and other values as text, for JSON, TOML, CSV and textual headers.
const TEXTS: [&str; 16] = [
    "0",
    "-1",
    "1",
    "17",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "9223372036854775808",
    "18446744073709551615",
    "1e999",
    "-0.0",
    "3e38",
    "NaN",
    "null",
    "[]",
];

/// Makes mutants of seeds.
pub(crate) struct Mutator<'s> {
    generator: Xoshiro256PlusPlus,
    seeds: Vec<&'s [u8]>,
    longest: usize,
}

impl<'s> Mutator<'s> {
    /// Creates a mutator for at least one file.
    pub(crate) fn new(seeds: Vec<&'s [u8]>, seed: u64) -> Self {
        let longest = seeds.iter().map(|seed| seed.len()).max();
        Self {
            generator: Xoshiro256PlusPlus::seed_from_u64(seed),
            longest: longest.unwrap_or_default() + ROOM,
            seeds,
        }
    }

    /// Replaces `mutant` by the next one: a seed with 1 to 32 changes, few more often than many.
    pub(crate) fn next(&mut self, mutant: &mut Vec<u8>) {
        mutant.clear();
        mutant.extend_from_slice(self.any_seed());
        let most = 1 << self.below(6);
        for _ in 0..=self.below(most) {
            self.change(mutant);
            mutant.truncate(self.longest);
        }
    }

    /// Returns a random boolean.
    pub(crate) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn change(&mut self, mutant: &mut Vec<u8>) {
        let range = self.range(mutant.len());
        match self.below(14) {
            0 | 1 => self.with_byte(mutant, |byte, random| byte ^ 1 << (random % 8)),
            2 => self.with_byte(mutant, |_, random| random),
            3 => self.with_byte(mutant, |byte, random| {
                byte.wrapping_add(random % 9).wrapping_sub(4)
            }),
            4 | 5 => self.put_number(mutant),
            6 => self.put_varint(mutant),
            7 => self.put_text(mutant),
            8 => mutant.truncate(range.start),
            9 => drop(mutant.drain(range)),
            10 => {
                let at = self.below(mutant.len() + 1);
                let copy = mutant[range].to_vec();
                mutant.splice(at..at, copy);
            }
            11 => {
                let byte = [0, 0xff, b' ', b'a'][self.below(4)];
                mutant[range].fill(byte);
            }
            12 => {
                let other = self.any_seed();
                let part = other[self.range(other.len())].to_vec();
                mutant.splice(range, part);
            }
            _ => {
                let noise = (0..self.below(64)).map(|_| self.generator.next_u64() as u8);
                let noise: Vec<u8> = noise.collect();
                mutant.splice(range.start..range.start, noise);
            }
        }
    }

    fn with_byte(&mut self, mutant: &mut [u8], change: impl FnOnce(u8, u8) -> u8) {
        let at = self.below(mutant.len());
        let random = self.generator.next_u64() as u8;
        if let Some(byte) = mutant.get_mut(at) {
            *byte = change(*byte, random);
        }
    }

    /// Overwrites 1, 2, 4 or 8 bytes with a number, in either byte order.
    fn put_number(&mut self, mutant: &mut [u8]) {
        let number = self.number(mutant.len());
        let width = 1 << self.below(4);
        let at = self.below((mutant.len() + 1).saturating_sub(width));
        let Some(place) = mutant.get_mut(at..at + width) else {
            return;
        };
        place.copy_from_slice(&number.to_le_bytes()[..width]);
        if self.coin() {
            place.reverse();
        }
    }

    /// Replaces a byte with a protobuf varint.
    fn put_varint(&mut self, mutant: &mut Vec<u8>) {
        let mut number = self.number(mutant.len());
        let mut varint = Vec::new();
        while number > 0x7f {
            varint.push(number as u8 | 0x80);
            number >>= 7;
        }
        varint.push(number as u8);
        let at = self.below(mutant.len());
        let end = mutant.len().min(at + 1);
        mutant.splice(at..end, varint);
    }

    /// Replaces the first number after a random position with text; without a number, inserts it there.
    fn put_text(&mut self, mutant: &mut Vec<u8>) {
        let at = self.below(mutant.len());
        let digits = mutant[at..].iter().position(u8::is_ascii_digit);
        let start = digits.map_or(at, |digits| at + digits);
        let length = mutant[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let text = TEXTS[self.below(TEXTS.len())];
        mutant.splice(start..start + length, text.bytes());
    }

    /// Returns a boundary value, or a number close to or below the file's length.
    fn number(&mut self, length: usize) -> u64 {
        match self.below(4) {
            0 => (length as u64)
                .wrapping_add(self.below(3) as u64)
                .wrapping_sub(1),
            1 => self.below(length) as u64,
            _ => NUMBERS[self.below(NUMBERS.len())],
        }
    }

    /// Returns a random range within `length` bytes, usually a short one.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length);
        let longest = if self.below(4) == 0 { length } else { 16 };
        let end = start + self.below(longest.min(length - start) + 1);
        start..end
    }

    fn any_seed(&mut self) -> &'s [u8] {
        let seed = self.below(self.seeds.len());
        self.seeds[seed]
    }

    /// Returns a random number below `n`; 0 if `n` is 0.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.generator.next_u64()) * n as u128) >> 64) as usize
    }
}
