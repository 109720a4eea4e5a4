//! Writes a bundle, completely or not at all.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use super::header::{self, DATA, Entry, HEAD, LONGEST_HEADER, MOST_DATA, NETWORK};
use crate::backbones::backbone_file::BackboneFile;
use crate::backbones::checksum::{Checksum, each_block};
use crate::error::{Error, FileKind, FileProblem, NetworkProblem, Result};
use crate::inputs::{self, Links};
use crate::outputs;

/// Writes the bytes of a head file, the network that its SHA-256 names, and the network's manifest to `path`,
/// as [`outputs::write_through`] does. Returns the size of the bundle in bytes. Files are read twice, and
/// never held in memory.
///
/// # Errors
/// A network that cannot be read or changes meanwhile; [`NetworkProblem::DataName`] for external data outside
/// the network's folder; [`Error::Io`] if the bundle cannot be written.
pub(crate) fn write(path: &Path, head: &[u8], network: &BackboneFile, sha256: &str) -> Result<u64> {
    let files = network.files()?;
    let mut entries = vec![Entry {
        name: HEAD.to_owned(),
        start: 0,
        length: head.len() as u64,
        sha256: Checksum::of(head).hex(),
    }];
    let mut sums = Vec::new();
    for file in &files {
        let (sum, length) = copy(file, &mut std::io::sink(), file)?;
        let last = entries.last().expect("the head is the first");
        entries.push(Entry {
            name: entry_name(network, file, sums.is_empty())?,
            start: last.start + last.length,
            length,
            sha256: sum.clone().hex(),
        });
        sums.push(sum);
    }
    if Checksum::joined(sums) != sha256 {
        return Err(changed(&network.path));
    }
    let header = header::encode(&entries, &network.manifest.to_toml());
    if files.len() > 1 + MOST_DATA || header.len() > LONGEST_HEADER {
        return Err(NetworkProblem::ManyData(files.len() - 1).at(&network.path));
    }
    outputs::write_through(path, |out| {
        let out: &mut dyn Write = out;
        let parts = [&header[..], head];
        parts
            .into_iter()
            .try_for_each(|part| out.write_all(part))
            .map_err(Error::io("write", outputs::name(path)))?;
        for (file, entry) in files.iter().zip(&entries[1..]) {
            let (sum, length) = copy(file, out, path)?;
            if sum.hex() != entry.sha256 || length != entry.length {
                return Err(changed(file));
            }
        }
        Ok(())
    })?;
    let last = entries.last().expect("the head is the first");
    Ok(header.len() as u64 + last.start + last.length)
}

/// Copies a file to the output `path`; returns its sum and length.
fn copy(file: &Path, out: &mut dyn Write, path: &Path) -> Result<(Checksum, u64)> {
    let (mut sum, mut length) = (Checksum::default(), 0);
    let opened = inputs::open(file, Links::Follow).map_err(Error::io("read", file))?;
    each_block(opened, file, |block| {
        sum.add(block);
        length += block.len() as u64;
        out.write_all(block)
            .map_err(Error::io("write", outputs::name(path)))
    })?;
    Ok((sum, length))
}

/// Returns the name of the entry of a file of a network: the network itself, or a data file beside it.
fn entry_name(network: &BackboneFile, file: &Path, is_network: bool) -> Result<String> {
    if is_network {
        return Ok(NETWORK.to_owned());
    }
    let folder = network.path.parent().unwrap_or(Path::new(""));
    let beside = file.strip_prefix(folder).unwrap_or(file);
    let parts = beside.components();
    let plain: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
    let name = plain
        .to_str()
        .filter(|name| header::check_name(name).is_ok());
    match name {
        Some(name) => Ok(format!("{DATA}{name}")),
        None => Err(NetworkProblem::DataName(beside.to_owned()).at(&network.path)),
    }
}

fn changed(path: &Path) -> Error {
    Error::File {
        path: path.to_owned(),
        problem: FileProblem::Changed("it changed while it was read"),
        kind: FileKind::Network,
    }
}
