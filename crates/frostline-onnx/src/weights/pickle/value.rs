//! The values that a pickle of tensors is made of.

use std::collections::HashMap;
use std::rc::Rc;

use crate::weights::dtype::Dtype;
use crate::weights::fault::Fault;
use crate::weights::layout::{Layout, Storage};

/// The index of a value in [`Objects`]. Values refer to each other by index, so that nothing recurses,
/// however deep a file nests.
pub(in crate::weights) type Id = usize;

/// More values and uses of values than the largest checkpoints have, and few enough to fit into memory.
const MAX_OBJECTS: usize = 1 << 22;

/// A value.
#[derive(Debug, Clone)]
pub(in crate::weights) enum Object {
    None,
    Bool,
    Int(i128),
    Float,
    Text(Rc<str>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Rc<Storage>),
    /// Behind a pointer, to keep the many small values small.
    Tensor(Rc<Layout>),
    /// A class or function that is not known, or what it made; only its name is kept. Nothing is called.
    Foreign(Rc<str>),
}

/// A known class or function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor` or `_rebuild_tensor_v2`: (storage, offset, shape, strides, …).
    Tensor,
    /// `torch._utils._rebuild_parameter`, or `torch.nn.parameter.Parameter` in files from before 0.4:
    /// (tensor, …).
    Parameter,
    /// `torch.FloatStorage` and the like; only named, never called.
    Storage(Dtype),
}

/// Modules that a pickle imports only to run code when Python loads it.
const COMMANDS: [&str; 12] = [
    "os",
    "posix",
    "nt",
    "subprocess",
    "pty",
    "commands",
    "sys",
    "runpy",
    "shutil",
    "socket",
    "ctypes",
    "importlib",
];
/// Python's own functions that run code or open files.
const RUNNERS: [&str; 8] = [
    "eval",
    "exec",
    "execfile",
    "compile",
    "open",
    "__import__",
    "input",
    "breakpoint",
];

impl Object {
    /// Returns the global with this name; an unknown one is [`Object::Foreign`].
    pub(in crate::weights) fn global(module: &str, name: &str) -> Result<Self, Fault> {
        let known = match (module, name) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Tensor,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state")
            | ("torch.nn.parameter", "Parameter") => Global::Parameter,
            ("torch" | "torch.cuda" | "torch.storage", class) => match Dtype::of_storage(class) {
                Some(dtype) => Global::Storage(dtype),
                None => return Ok(Self::foreign(module, name)),
            },
            _ => {
                check_harmless(module, name)?;
                return Ok(Self::foreign(module, name));
            }
        };
        Ok(Self::Global(known))
    }

    fn foreign(module: &str, name: &str) -> Self {
        Self::Foreign(format!("{module:.80}.{name:.80}").into())
    }
}

/// Refuses a file that would run code in Python. Nothing would happen here, but the file was made to do harm,
/// and so its weights are not used either.
fn check_harmless(module: &str, name: &str) -> Result<(), Fault> {
    let top = module.split('.').next().unwrap_or_default();
    let is_builtin = matches!(module, "builtins" | "__builtin__");
    if COMMANDS.contains(&top) || (is_builtin && RUNNERS.contains(&name)) {
        return Err(Fault::refused(format!(
            "it imports `{module:.80}.{name:.80}`; only tensors are read"
        )));
    }
    Ok(())
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(in crate::weights) struct Objects {
    values: Vec<Object>,
    spent: usize,
}

impl Objects {
    pub(in crate::weights) fn add(&mut self, object: Object) -> Result<Id, Fault> {
        self.spend(1)?;
        self.values.push(object);
        Ok(self.values.len() - 1)
    }

    /// Counts further uses of values: without a limit, a short file could use a long list over and over.
    pub(in crate::weights) fn spend(&mut self, count: usize) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(count);
        if self.spent > MAX_OBJECTS {
            return Err(Fault::refused(format!(
                "it contains more than {MAX_OBJECTS} values"
            )));
        }
        Ok(())
    }

    pub(in crate::weights) fn get(&self, id: Id) -> &Object {
        &self.values[id]
    }

    pub(in crate::weights) fn get_mut(&mut self, id: Id) -> &mut Object {
        &mut self.values[id]
    }

    pub(in crate::weights) fn text(&self, id: Id) -> Option<&Rc<str>> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the items of a tuple or list.
    pub(in crate::weights) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Object::Tuple(items) | Object::List(items) => Some(items),
            _ => None,
        }
    }

    pub(in crate::weights) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Object::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns the sizes in a tuple or list.
    pub(in crate::weights) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.items(id)?
            .iter()
            .map(|&item| self.size(item))
            .collect()
    }
}

/// A parsed pickle.
#[derive(Debug)]
pub(in crate::weights) struct Pickle {
    pub(in crate::weights) objects: Objects,
    /// The outermost value.
    pub(in crate::weights) root: Id,
    /// All storages that it mentions, by their keys.
    pub(in crate::weights) storages: HashMap<String, Rc<Storage>>,
}

impl Pickle {
    pub(in crate::weights) fn root(&self) -> &Object {
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
