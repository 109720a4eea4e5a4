//! What stands for naming classes and calling them.

use std::collections::hash_map::Entry;
use std::io::Read;
use std::rc::Rc;

use super::super::fault::Fault;
use super::super::globals::{self, Global};
use super::super::object::Object;
use super::super::opcode as op;
use super::Machine;

impl<R: Read> Machine<R> {
    pub(super) fn global(&mut self, opcode: u8) -> Result<(), Fault> {
        let (module, name) = if opcode == op::GLOBAL {
            (self.input.line()?, self.input.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            let text = |id| self.objects.text(id).map(str::to_owned);
            text(module)
                .zip(text(name))
                .ok_or_else(|| Fault::damaged("it asks for a class without a name"))?
        };
        self.push(Object::Global(Global::find(&module, &name)?))
    }

    pub(super) fn persistent(&mut self) -> Result<(), Fault> {
        let id = self.pop()?;
        let storage = globals::storage(id, &self.objects)?;
        let storage = match self.storages.entry(storage.key.clone()) {
            Entry::Vacant(entry) => Rc::clone(entry.insert(Rc::new(storage))),
            Entry::Occupied(entry) if **entry.get() == storage => Rc::clone(entry.get()),
            Entry::Occupied(entry) => {
                return Err(Fault::damaged(format!(
                    "it gives two lengths or types for the storage `{}`",
                    entry.key()
                )));
            }
        };
        self.push(Object::Storage(storage))
    }

    pub(super) fn reduce(&mut self) -> Result<(), Fault> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Object::Global(function), Some(arguments)) =
            (self.objects.get(function), self.objects.items(arguments))
        else {
            return Err(Fault::refused(
                "it calls what is no class; only tensors are read",
            ));
        };
        let (function, arguments) = (*function, arguments.to_vec());
        self.objects.spend(arguments.len())?;
        let id = function.call(&arguments, &mut self.objects)?;
        self.stack.push(id);
        Ok(())
    }

    /// The state of a state dict is `PyTorch`'s `_metadata`, that of an old parameter its hooks: neither is kept.
    pub(super) fn build(&mut self) -> Result<(), Fault> {
        let (state, object) = (self.pop()?, self.top()?);
        match (self.objects.get(object), self.objects.get(state)) {
            (Object::Dict(_), Object::Dict(_)) | (Object::Tensor(_), Object::Tuple(_)) => Ok(()),
            _ => Err(Fault::refused(
                "it sets the state of an object; only tensors are read",
            )),
        }
    }
}
