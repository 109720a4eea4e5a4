//! SHA-256 of files.

use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::inputs::{self, Links};

/// A SHA-256 to which blocks and files are added.
#[derive(Clone, Default)]
pub(crate) struct Checksum(Sha256);

impl Checksum {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds the content of a file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn add_file(&mut self, path: &Path) -> Result<()> {
        let file = inputs::open(path, Links::Follow).map_err(Error::io("read", path))?;
        each_block(file, path, |block| {
            self.add(block);
            Ok(())
        })
    }

    /// Returns the sum of some bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut sum = Self::default();
        sum.add(bytes);
        sum
    }

    /// Returns the sum of the files, as [`Self::joined`] does.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn of_files(paths: &[PathBuf]) -> Result<String> {
        let mut sums = Vec::with_capacity(paths.len());
        for path in paths {
            let mut sum = Self::default();
            sum.add_file(path)?;
            sums.push(sum);
        }
        Ok(Self::joined(sums))
    }

    /// Returns the sum of one file. For several, it is the sum of their sums, so that moving a byte from one
    /// file to the next changes it.
    pub(super) fn joined(sums: Vec<Self>) -> String {
        match <[Self; 1]>::try_from(sums) {
            Ok([only]) => only.hex(),
            Err(sums) => {
                let mut all = Self::default();
                for sum in sums {
                    all.add(&sum.0.finalize());
                }
                all.hex()
            }
        }
    }

    /// Returns the sum in lower-case hex.
    pub(super) fn hex(self) -> String {
        use std::fmt::Write;
        let sum = self.0.finalize();
        sum.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Reads `file`, which is at `path`, block by block.
pub(super) fn each_block(
    mut file: impl Read,
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block).map_err(Error::io("read", path))? {
            0 => return Ok(()),
            read => each(&block[..read])?,
        }
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

    #[test]
    fn bytes_do_not_move_between_files() {
        let folder = tempfile::tempdir().unwrap();
        let sum = |contents: &[&str]| {
            let paths = contents.iter().enumerate().map(|(i, content)| {
                let path = folder.path().join(i.to_string());
                std::fs::write(&path, content).unwrap();
                path
            });
            Checksum::of_files(&paths.collect::<Vec<_>>()).unwrap()
        };
        // `printf abc | sha256sum`, and the sums of `ab` and `c` as bytes through `sha256sum`.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sum(&["abc"]), abc);
        let two = "115323e562c4a4fdf7ceacedca660dc4bbe1389dab9323aad08440907c7426d0";
        assert_eq!(sum(&["ab", "c"]), two);
        assert_ne!(sum(&["a", "bc"]), two);
    }
}
