//! Emulates calls of the few classes and functions that a file of tensors may name.

use std::rc::Rc;

use super::value::{Global, Id, Object, Objects};
use crate::weights::fault::Fault;
use crate::weights::layout::{Layout, Storage};

/// Emulates calling a global with these arguments.
pub(super) fn call(global: Global, arguments: &[Id], objects: &mut Objects) -> Result<Id, Fault> {
    match (global, arguments) {
        (Global::OrderedDict, []) => objects.add(Object::Dict(Vec::new())),
        (Global::OrderedDict, [pairs]) => {
            let pairs = pairs_of(*pairs, objects)?;
            objects.spend(pairs.len())?;
            objects.add(Object::Dict(pairs))
        }
        (Global::Tensor | Global::Parameter, [data, ..])
            if matches!(objects.get(*data), Object::Foreign(_)) =>
        {
            Ok(*data)
        }
        (Global::Tensor, [storage, offset, shape, strides, ..]) => {
            let tensor = tensor([*storage, *offset, *shape, *strides], objects)?;
            objects.spend(2 * tensor.shape.len())?;
            objects.add(Object::Tensor(Rc::new(tensor)))
        }
        (Global::Parameter, [tensor, ..]) if matches!(objects.get(*tensor), Object::Tensor(_)) => {
            Ok(*tensor)
        }
        _ => Err(Fault::damaged(format!(
            "it builds {} from the wrong arguments",
            thing(global)
        ))),
    }
}

fn thing(global: Global) -> &'static str {
    match global {
        Global::OrderedDict => "a dictionary",
        Global::Tensor => "a tensor",
        Global::Parameter => "a parameter",
        Global::Storage(_) => "a storage",
    }
}

/// Returns the items of an ordered dictionary as written by Python 2: a list of pairs.
fn pairs_of(pairs: Id, objects: &Objects) -> Result<Vec<(Id, Id)>, Fault> {
    let pair = |&item: &Id| match objects.items(item) {
        Some(&[key, value]) => Some((key, value)),
        _ => None,
    };
    let pairs = objects
        .items(pairs)
        .and_then(|items| items.iter().map(pair).collect());
    pairs.ok_or_else(|| Fault::damaged("it builds a dictionary from values that are not pairs"))
}

fn tensor([storage, offset, shape, strides]: [Id; 4], objects: &Objects) -> Result<Layout, Fault> {
    let Object::Storage(storage) = objects.get(storage) else {
        return Err(Fault::damaged("one of its tensors has no storage"));
    };
    match (
        objects.size(offset),
        objects.sizes(shape),
        objects.sizes(strides),
    ) {
        (Some(offset), Some(shape), Some(strides)) => {
            Layout::new(Rc::clone(storage), offset, shape, strides)
        }
        _ => Err(Fault::damaged("one of its tensors has no valid shape")),
    }
}

/// Returns the storage of a persistent id: ("storage", class, key, device, number of elements), and in the
/// older format a view, which has to be `None`. Returns `None` if the class is not known.
pub(super) fn storage(id: Id, objects: &Objects) -> Result<Option<Storage>, Fault> {
    let bad = || Fault::damaged("it refers to a storage in an unknown way");
    let parts = objects.items(id).ok_or_else(bad)?;
    let (Some(&[kind, class, key, _device, len]), rest) =
        (parts.get(..5).and_then(|p| p.first_chunk()), parts.get(5..))
    else {
        return Err(bad());
    };
    let whole = rest.is_some_and(|rest| {
        rest.iter()
            .all(|&view| matches!(objects.get(view), Object::None))
    });
    if objects.text(kind).map(AsRef::as_ref) != Some("storage") || !whole {
        return Err(bad());
    }
    let dtype = match objects.get(class) {
        Object::Global(Global::Storage(dtype)) => *dtype,
        Object::Foreign(_) => return Ok(None),
        _ => return Err(bad()),
    };
    let key = objects.text(key).ok_or_else(bad)?;
    Storage::new(key, dtype, objects.size(len).ok_or_else(bad)?).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::dtype::Dtype;

    #[test]
    fn known_foreign_and_refused() {
        let find = Object::global;
        let half = find("torch", "HalfStorage").unwrap();
        assert!(matches!(half, Object::Global(Global::Storage(Dtype::Half))));
        let foreign = find("argparse", "Namespace").unwrap();
        assert!(matches!(foreign, Object::Foreign(name) if &*name == "argparse.Namespace"));
        assert!(matches!(find("torch", "device"), Ok(Object::Foreign(_))));
        assert!(matches!(
            find("pathlib", "PosixPath"),
            Ok(Object::Foreign(_))
        ));
        for (module, name) in [
            ("os", "system"),
            ("builtins", "eval"),
            ("__builtin__", "__import__"),
            ("subprocess", "Popen"),
            ("ctypes.util", "find_library"),
        ] {
            assert!(find(module, name).is_err(), "{module}.{name}");
        }
    }

    #[test]
    fn wrong_arguments() {
        let mut objects = Objects::default();
        let none = objects.add(Object::None).unwrap();
        assert!(call(Global::Tensor, &[none; 4], &mut objects).is_err());
        assert!(call(Global::Tensor, &[], &mut objects).is_err());
        assert!(call(Global::Parameter, &[none], &mut objects).is_err());
        assert!(call(Global::OrderedDict, &[none], &mut objects).is_err());
        assert!(call(Global::Storage(Dtype::Float), &[], &mut objects).is_err());
        assert!(storage(none, &objects).is_err());
    }
}
