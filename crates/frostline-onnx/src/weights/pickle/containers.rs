//! Tuples, lists and dictionaries, and values that are used again.

use std::io::Read;

use super::super::fault::Fault;
use super::super::object::Object;
use super::super::opcode as op;
use super::Machine;

impl<R: Read> Machine<R> {
    pub(super) fn tuple(&mut self, opcode: u8) -> Result<(), Fault> {
        let items = match opcode {
            op::EMPTY_TUPLE => Vec::new(),
            op::TUPLE => self.pop_to_mark()?,
            _ => {
                let count = usize::from(opcode - op::TUPLE1) + 1;
                let mut items = (0..count)
                    .map(|_| self.pop())
                    .collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                items
            }
        };
        self.push(Object::Tuple(items))
    }

    pub(super) fn append(&mut self, opcode: u8) -> Result<(), Fault> {
        let new = if opcode == op::APPEND {
            vec![self.pop()?]
        } else {
            self.pop_to_mark()?
        };
        let list = self.top()?;
        match self.objects.get_mut(list) {
            Object::List(items) => {
                items.extend(new);
                Ok(())
            }
            _ => Err(Fault::damaged("it appends to what is no list")),
        }
    }

    pub(super) fn set_items(&mut self, opcode: u8) -> Result<(), Fault> {
        let new = if opcode == op::SETITEM {
            let (value, key) = (self.pop()?, self.pop()?);
            vec![key, value]
        } else {
            self.pop_to_mark()?
        };
        let dict = self.top()?;
        match (self.objects.get_mut(dict), new.as_chunks()) {
            (Object::Dict(pairs), (new, [])) => {
                pairs.extend(new.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            _ => Err(Fault::damaged("it sets entries of what is no dictionary")),
        }
    }

    pub(super) fn put(&mut self, opcode: u8) -> Result<(), Fault> {
        let slot = match opcode {
            op::BINPUT => self.input.byte()?.into(),
            op::LONG_BINPUT => u32::from_le_bytes(self.input.array()?),
            _ => self.memo.len() as u32,
        };
        let top = self.top()?;
        self.memo.insert(slot, top);
        // An entry takes the room of two values, and one byte of the file.
        self.objects.spend(2)
    }

    pub(super) fn recall(&mut self, opcode: u8) -> Result<(), Fault> {
        let slot = match opcode {
            op::BINGET => self.input.byte()?.into(),
            _ => u32::from_le_bytes(self.input.array()?),
        };
        let id = self
            .memo
            .get(&slot)
            .ok_or_else(|| Fault::damaged("it points to a value that is not there"))?;
        self.stack.push(*id);
        self.objects.spend(1)
    }
}
