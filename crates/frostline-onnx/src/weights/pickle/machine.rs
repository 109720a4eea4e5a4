//! A machine for the instructions in pickles that `torch.save` writes, protocols 2 to 5.
//!
//! Instructions are named as in Python's `pickletools`. All others are refused. A class that is not a
//! [`Global`](super::value::Global) makes opaque values.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;
use std::rc::Rc;

use super::global;
use super::input::Input;
use super::value::{Id, Object, Objects, Pickle};
use crate::weights::fault::Fault;
use crate::weights::layout::Storage;

/// Reads one pickle, and no byte beyond it.
pub(in crate::weights) fn load(input: impl Read) -> Result<Pickle, Fault> {
    let mut machine = Machine {
        input: Input::new(input),
        objects: Objects::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        storages: HashMap::new(),
        unnamed: "value".into(),
    };
    let root = machine.run()?;
    Ok(Pickle {
        objects: machine.objects,
        root,
        storages: machine.storages,
    })
}

pub(super) struct Machine<R> {
    pub(super) input: Input<R>,
    objects: Objects,
    stack: Vec<Id>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    storages: HashMap<String, Rc<Storage>>,
    /// The name of all values of no class: bytes, sets and the like.
    unnamed: Rc<str>,
}

impl<R: Read> Machine<R> {
    fn run(&mut self) -> Result<Id, Fault> {
        loop {
            let opcode = self.input.byte()?;
            match opcode {
                // STOP
                b'.' => return self.pop(),
                // PROTO and FRAME, whose arguments are not needed.
                0x80 => drop(self.input.array::<1>()?),
                0x95 => drop(self.input.array::<8>()?),
                _ if self.literal(opcode)? || self.container(opcode)? || self.call(opcode)? => {}
                _ => {
                    return Err(Fault::refused(format!(
                        "it uses the pickle instruction {opcode:#04x}; only tensors are read"
                    )));
                }
            }
        }
    }

