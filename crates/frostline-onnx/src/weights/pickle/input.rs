//! Reads the bytes of a pickle. A false length allocates no memory, and an early end is reported as such.

use std::io::{self, Read};

use crate::weights::fault::Fault;

/// The longest name of a module or class, in bytes.
const MAX_LINE: usize = 1024;

/// Reads from `R` and counts the bytes.
pub(super) struct Input<R> {
    inner: R,
    position: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, position: 0 }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|error| self.ended(error))?;
        self.position += N as u64;
        Ok(bytes)
    }

    /// Reads a length or an index of `N` bytes.
    pub(super) fn length<const N: usize>(&mut self) -> Result<u64, Fault> {
        let mut length = [0; 8];
        length[..N].copy_from_slice(&self.array::<N>()?);
        Ok(u64::from_le_bytes(length))
    }

    /// Reads `length` bytes; memory only grows with the bytes that are there.
    pub(super) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.inner.by_ref().take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(self.ended(io::ErrorKind::UnexpectedEof.into()));
        }
        self.position += length;
        Ok(bytes)
    }

    pub(super) fn text(&mut self, length: u64) -> Result<String, Fault> {
        let bytes = self.bytes(length)?;
        String::from_utf8(bytes).map_err(|_| Fault::damaged("a string in it is not UTF-8"))
    }

    /// Reads text up to the end of the line, which is not part of it.
    pub(super) fn line(&mut self) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                _ if bytes.len() == MAX_LINE => {
                    return Err(Fault::damaged("a class name in it is too long"));
                }
                byte => bytes.push(byte),
            }
        }
        String::from_utf8(bytes).map_err(|_| Fault::damaged("a class name in it is not UTF-8"))
    }

    fn ended(&self, error: io::Error) -> Fault {
        if error.kind() != io::ErrorKind::UnexpectedEof {
            return error.into();
        }
        Fault::Cut(format!(
            "its list of tensors ends after {} bytes",
            self.position
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lying_length_is_a_cut_file() {
        let mut input = Input::new(b"abc".as_slice());
        assert_eq!(input.byte().unwrap(), b'a');
        assert!(matches!(input.bytes(u64::MAX), Err(Fault::Cut(_))));
    }

    #[test]
    fn lines() {
        let mut input = Input::new(b"torch\nFloatStorage\nq".as_slice());
        assert_eq!(input.line().unwrap(), "torch");
        assert_eq!(input.line().unwrap(), "FloatStorage");
        assert!(matches!(input.line(), Err(Fault::Cut(_))));
        assert!(matches!(
            Input::new([b'x'; 2000].as_slice()).line(),
            Err(Fault::Damaged(_))
        ));
    }
}
