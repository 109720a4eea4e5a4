//! Reads and writes network and weight files, through `inputs` and `outputs`.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use frostline_onnx::WriteError;
use frostline_onnx::weights::Checkpoint;

use crate::error::{Error, Result};
use crate::images::{Channels, Layout, Preprocessing};
use crate::inputs::{self, Links};
use crate::outputs;

pub use frostline_onnx::{
    Batch, Cut, Element, ImageInput, LayerChoice, Network, Outline, PixelRange, Spliced,
};
pub(crate) use frostline_onnx::{CutFiles, export};

/// Opens a network file, or a weight file next to it, for reading.
///
/// # Errors
/// The system's error, or one for anything that is not a regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    inputs::open(path, Links::Follow)
}

/// Reads a network's structure; its weights stay on disk.
///
/// # Errors
/// Those of [`Network::read`].
pub fn read_network(path: &Path) -> Result<Network> {
    Ok(Network::read(path, open)?)
}

/// Writes a network next to `path`, and renames it once it is complete on disk.
///
/// # Errors
/// [`Error::Io`] naming `path`.
pub fn write_model(model: &Spliced, path: &Path) -> Result<()> {
    outputs::write(path, |file| write_to(model, file, path))
}

/// Writes a network to a file that is open, and which errors call `path`.
///
/// # Errors
/// [`Error::Io`] naming `path`, or the file that is copied from.
pub(crate) fn write_to(
    model: &Spliced,
    file: &mut (impl io::Write + ?Sized),
    path: &Path,
) -> Result<()> {
    model.write_to(file).map_err(|error| match error {
        WriteError::Read(error) => error.into(),
        WriteError::Write(error) => Error::io("write", path)(error),
    })
}

/// Writes a cut network to `path`, and its weights to `NAME.onnx.data` next to it if they are too large for
/// one file. Returns the path of that second file. Equal networks produce identical bytes.
///
/// # Errors
/// [`Error::Io`] naming the file; those of [`Cut::files`].
pub fn write_cut(cut: &Cut, path: &Path) -> Result<Option<PathBuf>> {
    let data = path.with_added_extension("data");
    let name = data.file_name().unwrap_or(data.as_os_str());
    let files = cut.files(&name.to_string_lossy())?;
    if let Some(numbers) = &files.data {
        write_model(numbers, &data)?;
    }
    write_model(&files.model, path)?;
    Ok(files.data.map(|_| data))
}

/// Returns how the nodes of a network normalise images as [`Preprocessor`](crate::images::Preprocessor) does,
/// to the last bit.
pub(crate) fn normalisation(preprocessing: &Preprocessing) -> export::Normalisation {
    export::Normalisation {
        size: preprocessing.output_size(),
        mean: preprocessing.mean,
        std: preprocessing.std,
        scale: preprocessing.scale,
        colours: match preprocessing.channels {
            Channels::Rgb => export::Colours::Rgb,
            Channels::Bgr => export::Colours::Bgr,
        },
        channels_last: preprocessing.layout == Layout::Nhwc,
    }
}

/// Opens a `.pth` or `.safetensors` file.
///
/// # Errors
/// Those of [`Checkpoint::open`].
pub fn open_checkpoint(path: &Path) -> Result<Checkpoint<BufReader<File>>> {
    let file = open(path).map_err(Error::io("read", path))?;
    Ok(Checkpoint::open(BufReader::new(file), path)?)
}

#[cfg(test)]
mod tests {
    use frostline_onnx::GraphBuilder;

    use super::*;

    #[cfg(unix)]
    /// An endless device and a pipe without a writer are refused immediately.
    #[test]
    fn what_is_no_file_is_no_network() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.onnx");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [&*pipe, Path::new("/dev/zero")] {
            assert!(read_network(path).is_err());
            assert!(open_checkpoint(path).is_err());
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let path = Path::new("/no/such/folder/tiny.onnx");
        let graph = GraphBuilder::new(&[1]);
        let input = graph.input();
        let error = write_model(&graph.finish(&[(&input, &[1])]), path).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder/tiny.onnx"));
    }
}
