//! Reads files out of a Python wheel, a zip archive that may be hostile: only regular files, up to a size, to
//! a path that the caller chooses.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use crate::error::{Error, FileKind, FileProblem, Result};
use crate::inputs::{self, Links};
use crate::outputs;

/// The maximum size of a file in a wheel. The largest that is needed has 700 MB.
const MOST_BYTES: u64 = 2 << 30;

/// An open wheel.
pub(in crate::tasks) struct Wheel {
    zip: ZipArchive<BufReader<File>>,
    path: PathBuf,
}

impl Wheel {
    /// Opens a wheel.
    ///
    /// # Errors
    /// [`Error::File`] if it is not a zip archive; [`Error::Io`].
    pub(in crate::tasks) fn open(path: &Path) -> Result<Self> {
        let file = inputs::open(path, Links::Follow).map_err(Error::io("read", path))?;
        let zip = ZipArchive::new(BufReader::new(file));
        let path = path.to_owned();
        match zip {
            Ok(zip) => Ok(Self { zip, path }),
            Err(error) => Err(damaged(&path, &format!("it cannot be opened: {error}"))),
        }
    }

    /// Returns the paths of its files.
    pub(in crate::tasks) fn names(&self) -> Vec<String> {
        let names = self.zip.file_names().filter_map(Result::ok);
        names.map(std::borrow::Cow::into_owned).collect()
    }

    /// Returns the error of a wheel without a file that it should have.
    pub(in crate::tasks) fn lacks(&self, file: &str) -> Error {
        damaged(&self.path, &format!("it has no `{file}` for this system"))
    }

    /// Writes the file `name` in it to `to`.
    ///
    /// # Errors
    /// [`Error::File`] if it is missing, not a regular file, too large or damaged; [`Error::Io`].
    pub(in crate::tasks) fn extract(&mut self, name: &str, to: &Path) -> Result<()> {
        let path = &self.path;
        let fault = |why: String| damaged(path, &format!("its file `{name}` {why}"));
        let entry = self.zip.by_name(name);
        let entry = entry.map_err(|error| fault(format!("cannot be read: {error}")))?;
        let size = entry.size();
        if !entry.is_file() || entry.is_symlink() {
            return Err(fault("is not a regular file".to_owned()));
        }
        if size > MOST_BYTES {
            return Err(fault(format!("has {size} bytes, more than {MOST_BYTES}")));
        }
        // One byte beyond the size: the checksum is only verified once the end is reached.
        let mut entry = entry.take(size + 1);
        outputs::write(to, |out| {
            let copied = io::copy(&mut Source(&mut entry), out);
            let copied = copied.map_err(|error| match error.downcast::<Unread>() {
                Ok(unread) => fault(format!("cannot be read: {unread}")),
                Err(error) => Error::io("write", to)(error),
            })?;
            if copied == size {
                Ok(())
            } else {
                Err(fault(
                    "does not have the size that the archive says".to_owned(),
                ))
            }
        })
    }
}

/// Marks errors of reading, so that they can be told from those of writing.
struct Source<'a, R>(&'a mut R);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unread(io::Error);

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer);
        read.map_err(|error| io::Error::other(Unread(error)))
    }
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::File {
        path: path.to_owned(),
        kind: FileKind::Wheel,
        problem: FileProblem::Damaged(why.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn options() -> SimpleFileOptions {
        SimpleFileOptions::default()
    }

    /// A wheel with a file, a link, and a file whose bytes do not match their checksum.
    fn wheel(folder: &Path) -> Wheel {
        let path = folder.join("a.whl");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        zip.start_file("../a/lib.so", options()).unwrap();
        zip.write_all(b"library").unwrap();
        zip.add_symlink("link.so", "/etc/passwd", options())
            .unwrap();
        let stored = options().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("flipped", stored).unwrap();
        zip.write_all(b"FLIPPED").unwrap();
        zip.finish().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(7).position(|bytes| bytes == b"FLIPPED");
        bytes[at.unwrap()] ^= 1;
        fs::write(&path, bytes).unwrap();
        Wheel::open(&path).unwrap()
    }

    #[test]
    fn a_file_goes_only_where_the_caller_wants() {
        let folder = tempfile::tempdir().unwrap();
        let mut wheel = wheel(folder.path());
        assert_eq!(wheel.names().len(), 3);
        let to = folder.path().join("out");
        wheel.extract("../a/lib.so", &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"library");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn links_and_damaged_or_missing_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut wheel = wheel(folder.path());
        let to = folder.path().join("out");
        for (name, why) in [
            ("link.so", "`link.so` is not a regular file"),
            ("flipped", "`flipped` cannot be read: "),
            ("none", "`none` cannot be read: "),
        ] {
            let error = wheel.extract(name, &to).unwrap_err().to_string();
            assert!(
                error.contains("a.whl` is damaged") && error.contains(why),
                "{error}"
            );
            assert!(!to.exists());
        }
    }

    #[test]
    fn half_an_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(wheel(folder.path()));
        let path = folder.path().join("a.whl");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(Wheel::open(&path).is_err());
    }
}
