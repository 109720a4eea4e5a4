//! The few classes and functions that a file of tensors may name, and what stands for calling them.

use std::rc::Rc;

use super::dtype::Dtype;
use super::fault::Fault;
use super::layout::{Layout, Storage};
use super::object::{Id, Object, Objects};

/// A class or function that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor`, or `_v2` of it: (storage, offset, shape, strides, …).
    Tensor,
    /// `torch._utils._rebuild_parameter`, or `torch.nn.parameter.Parameter` of files before 0.4: (tensor, …).
    Parameter,
    /// `torch.FloatStorage` and its like; only named, never called.
    Storage(Dtype),
}

impl Global {
    /// The global of a name.
    pub(super) fn find(module: &str, name: &str) -> Result<Self, Fault> {
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::Tensor,
            ("torch._utils", "_rebuild_parameter") | ("torch.nn.parameter", "Parameter") => {
                Self::Parameter
            }
            ("torch" | "torch.cuda", class) => {
                Self::Storage(Dtype::of_storage(class).ok_or_else(|| refused(module, name))?)
            }
            _ => return Err(refused(module, name)),
        })
    }

    /// What a call with `arguments` returns.
    pub(super) fn call(self, arguments: &[Id], objects: &mut Objects) -> Result<Id, Fault> {
        match (self, arguments) {
            (Self::OrderedDict, []) => objects.add(Object::Dict(Vec::new())),
            (Self::OrderedDict, [pairs]) => {
                let pairs = pairs_of(*pairs, objects)?;
                objects.spend(pairs.len())?;
                objects.add(Object::Dict(pairs))
            }
            (Self::Tensor, [storage, offset, shape, strides, ..]) => {
                let tensor = tensor([*storage, *offset, *shape, *strides], objects)?;
                objects.spend(2 * tensor.shape.len())?;
                objects.add(Object::Tensor(Rc::new(tensor)))
            }
            (Self::Parameter, [tensor, ..])
                if matches!(objects.get(*tensor), Object::Tensor(_)) =>
            {
                Ok(*tensor)
            }
            _ => Err(Fault::damaged(format!(
                "it builds {} out of the wrong things",
                self.thing()
            ))),
        }
    }

    fn thing(self) -> &'static str {
        match self {
            Self::OrderedDict => "a dictionary",
            Self::Tensor => "a tensor",
            Self::Parameter => "a parameter",
            Self::Storage(_) => "a storage",
        }
    }
}

fn refused(module: &str, name: &str) -> Fault {
    Fault::refused(format!(
        "it asks for `{module:.80}.{name:.80}`; only tensors are read"
    ))
}

/// The items of an ordered dictionary, as Python 2 wrote them: a list of pairs.
fn pairs_of(pairs: Id, objects: &Objects) -> Result<Vec<(Id, Id)>, Fault> {
    let pair = |&item: &Id| match objects.items(item) {
        Some(&[key, value]) => Some((key, value)),
        _ => None,
    };
    let pairs = objects
        .items(pairs)
        .and_then(|items| items.iter().map(pair).collect());
    pairs.ok_or_else(|| Fault::damaged("it builds a dictionary out of what are not pairs"))
}

fn tensor([storage, offset, shape, strides]: [Id; 4], objects: &Objects) -> Result<Layout, Fault> {
    let Object::Storage(storage) = objects.get(storage) else {
        return Err(Fault::damaged("a tensor in it has no storage"));
    };
    match (
        objects.size(offset),
        objects.sizes(shape),
        objects.sizes(strides),
    ) {
        (Some(offset), Some(shape), Some(strides)) => {
            Layout::new(Rc::clone(storage), offset, shape, strides)
        }
        _ => Err(Fault::damaged("a tensor in it has no shape")),
    }
}

/// The storage that a persistent id stands for: ("storage", class, key, device, number of elements), and in the
/// older format a view, which has to be `None`.
pub(super) fn storage(id: Id, objects: &Objects) -> Result<Storage, Fault> {
    let bad = || Fault::damaged("it names a storage in a way that is not known");
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
    let (Object::Global(Global::Storage(dtype)), Some("storage"), true) =
        (objects.get(class), objects.text(kind), whole)
    else {
        return Err(bad());
    };
    let key = objects.text(key).ok_or_else(bad)?;
    Storage::new(key, *dtype, objects.size(len).ok_or_else(bad)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_refused() {
        assert_eq!(
            Global::find("torch", "HalfStorage").unwrap(),
            Global::Storage(Dtype::Half)
        );
        assert_eq!(
            Global::find("collections", "OrderedDict").unwrap(),
            Global::OrderedDict
        );
        let Err(Fault::Foreign { found, .. }) = Global::find("os", "system") else {
            panic!("os.system is no tensor");
        };
        assert_eq!(found, "it asks for `os.system`; only tensors are read");
        assert!(Global::find("torch", "load").is_err());
    }

    #[test]
    fn wrong_arguments() {
        let mut objects = Objects::default();
        let none = objects.add(Object::None).unwrap();
        assert!(Global::Tensor.call(&[none; 4], &mut objects).is_err());
        assert!(Global::Tensor.call(&[], &mut objects).is_err());
        assert!(Global::Parameter.call(&[none], &mut objects).is_err());
        assert!(Global::OrderedDict.call(&[none], &mut objects).is_err());
        assert!(
            Global::Storage(Dtype::Float)
                .call(&[], &mut objects)
                .is_err()
        );
        assert!(storage(none, &objects).is_err());
    }
}
