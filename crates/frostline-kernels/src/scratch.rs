//! Buffers that a thread keeps from one layer to the next: fresh ones would cost a page fault for every 4 KiB.

use std::cell::RefCell;

use super::cache::Aligned;

thread_local! {
    static SCRATCH: RefCell<[Aligned; 2]> = RefCell::new([0, 0].map(Aligned::zeros));
}

/// Lends two buffers of these lengths, with whatever they hold.
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
