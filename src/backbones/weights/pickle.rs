//! A machine for pickles that knows tensors and nothing else: it imports nothing and calls nothing.
//!
//! The opcodes are those of Python's `pickletools`; any other, and any class that is not in [`Global`], is refused.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;
use std::rc::Rc;

use super::fault::Fault;
use super::globals::{self, Global};
use super::layout::Storage;
use super::object::{Id, Object, Objects, Pickle};
use super::opcode as op;
use super::reader::Reader;

/// The bytes of the longest number: that which opens the older format has ten.
const MAX_NUMBER: usize = 16;

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
                Ok(())
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

    fn constant(&mut self, opcode: u8) -> Result<(), Fault> {
        let object = match opcode {
            op::NONE => Object::None,
            op::BINFLOAT => {
                self.input.array::<8>()?;
                Object::Float
            }
            _ => Object::Bool,
        };
        self.push(object)
    }

    fn integer(&mut self, opcode: u8) -> Result<(), Fault> {
        let number = match opcode {
            op::BININT => i32::from_le_bytes(self.input.array()?).into(),
            op::BININT1 => self.input.byte()?.into(),
            op::BININT2 => u16::from_le_bytes(self.input.array()?).into(),
            op::LONG1 => {
                let length = self.input.byte()?;
                self.long(length.into())?
            }
            _ => {
                let length = u32::from_le_bytes(self.input.array()?);
                self.long(length)?
            }
        };
        self.push(Object::Int(number))
    }

    /// A number of `length` bytes, the lowest first, in two's complement.
    fn long(&mut self, length: u32) -> Result<i128, Fault> {
        if length as usize > MAX_NUMBER {
            return Err(Fault::refused(format!(
                "it holds a whole number of {length} bytes"
            )));
        }
        let bytes = self.input.bytes(length.into())?;
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) {
            0xff
        } else {
            0
        };
        let mut number = [sign; MAX_NUMBER];
        number[..bytes.len()].copy_from_slice(&bytes);
        Ok(i128::from_le_bytes(number))
    }

    fn text(&mut self, opcode: u8) -> Result<(), Fault> {
        let length = match opcode {
            op::SHORT_BINUNICODE | op::SHORT_BINSTRING => self.input.byte()?.into(),
            op::BINUNICODE8 => u64::from_le_bytes(self.input.array()?),
            _ => u32::from_le_bytes(self.input.array()?).into(),
        };
        let text = self.input.text(length)?;
        self.push(Object::Text(text))
    }

    fn tuple(&mut self, opcode: u8) -> Result<(), Fault> {
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

    fn append(&mut self, opcode: u8) -> Result<(), Fault> {
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

    fn set_items(&mut self, opcode: u8) -> Result<(), Fault> {
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

    fn put(&mut self, opcode: u8) -> Result<(), Fault> {
        let slot = match opcode {
            op::BINPUT => self.input.byte()?.into(),
            op::LONG_BINPUT => u32::from_le_bytes(self.input.array()?),
            _ => self.memo.len() as u32,
        };
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<(), Fault> {
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

    fn global(&mut self, opcode: u8) -> Result<(), Fault> {
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

    fn persistent(&mut self) -> Result<(), Fault> {
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

    fn reduce(&mut self) -> Result<(), Fault> {
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
    fn build(&mut self) -> Result<(), Fault> {
        let (state, object) = (self.pop()?, self.top()?);
        match (self.objects.get(object), self.objects.get(state)) {
            (Object::Dict(_), Object::Dict(_)) | (Object::Tensor(_), Object::Tuple(_)) => Ok(()),
            _ => Err(Fault::refused(
                "it sets the state of an object; only tensors are read",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(bytes: &[u8]) -> Result<Object, Fault> {
        load(bytes).map(|pickle| pickle.root().clone())
    }

    fn message(bytes: &[u8]) -> String {
        root(bytes)
            .unwrap_err()
            .at(std::path::Path::new("w.pth"))
            .to_string()
    }

    #[test]
    fn whole_numbers() {
        // pickle.dumps(n, 2) of Python.
        for (bytes, number) in [
            (b"\x80\x02K\x07.".as_slice(), 7),
            (b"\x80\x02M\xe9\x03.", 1001),
            (b"\x80\x02J\xff\xff\xff\xff.", -1),
            (
                b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
                0x1950_a86a_20f9_469c_fc6c,
            ),
            (b"\x80\x02\x8a\x05\x00\x00\x00\x00\xff.", -(1 << 32)),
            (b"\x80\x02\x8a\x00.", 0),
        ] {
            assert!(
                matches!(root(bytes), Ok(Object::Int(n)) if n == number),
                "{number}"
            );
        }
    }

    #[test]
    fn protocol_four() {
        // pickle.dumps({"a": [1, None, 2.5]}, 4) of Python.
        let bytes =
            b"\x80\x04\x95\x1b\0\0\0\0\0\0\0}\x94\x8c\x01a\x94]\x94(K\x01NG@\x04\0\0\0\0\0\0es.";
        let pickle = load(bytes.as_slice()).unwrap();
        let Object::Dict(pairs) = pickle.root() else {
            panic!()
        };
        assert_eq!(pickle.objects.text(pairs[0].0), Some("a"));
        assert_eq!(pickle.objects.items(pairs[0].1).unwrap().len(), 3);
    }

    #[test]
    fn an_ordered_dict_of_python_2() {
        // OrderedDict([["a", 1]]), protocol 2: the class is called with a list of lists.
        let bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01]q\x02(U\x01aq\x03K\x01ea\x85q\x04Rq\x05.";
        let pickle = load(bytes.as_slice()).unwrap();
        let Object::Dict(pairs) = pickle.root() else {
            panic!()
        };
        assert_eq!(pickle.objects.text(pairs[0].0), Some("a"));
        assert_eq!(pickle.objects.size(pairs[0].1), Some(1));
    }

    #[test]
    fn code_is_refused_by_name() {
        let text = message(b"\x80\x02cos\nsystem\nU\x02ls\x85R.");
        assert!(
            text.ends_with("it asks for `os.system`; only tensors are read"),
            "{text}"
        );
        let text = message(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.");
        assert!(
            text.ends_with("it asks for `builtins.eval`; only tensors are read"),
            "{text}"
        );
        assert!(message(b"\x80\x02I7\n.").contains("instruction 0x49"));
        assert!(
            message(b"\x80\x02ccollections\nOrderedDict\n)R]b.").contains("state of an object")
        );
        assert!(message(b"\x80\x02K\x01)R.").contains("calls what is no class"));
    }

    #[test]
    fn hostile_pickles() {
        for bytes in [
            b"\x80\x02.".as_slice(),
            b"\x80\x02q\x00.",
            b"\x80\x02h\x07.",
            b"\x80\x02t.",
            b"\x80\x02K\x01(0.",
            b"\x80\x02(.",
            b"\x80\x02K\x01K\x02a.",
            b"\x80\x02}(K\x01u.",
            b"\x80\x02]Q.",
            b"\x80\x02K\x01\x87.",
            b"\x80\x02\x8a\xff.",
        ] {
            assert!(
                matches!(
                    root(bytes),
                    Err(Fault::Damaged(_) | Fault::Foreign { .. } | Fault::Cut(_))
                ),
                "{bytes:?}"
            );
        }
        // Lengths of 4 GiB and of 2^63 with nothing behind.
        assert!(matches!(
            root(b"\x80\x02X\xff\xff\xff\xff"),
            Err(Fault::Cut(_))
        ));
        assert!(matches!(
            root(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"),
            Err(Fault::Cut(_))
        ));
    }

    #[test]
    fn deep_nesting_does_not_recurse() {
        let mut bytes = b"\x80\x02)".to_vec();
        bytes.resize(500_000, 0x85);
        bytes.push(b'.');
        assert!(matches!(root(&bytes), Ok(Object::Tuple(_))));
    }

    #[test]
    fn a_long_list_used_over_and_over() {
        // OrderedDict(pairs) of one list of 10000 pairs, again and again.
        let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00](".to_vec();
        bytes.extend(b"N]\x86".repeat(10_000));
        bytes.extend(b"e\x85q\x01");
        bytes.extend(b"h\x00h\x01R".repeat(100_000));
        bytes.push(b'.');
        assert!(message(&bytes).contains("more than 4194304 values"));
    }

    #[test]
    fn more_values_than_any_checkpoint_has() {
        let mut bytes = b"\x80\x02".to_vec();
        bytes.resize((1 << 22) + 10, b'N');
        assert!(message(&bytes).contains("more than 4194304 values"));
    }
}