    /// Builds or fills a tuple, list or dictionary; returns whether this instruction does that.
    fn container(&mut self, opcode: u8) -> Result<bool, Fault> {
        match opcode {
            // MARK, POP and POP_MARK
            b'(' => {
                self.marks.push(self.stack.len());
                self.objects.spend(1)?;
            }
            b'0' => drop(self.pop()?),
            // A set gets items, but no tensors are in sets: ADDITEMS drops them.
            b'1' | 0x90 => drop(self.pop_to_mark()?),
            // EMPTY_TUPLE, TUPLE1 to TUPLE3, TUPLE, EMPTY_LIST and EMPTY_DICT
            b')' => self.push(Object::Tuple(Vec::new()))?,
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push(Object::Tuple(items))?;
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Tuple(items))?;
            }
            b']' => self.push(Object::List(Vec::new()))?,
            b'}' => self.push(Object::Dict(Vec::new()))?,
            // EMPTY_SET and FROZENSET
            0x8f => self.push_opaque()?,
            0x91 => {
                self.pop_to_mark()?;
                self.push_opaque()?;
            }
            // APPEND and APPENDS, SETITEM and SETITEMS
            b'a' => self.pop_many(1).and_then(|new| self.append(new))?,
            b'e' => self.pop_to_mark().and_then(|new| self.append(new))?,
            b's' => self.pop_many(2).and_then(|new| self.set_items(&new))?,
            b'u' => self.pop_to_mark().and_then(|new| self.set_items(&new))?,
            _ => return self.memo(opcode),
        }
        Ok(true)
    }

    /// Stores a value for later, or pushes a stored one; returns whether this instruction does that.
    fn memo(&mut self, opcode: u8) -> Result<bool, Fault> {
        match opcode {
            // BINPUT, LONG_BINPUT and MEMOIZE, BINGET and LONG_BINGET
            b'q' => self.input.length::<1>().and_then(|slot| self.put(slot))?,
            b'r' => self.input.length::<4>().and_then(|slot| self.put(slot))?,
            0x94 => self.put(self.memo.len() as u64)?,
            b'h' => self
                .input
                .length::<1>()
                .and_then(|slot| self.recall(slot))?,
            b'j' => self
                .input
                .length::<4>()
                .and_then(|slot| self.recall(slot))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn append(&mut self, new: Vec<Id>) -> Result<(), Fault> {
        let list = self.top()?;
        match self.objects.get_mut(list) {
            Object::List(items) => {
                items.extend(new);
                Ok(())
            }
            Object::Foreign(_) => Ok(()),
            _ => Err(Fault::damaged("it appends to a value that is not a list")),
        }
    }

    /// Adds entries: keys and values alternate. A foreign object that has entries is a kind of dictionary.
    fn set_items(&mut self, new: &[Id]) -> Result<(), Fault> {
        let bad = || Fault::damaged("it sets entries of a value that is not a dictionary");
        let dict = self.top()?;
        let (new, []) = new.as_chunks() else {
            return Err(bad());
        };
        let new = new.iter().map(|&[key, value]| (key, value));
        match self.objects.get_mut(dict) {
            Object::Dict(pairs) => pairs.extend(new),
            object @ Object::Foreign(_) => *object = Object::Dict(new.collect()),
            _ => return Err(bad()),
        }
        Ok(())
    }

    fn put(&mut self, slot: u64) -> Result<(), Fault> {
        let top = self.top()?;
        self.memo.insert(slot, top);
        // An entry takes the memory of two values, for one byte of the file.
        self.objects.spend(2)
    }

    fn recall(&mut self, slot: u64) -> Result<(), Fault> {
        let id = self.memo.get(&slot);
        let id = id.ok_or_else(|| Fault::damaged("it refers to a missing value"))?;
        self.stack.push(*id);
        self.objects.spend(1)
    }

    /// Looks up a class, or emulates a call of one; returns whether this instruction does that.
    fn call(&mut self, opcode: u8) -> Result<bool, Fault> {
        match opcode {
            // GLOBAL and STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.push_global(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let names = self.objects.text(module).zip(self.objects.text(name));
                let (module, name) =
                    names.ok_or_else(|| Fault::damaged("it imports a class without a name"))?;
                let (module, name) = (Rc::clone(module), Rc::clone(name));
                self.push_global(&module, &name)?;
            }
            // BINPERSID, REDUCE and NEWOBJ, NEWOBJ_EX (with named arguments), BUILD
            b'Q' => self.persistent()?,
            b'R' | 0x81 => self.reduce()?,
            0x92 => {
                self.pop()?;
                self.reduce()?;
            }
            b'b' => self.build()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn push_global(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        let global = Object::global(module, name)?;
        if let Object::Foreign(name) = &global {
            // The name takes memory, too.
            self.objects.spend(2 + name.len() / 8)?;
        }
        self.push(global)
    }

    fn persistent(&mut self) -> Result<(), Fault> {
        let id = self.pop()?;
        let Some(storage) = global::storage(id, &self.objects)? else {
            return self.push_opaque();
        };
        let storage = match self.storages.entry(storage.key.clone()) {
            Entry::Vacant(entry) => Rc::clone(entry.insert(Rc::new(storage))),
            Entry::Occupied(entry) if **entry.get() == storage => Rc::clone(entry.get()),
            Entry::Occupied(entry) => {
                return Err(Fault::damaged(format!(
                    "it declares two lengths or types for the storage `{}`",
                    entry.key()
                )));
            }
        };
        self.push(Object::Storage(storage))
    }

    fn reduce(&mut self) -> Result<(), Fault> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let function = match self.objects.get(function) {
            Object::Global(function) => *function,
            Object::Foreign(name) => {
                let made = Object::Foreign(Rc::clone(name));
                return self.push(made);
            }
            _ => {
                return Err(Fault::refused(
                    "it calls something that is not a class; only tensors are read",
                ));
            }
        };
        let arguments = self.objects.items(arguments).map(<[Id]>::to_vec);
        let arguments =
            arguments.ok_or_else(|| Fault::damaged("it calls a class without arguments"))?;
        self.objects.spend(arguments.len())?;
        let id = global::call(function, &arguments, &mut self.objects)?;
        self.stack.push(id);
        Ok(())
    }

    /// Discards the state of an object: `PyTorch`'s `_metadata` of a state dict, the hooks of an old
    /// parameter, or whatever a foreign object is made of.
    fn build(&mut self) -> Result<(), Fault> {
        let (state, object) = (self.pop()?, self.top()?);
        match (self.objects.get(object), self.objects.get(state)) {
            (Object::Foreign(_), _)
            | (Object::Dict(_) | Object::Tensor(_), Object::Dict(_) | Object::Tuple(_)) => Ok(()),
            _ => Err(Fault::refused(
                "it sets the state of an object; only tensors are read",
            )),
        }
    }

    pub(super) fn push(&mut self, object: Object) -> Result<(), Fault> {
        let id = self.objects.add(object)?;
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn push_opaque(&mut self) -> Result<(), Fault> {
        let value = self.opaque();
        self.push(value)
    }

    /// Returns a value that is not needed.
    pub(super) fn opaque(&self) -> Object {
        Object::Foreign(Rc::clone(&self.unnamed))
    }

    /// Pops the top of the stack, but nothing below a mark.
    fn pop(&mut self) -> Result<Id, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => Err(Fault::damaged(
                "its pickle takes a value that is not on the stack",
            )),
        }
    }

    /// Pops `count` values; the last one was the top of the stack.
    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, Fault> {
        let mut items: Vec<Id> = (0..count).map(|_| self.pop()).collect::<Result<_, _>>()?;
        items.reverse();
        Ok(items)
    }

    fn top(&self) -> Result<Id, Fault> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| Fault::damaged("its pickle takes a value that is not on the stack"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| Fault::damaged("its pickle ends a sequence that it did not start"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }
}
