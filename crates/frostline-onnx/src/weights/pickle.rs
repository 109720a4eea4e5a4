//! A machine for pickles that knows tensors and nothing else: it imports nothing and calls nothing.
//!
//! The opcodes are those of Python's `pickletools`; any other, and any class that is not in [`Global`](super::globals::Global), is refused.

mod calls;
mod containers;
mod literals;

use std::collections::HashMap;
use std::io::Read;
use std::rc::Rc;

use super::fault::Fault;
use super::layout::Storage;
use super::object::{Id, Object, Objects, Pickle};
use super::opcode as op;
use super::reader::Reader;

/// Reads one pickle, and not a byte more.
pub(super) fn load(input: impl Read) -> Result<Pickle, Fault> {
    let mut machine = Machine {
        input: Reader::new(input),
        objects: Objects::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        storages: HashMap::new(),
    };
    let root = machine.run()?;
    Ok(Pickle {
        objects: machine.objects,
        root,
        storages: machine.storages,
    })
}

struct Machine<R> {
    input: Reader<R>,
    objects: Objects,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    storages: HashMap<String, Rc<Storage>>,
}

impl<R: Read> Machine<R> {
    fn run(&mut self) -> Result<Id, Fault> {
        loop {
            match self.input.byte()? {
                op::STOP => return self.pop(),
                opcode => self.step(opcode)?,
            }
        }
    }

    fn step(&mut self, opcode: u8) -> Result<(), Fault> {
        match opcode {
            op::PROTO => self.input.array::<1>().map(drop),
            op::FRAME => self.input.array::<8>().map(drop),
            op::MARK => {
                self.marks.push(self.stack.len());
                self.objects.spend(1)
            }
            op::POP => self.pop().map(drop),
            op::POP_MARK => self.pop_to_mark().map(drop),
            op::NONE | op::NEWTRUE | op::NEWFALSE | op::BINFLOAT => self.constant(opcode),
            op::BININT | op::BININT1 | op::BININT2 | op::LONG1 | op::LONG4 => self.integer(opcode),
            op::BINUNICODE
            | op::SHORT_BINUNICODE
            | op::BINUNICODE8
            | op::BINSTRING
            | op::SHORT_BINSTRING => self.text(opcode),
            op::EMPTY_TUPLE | op::TUPLE | op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                self.tuple(opcode)
            }
            op::EMPTY_LIST => self.push(Object::List(Vec::new())),
            op::EMPTY_DICT => self.push(Object::Dict(Vec::new())),
            op::APPEND | op::APPENDS => self.append(opcode),
            op::SETITEM | op::SETITEMS => self.set_items(opcode),
            op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.put(opcode),
            op::BINGET | op::LONG_BINGET => self.recall(opcode),
            op::GLOBAL | op::STACK_GLOBAL => self.global(opcode),
            op::BINPERSID => self.persistent(),
            op::REDUCE | op::NEWOBJ => self.reduce(),
            op::BUILD => self.build(),
            _ => Err(Fault::refused(format!(
                "it uses the pickle instruction {opcode:#04x}; only tensors are read"
            ))),
        }
    }

    fn push(&mut self, object: Object) -> Result<(), Fault> {
        let id = self.objects.add(object)?;
        self.stack.push(id);
        Ok(())
    }

    /// The top of the stack, but nothing from below a mark.
    fn pop(&mut self) -> Result<Id, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => Err(Fault::damaged(
                "its list of tensors takes what is not there",
            )),
        }
    }

    fn top(&self) -> Result<Id, Fault> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| Fault::damaged("its list of tensors takes what is not there"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| Fault::damaged("its list of tensors ends what was not begun"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }
}

#[cfg(test)]
mod tests;
