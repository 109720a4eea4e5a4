//! What a processor's caches want: numbers that begin with a line, and lines that are asked for in time.

use std::ops::{Deref, DerefMut};

/// Numbers of a line, 64 bytes.
pub(super) const LINE: usize = 16;

/// Numbers of which every whole vector lies within one line: one that reaches into a second takes twice the time.
pub(super) struct Aligned {
    numbers: Vec<f32>,
    start: usize,
}

impl Aligned {
    pub(super) fn zeros(len: usize) -> Self {
        let numbers = vec![0.0; len + LINE];
        let start = numbers.as_ptr().align_offset(LINE * size_of::<f32>());
        Self {
            numbers,
            // A vector of numbers is aligned to numbers, so that it takes less than a line.
            start: start.min(LINE),
        }
    }

    fn len(&self) -> usize {
        self.numbers.len() - LINE
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[self.start..][..self.len()]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        let len = self.len();
        &mut self.numbers[self.start..][..len]
    }
}

/// Asks for the lines of `numbers`, which are read soon: a far cache answers while something else is worked out.
#[inline(always)]
pub fn prefetch<T>(numbers: &[T]) {
    for line in numbers.chunks(LINE * size_of::<f32>() / size_of::<T>()) {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "the instruction has no safe form")]
        // SAFETY: it reads nothing and faults nowhere, and every x86-64 processor has it.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = line;
    }
}
