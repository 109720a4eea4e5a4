//! Images that are not files in folders: the same digests, features, classes and labels as from a folder.

mod archives;
#[cfg(feature = "object-store")]
mod stores;
mod tables;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use frostline::features::Digest;

pub(crate) use self::archives::{archive, compress};
pub(crate) use self::tables::parquet_of;
use crate::harness::{Place, contents};

/// Returns the digests of a store's images with their classes, and requires the features of `store`.
pub(crate) fn classes(place: &Place, name: &str) -> BTreeSet<(String, String)> {
    let (index, features) = contents(&place.path(name));
    let (_, known) = contents(&place.path("store"));
    for (digest, values) in &features {
        assert_eq!(known[digest], *values, "{name}");
    }
    let rows = index.used();
    rows.map(|(row, digest)| (digest.to_string(), row.class.clone().unwrap_or_default()))
        .collect()
}

/// Returns the paths in a store's index, with the reasons of skipped images.
pub(crate) fn paths(place: &Place, name: &str) -> Vec<(String, Option<String>)> {
    let (index, _) = contents(&place.path(name));
    let here = place.folder().display().to_string() + "/";
    let rows = index.rows();
    rows.map(|row| (row.path.replace(&here, ""), row.content.err()))
        .collect()
}

/// Returns the images of a fitted place with their paths below `images`, such as `red/0.png`.
pub(crate) fn images(place: &Place) -> Vec<(String, Vec<u8>)> {
    let classes = ["blue", "red"];
    let paths = classes
        .iter()
        .flat_map(|class| (0..6).map(move |n| format!("{class}/{n}.png")));
    paths
        .map(|path| {
            let bytes = fs::read(place.folder().join("images").join(&path)).unwrap();
            (path, bytes)
        })
        .collect()
}

/// Requires that a store has the images of the folder with their classes.
pub(crate) fn require_all(place: &Place, name: &str) {
    let wanted: BTreeSet<_> = images(place)
        .into_iter()
        .map(|(path, bytes)| {
            let class = Path::new(&path).parent().unwrap().display().to_string();
            (Digest::of(&bytes).to_string(), class)
        })
        .collect();
    assert_eq!(classes(place, name), wanted, "{name}");
}
