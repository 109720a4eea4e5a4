//! Numbers and texts.

use std::io::Read;

use super::super::fault::Fault;
use super::super::object::Object;
use super::super::opcode as op;
use super::Machine;

/// The bytes of the longest number: that which opens the older format has ten.
const MAX_NUMBER: usize = 16;

impl<R: Read> Machine<R> {
    pub(super) fn constant(&mut self, opcode: u8) -> Result<(), Fault> {
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

    pub(super) fn integer(&mut self, opcode: u8) -> Result<(), Fault> {
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

    pub(super) fn text(&mut self, opcode: u8) -> Result<(), Fault> {
        let length = match opcode {
            op::SHORT_BINUNICODE | op::SHORT_BINSTRING => self.input.byte()?.into(),
            op::BINUNICODE8 => u64::from_le_bytes(self.input.array()?),
            _ => u32::from_le_bytes(self.input.array()?).into(),
        };
        let text = self.input.text(length)?;
        self.push(Object::Text(text))
    }
}
