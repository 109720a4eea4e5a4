//! Reading what is known of the types of inputs, outputs, and tensors between them.

use super::super::graph::{Dim, ValueInfo};
use super::super::wire::{Fault, Span};
use super::{Reader, number, span};

impl Reader {
    pub(super) fn value_info(&mut self, mut rest: Span) -> Result<ValueInfo, Fault> {
        let mut info = ValueInfo::default();
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => info.name = self.text(&field)?,
                2 => {
                    let mut rest = span(&field)?;
                    while let Some(field) = self.next(&mut rest)? {
                        if field.number == 1 {
                            self.tensor_type(span(&field)?, &mut info)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(info)
    }

    fn tensor_type(&mut self, mut rest: Span, info: &mut ValueInfo) -> Result<(), Fault> {
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                1 => info.element = Some(number(&field)? as i32),
                2 => {
                    let (mut dims, mut rest) = (Vec::new(), span(&field)?);
                    while let Some(field) = self.next(&mut rest)? {
                        if field.number == 1 {
                            dims.push(self.dim(span(&field)?)?);
                        }
                    }
                    info.dims = Some(dims);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn dim(&mut self, mut rest: Span) -> Result<Dim, Fault> {
        let mut dim = Dim::Free(String::new());
        while let Some(field) = self.next(&mut rest)? {
            match field.number {
                // A length of 0 or below is how some exporters write a free one.
                1 => {
                    let length = number(&field)? as i64;
                    if length > 0 {
                        dim = Dim::Fixed(length.unsigned_abs());
                    }
                }
                2 => dim = Dim::Free(self.text(&field)?),
                _ => {}
            }
        }
        Ok(dim)
    }
}
