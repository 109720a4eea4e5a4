//! How the features are shared out.

use std::ops::Range;

/// Columns of a share, at most about: four rows of it and the weights of five classes fit the nearest cache, of 32 KiB.
const WIDTH: usize = 768;
/// Numbers of a cache line; a share starts with one.
const LINE: usize = 16;

/// The columns of each share of D features: one, or an even number, the same on every machine.
pub(crate) fn columns_of(d: usize) -> Vec<Range<usize>> {
    let n = if d > WIDTH {
        2 * d.div_ceil(2 * WIDTH)
    } else {
        1
    };
    let bound = |i: usize| {
        if i == n { d } else { i * d / n / LINE * LINE }
    };
    (0..n).map(|i| bound(i)..bound(i + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_all_columns_once() {
        for (d, n) in [(1, 1), (768, 1), (769, 2), (1280, 2), (4096, 6), (2600, 4)] {
            let shares = columns_of(d);
            assert_eq!(shares.len(), n, "{d}");
            assert!(shares.iter().flat_map(Clone::clone).eq(0..d));
            assert!(shares.iter().all(|share| share.start % LINE == 0));
        }
    }
}
