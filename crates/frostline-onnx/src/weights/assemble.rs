//! Builds tensors from views of storages, with one storage in memory at a time.

use std::collections::HashMap;
use std::rc::Rc;

use super::dtype::ByteOrder;
use super::fault::Fault;
use super::layout::{Layout, Storage};
use super::state_dict::Tensor;

/// How often tensors may use the values of a storage on average; tied weights use them twice. Without a
/// limit, a small file could claim much memory.
const MAX_SHARING: usize = 8;

/// Fills the tensors; `read` returns the bytes of a storage, exactly as many as it has.
pub(super) fn assemble(
    tensors: &[(String, Rc<Layout>)],
    order: ByteOrder,
    mut read: impl FnMut(&Storage) -> Result<Vec<u8>, Fault>,
) -> Result<Vec<(String, Tensor)>, Fault> {
    let mut filled: Vec<Option<Tensor>> = vec![None; tensors.len()];
    for users in by_storage(tensors) {
        let storage = &tensors[users[0]].1.storage;
        check_sharing(storage, users.iter().map(|&user| &*tensors[user].1))?;
        let numbers = storage.dtype.widen(&read(storage)?, order);
        if numbers.len() != storage.len {
            return Err(Fault::damaged(format!(
                "its storage `{}` has the wrong size",
                storage.key
            )));
        }
        for user in users {
            let layout = &tensors[user].1;
            filled[user] = Some(Tensor {
                shape: layout.shape.clone(),
                data: layout.gather(&numbers),
            });
        }
    }
    Ok(tensors
        .iter()
        .zip(filled)
        .filter_map(|((name, _), tensor)| Some((name.clone(), tensor?)))
        .collect())
}

/// Groups the tensors by storage, in the order in which the storages are first used.
fn by_storage(tensors: &[(String, Rc<Layout>)]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut places = HashMap::new();
    for (user, (_, layout)) in tensors.iter().enumerate() {
        let place = *places
            .entry(Rc::as_ptr(&layout.storage))
            .or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(user);
    }
    groups
}

fn check_sharing<'a>(
    storage: &Storage,
    users: impl Iterator<Item = &'a Layout>,
) -> Result<(), Fault> {
    let used = users.fold(0_usize, |sum, layout| sum.saturating_add(layout.len));
    if used > storage.len.saturating_mul(MAX_SHARING) {
        let problem = format!(
            "its tensors use {used} values of the storage `{}`, which has only {}",
            storage.key, storage.len
        );
        return Err(Fault::refused(problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::dtype::Dtype;
    use super::*;

    fn views(count: usize) -> Vec<(String, Rc<Layout>)> {
        let storage = Rc::new(Storage::new("0", Dtype::Float, 2).unwrap());
        let view = |i| {
            (
                format!("t{i}"),
                Rc::new(Layout::new(Rc::clone(&storage), 0, vec![2], vec![1]).unwrap()),
            )
        };
        (0..count).map(view).collect()
    }

    #[test]
    fn a_shared_storage_is_read_once() {
        let mut reads = 0;
        let tensors = assemble(&views(2), ByteOrder::Little, |_| {
            reads += 1;
            Ok([1.0_f32.to_le_bytes(), 2.0_f32.to_le_bytes()].concat())
        });
        let expected = Tensor {
            shape: vec![2],
            data: vec![1.0, 2.0],
        };
        assert_eq!(
            tensors.unwrap(),
            [
                ("t0".to_owned(), expected.clone()),
                ("t1".to_owned(), expected)
            ]
        );
        assert_eq!(reads, 1);
    }

    #[test]
    fn a_storage_used_too_often_is_refused_before_it_is_read() {
        let result = assemble(&views(9), ByteOrder::Little, |_| panic!("read"));
        assert!(matches!(result, Err(Fault::Foreign { .. })));
    }

    #[test]
    fn too_few_bytes() {
        assert!(matches!(
            assemble(&views(1), ByteOrder::Little, |_| Ok(vec![0; 7])),
            Err(Fault::Damaged(_))
        ));
    }
}
