//! Cache-friendly buffers: they are aligned to cache lines, prefetched, and reused from layer to layer.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// The number of values in a cache line of 64 bytes.
pub(super) const LINE: usize = 16;

/// A buffer in which every whole vector is within one cache line; a vector across two lines takes twice the
/// time.
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
            // A `Vec<f32>` is aligned to `f32`, so the offset is less than a line.
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

/// Prefetches the cache lines of `numbers`, which will be read soon, so that loading them overlaps with other
/// work.
#[inline(always)]
pub fn prefetch<T>(numbers: &[T]) {
    for line in numbers.chunks(LINE * size_of::<f32>() / size_of::<T>()) {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "the instruction has no safe form")]
        // SAFETY: the instruction reads nothing and never faults, and every x86-64 processor has it.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = line;
    }
}

thread_local! {
    static SCRATCH: RefCell<[Aligned; 2]> = RefCell::new([0, 0].map(Aligned::zeros));
}

/// Lends two buffers of these lengths to `work`; their content is arbitrary.
///
/// A thread reuses them from layer to layer: new ones would cost a page fault for every 4 KiB.
pub(super) fn with_scratch<R>(
    lens: [usize; 2],
    work: impl FnOnce(&mut [f32], &mut [f32]) -> R,
) -> R {
    SCRATCH.with_borrow_mut(|[a, b]| {
        for (buffer, len) in [&mut *a, &mut *b].into_iter().zip(lens) {
            if buffer.len() < len {
                *buffer = Aligned::zeros(len);
            }
        }
        work(&mut a[..lens[0]], &mut b[..lens[1]])
    })
}
