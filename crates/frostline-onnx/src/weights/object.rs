//! The values that a pickle of tensors is made of.

use std::collections::HashMap;
use std::rc::Rc;

use super::fault::Fault;
use super::globals::Global;
use super::layout::{Layout, Storage};

/// A value's place in [`Objects`]. Values hold places, not values: however deep a file nests, nothing recurses.
pub(super) type Id = usize;

/// More values and uses of values than the largest checkpoints have, and few enough to hold.
const MAX_OBJECTS: usize = 1 << 22;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Object {
    None,
    Bool,
    Int(i128),
    Float,
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Rc<Storage>),
    /// Behind a pointer, so that the many small values need less room.
    Tensor(Rc<Layout>),
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Objects {
    values: Vec<Object>,
    spent: usize,
}

impl Objects {
    pub(super) fn add(&mut self, object: Object) -> Result<Id, Fault> {
        self.spend(1)?;
        self.values.push(object);
        Ok(self.values.len() - 1)
    }

    /// Counts values that are used once more: without a limit, a short file could use a long one over and over.
    pub(super) fn spend(&mut self, count: usize) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(count);
        if self.spent > MAX_OBJECTS {
            return Err(Fault::refused(format!(
                "it lists more than {MAX_OBJECTS} values"
            )));
        }
        Ok(())
    }

    pub(super) fn get(&self, id: Id) -> &Object {
        &self.values[id]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Object {
        &mut self.values[id]
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a tuple or list.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Object::Tuple(items) | Object::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Object::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A tuple or list of sizes.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.items(id)?
            .iter()
            .map(|&item| self.size(item))
            .collect()
    }
}

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) objects: Objects,
    /// The outermost value.
    pub(super) root: Id,
    /// All storages that it speaks of, by their keys.
    pub(super) storages: HashMap<String, Rc<Storage>>,
}

impl Pickle {
    pub(super) fn root(&self) -> &Object {
        self.objects.get(self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_and_not_negative() {
        let mut objects = Objects::default();
        let two = objects.add(Object::Int(2)).unwrap();
        let less = objects.add(Object::Int(-1)).unwrap();
        let good = objects.add(Object::Tuple(vec![two, two])).unwrap();
        let bad = objects.add(Object::Tuple(vec![two, less])).unwrap();
        assert_eq!(objects.sizes(good), Some(vec![2, 2]));
        assert_eq!(objects.sizes(bad), None);
        assert_eq!(objects.sizes(two), None);
    }
}
