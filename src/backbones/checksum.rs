//! SHA-256 of files, as the world publishes it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// SHA-256 that grows by blocks and files.
#[derive(Clone, Default)]
pub(super) struct Checksum(Sha256);

impl Checksum {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds all of a file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn add_file(&mut self, path: &Path) -> Result<()> {
        let mut file = File::open(path).map_err(Error::io("read", path))?;
        let mut block = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut block).map_err(Error::io("read", path))?;
            if read == 0 {
                return Ok(());
            }
            self.add(&block[..read]);
        }
    }

    /// The sum in lower-case hex.
    pub(super) fn hex(self) -> String {
        use std::fmt::Write;
        let sum = self.0.finalize();
        sum.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_standard_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bc");
        std::fs::write(&path, "bc").unwrap();
        let mut checksum = Checksum::default();
        checksum.add(b"a");
        checksum.add_file(&path).unwrap();
        // "abc": FIPS 180-2, appendix B.1.
        assert_eq!(
            checksum.hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
