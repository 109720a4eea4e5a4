//! The targets for archives and tables with images.

use std::path::PathBuf;

use frostline::images::fuzz::place_bytes;
use frostline::images::{Labels, Names, scan_inputs};
use frostline::progress::Silent;

use super::Outcome;
use super::scratch::with_file;

/// Lists the images of a file and reads each of them, in order and then the first one again.
fn read(name: &'static str, bytes: &[u8]) -> Outcome {
    with_file(name, bytes, |path| {
        let inputs = [PathBuf::from(path)];
        let scan = scan_inputs(&inputs, Labels::FromFolders, Names::Extensions, &Silent)?;
        let used = scan.entries.iter().filter(|entry| entry.reason().is_none());
        let places: Vec<_> = used.map(|entry| entry.sample().place.clone()).collect();
        // The first image is read again after the last one.
        let places = places.iter().chain(places.first());
        let read = places.filter_map(place_bytes).count();
        (read > 0).then_some(()).ok_or("no image can be read")?;
        Ok(())
    })
}

pub(super) fn tar(bytes: &[u8]) -> Outcome {
    read("a.tar", bytes)
}

pub(super) fn tar_gz(bytes: &[u8]) -> Outcome {
    read("a.tar.gz", bytes)
}

pub(super) fn parquet(bytes: &[u8]) -> Outcome {
    read("a.parquet", bytes)
}

pub(super) fn arrow(bytes: &[u8]) -> Outcome {
    read("a.arrow", bytes)
}
