//! Instructions that push a literal.

use std::io::Read;

use super::machine::Machine;
use super::value::Object;
use crate::weights::fault::Fault;

/// The size of the longest integer that is kept, in bytes; the magic number of the older format has ten.
const MAX_NUMBER: usize = 16;

impl<R: Read> Machine<R> {
    /// Pushes a literal; returns whether this instruction is one.
    pub(super) fn literal(&mut self, opcode: u8) -> Result<bool, Fault> {
        let object = match opcode {
            // NONE, NEWTRUE and NEWFALSE
            b'N' => Object::None,
            0x88 | 0x89 => Object::Bool,
            // BINFLOAT
            b'G' => {
                self.input.array::<8>()?;
                Object::Float
            }
            // BININT, BININT1, BININT2, LONG1 and LONG4
            b'J' => Object::Int(i32::from_le_bytes(self.input.array()?).into()),
            b'K' => Object::Int(self.input.byte()?.into()),
            b'M' => Object::Int(u16::from_le_bytes(self.input.array()?).into()),
            0x8a => self.input.length::<1>().and_then(|n| self.long(n))?,
            0x8b => self.input.length::<4>().and_then(|n| self.long(n))?,
            // SHORT_BINUNICODE, BINUNICODE and BINUNICODE8; SHORT_BINSTRING and BINSTRING, from Python 2
            0x8c => self.input.length::<1>().and_then(|n| self.text(n))?,
            b'X' => self.input.length::<4>().and_then(|n| self.text(n))?,
            0x8d => self.input.length::<8>().and_then(|n| self.text(n))?,
            b'U' => self.input.length::<1>().and_then(|n| self.bytes(n))?,
            b'T' => self.input.length::<4>().and_then(|n| self.bytes(n))?,
            // SHORT_BINBYTES, BINBYTES, BINBYTES8 and BYTEARRAY8
            b'C' => self.input.length::<1>().and_then(|n| self.skip(n))?,
            b'B' => self.input.length::<4>().and_then(|n| self.skip(n))?,
            0x8e | 0x96 => self.input.length::<8>().and_then(|n| self.skip(n))?,
            _ => return Ok(false),
        };
        self.push(object).map(|()| true)
    }

    /// Reads an integer of `length` bytes: little-endian, two's complement. Longer ones are the states of
    /// random number generators.
    fn long(&mut self, length: u64) -> Result<Object, Fault> {
        if length > MAX_NUMBER as u64 {
            return self.skip(length);
        }
        let bytes = self.input.bytes(length)?;
        let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut number = [if is_negative { 0xff } else { 0 }; MAX_NUMBER];
        number[..bytes.len()].copy_from_slice(&bytes);
        Ok(Object::Int(i128::from_le_bytes(number)))
    }

    fn text(&mut self, length: u64) -> Result<Object, Fault> {
        self.input
            .text(length)
            .map(|text| Object::Text(text.into()))
    }

    /// Reads a string of Python 2, which may be text or the bytes of an array.
    fn bytes(&mut self, length: u64) -> Result<Object, Fault> {
        let bytes = self.input.bytes(length)?;
        Ok(String::from_utf8(bytes)
            .map_or_else(|_| self.opaque(), |text| Object::Text(text.into())))
    }

    fn skip(&mut self, length: u64) -> Result<Object, Fault> {
        self.input.bytes(length)?;
        Ok(self.opaque())
    }
}
