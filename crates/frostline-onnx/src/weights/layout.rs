//! The layout of a tensor's elements in its storage.

use std::rc::Rc;

use super::dtype::Dtype;
use super::fault::Fault;

/// The maximum number of dimensions, as in `PyTorch`.
const MAX_RANK: usize = 64;

/// The longest name of a storage or tensor, in bytes; those of networks have a few dozen. A pickle stores a
/// name once, but can use it over and over.
const MAX_NAME: usize = 1024;

/// A sequence of values in the file that tensors are views of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storage {
    /// Its name in the file.
    pub(super) key: String,
    pub(super) dtype: Dtype,
    /// The length in elements.
    pub(super) len: usize,
    /// The length in bytes.
    pub(super) size: usize,
}

impl Storage {
    pub(super) fn new(key: &str, dtype: Dtype, len: usize) -> Result<Self, Fault> {
        check_name(key)?;
        let size = len.checked_mul(dtype.size());
        let size = size.ok_or_else(|| {
            Fault::damaged(format!("its storage `{key}` claims to have {len} values"))
        })?;
        Ok(Self {
            key: key.to_owned(),
            dtype,
            len,
            size,
        })
    }
}

/// Checks the length of a name.
pub(super) fn check_name(name: &str) -> Result<(), Fault> {
    if name.len() > MAX_NAME {
        let problem = format!(
            "it contains a name of {} bytes, `{name:.40}…`; the limit is {MAX_NAME}",
            name.len()
        );
        return Err(Fault::refused(problem));
    }
    Ok(())
}

/// A tensor as a view of a storage, checked to be within its bounds.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) storage: Rc<Storage>,
    pub(crate) shape: Vec<usize>,
    offset: usize,
    strides: Vec<usize>,
    /// The number of elements.
    pub(super) len: usize,
}

impl Layout {
    /// Creates a view; offset and strides are in elements.
    pub(super) fn new(
        storage: Rc<Storage>,
        offset: usize,
        shape: Vec<usize>,
        mut strides: Vec<usize>,
    ) -> Result<Self, Fault> {
        let bad = || {
            Fault::damaged(format!(
                "a tensor of shape {shape:?} does not fit into its storage"
            ))
        };
        if shape.len() != strides.len() || shape.len() > MAX_RANK {
            return Err(bad());
        }
        // The stride of a dimension of length 1 is never used, and may be anything.
        shape
            .iter()
            .zip(&mut strides)
            .filter(|(size, _)| **size == 1)
            .for_each(|(_, stride)| *stride = 0);
        let len = count(&shape).ok_or_else(bad)?;
        let last = last(offset, &shape, &strides).ok_or_else(bad)?;
        if len > 0 && (last >= storage.len || len > storage.len) {
            return Err(bad());
        }
        Ok(Self {
            storage,
            shape,
            offset,
            strides,
            len,
        })
    }

    /// Returns whether the elements are contiguous and in order, as they almost always are.
    fn is_row(&self) -> bool {
        let mut step = 1;
        let places = self.shape.iter().zip(&self.strides).rev();
        self.len > 0
            && places
                .filter(|(size, _)| **size != 1)
                .all(|(size, stride)| {
                    let follows = *stride == step;
                    step *= size;
                    follows
                })
    }

    /// Returns the tensor's elements in order; `all` are those of its storage.
    pub(super) fn gather(&self, all: &[f32]) -> Vec<f32> {
        if self.is_row() {
            return all[self.offset..][..self.len].to_vec();
        }
        let mut data = Vec::with_capacity(self.len);
        let mut index = vec![0; self.shape.len()];
        let mut at = self.offset;
        for _ in 0..self.len {
            data.push(all[at]);
            for (d, position) in index.iter_mut().enumerate().rev() {
                *position += 1;
                at += self.strides[d];
                if *position < self.shape[d] {
                    break;
                }
                at -= self.strides[d] * self.shape[d];
                *position = 0;
            }
        }
        data
    }
}

/// Returns the number of elements, unless it overflows.
fn count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size))
}

/// Returns the index of the last element, unless it overflows.
fn last(offset: usize, shape: &[usize], strides: &[usize]) -> Option<usize> {
    shape
        .iter()
        .zip(strides)
        .try_fold(offset, |place, (&size, stride)| {
            place.checked_add(size.saturating_sub(1).checked_mul(*stride)?)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(
        len: usize,
        offset: usize,
        shape: &[usize],
        strides: &[usize],
    ) -> Result<Layout, Fault> {
        let storage = Rc::new(Storage::new("0", Dtype::Float, len).unwrap());
        Layout::new(storage, offset, shape.to_vec(), strides.to_vec())
    }

    #[test]
    fn views_are_read_in_their_own_order() {
        let all: Vec<f32> = (0..12).map(|x| x as f32).collect();
        // torch.arange(12.).reshape(3, 4).t()[1:3]
        let turned = layout(12, 1, &[2, 3], &[1, 4]).unwrap();
        assert_eq!(turned.gather(&all), [1.0, 5.0, 9.0, 2.0, 6.0, 10.0]);
        // torch.arange(12.)[::5]
        assert_eq!(
            layout(12, 0, &[3], &[5]).unwrap().gather(&all),
            [0.0, 5.0, 10.0]
        );
        assert_eq!(
            layout(12, 3, &[2, 1, 3], &[3, 9, 1]).unwrap().gather(&all),
            [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
        );
        assert_eq!(layout(12, 7, &[], &[]).unwrap().gather(&all), [7.0]);
        assert_eq!(
            layout(12, 0, &[3, 0], &[1, 1]).unwrap().gather(&all),
            [0.0; 0]
        );
        assert_eq!(
            layout(12, 2, &[1, 2], &[usize::MAX, 1])
                .unwrap()
                .gather(&all),
            [2.0, 3.0]
        );
    }

    #[test]
    fn nothing_outside_of_the_storage() {
        for (offset, shape, strides) in [
            (0, vec![13], vec![1]),
            (1, vec![3, 4], vec![4, 1]),
            (12, vec![], vec![]),
            (0, vec![4], vec![4]),
            (usize::MAX, vec![2], vec![1]),
            (0, vec![2], vec![usize::MAX]),
            (0, vec![usize::MAX, usize::MAX], vec![0, 0]),
            // One value repeated, as by `expand`: more elements than the file contains.
            (0, vec![1_000_000], vec![0]),
            (0, vec![2], vec![1, 1]),
            (0, vec![1; 65], vec![1; 65]),
        ] {
            assert!(
                layout(12, offset, &shape, &strides).is_err(),
                "{offset} {shape:?} {strides:?}"
            );
        }
    }
}
