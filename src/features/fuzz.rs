//! Fuzzing entry points, which are not part of the public API: they read bytes as the store reads its files.

use std::path::Path;

use super::arrow_file::{self, Failure, Source};
use super::content::{Content, Digest};
use super::dtype::Dtype;
use super::index::{self, Index, IndexRow};
use super::manifest::{self, StoreManifest};
pub use super::merge::fuzz::feature_table;
use super::part::{self, Part, Rows};
use super::shard_record::{self, ShardRecord};
use super::stamps::{self, StampRow, Stamps};
pub use super::worker::fuzz::worker_stream;
use crate::backbones::{BackboneId, Decoding, Engine, FeatureSpec, Pool, Precision};
use crate::images::{Preprocessing, Shard, View};
use crate::seal;
use crate::stamp::Stamp;

/// Recomputes the checksum of an Arrow or JSON file after its content was changed. Returns false if it has
/// none.
pub fn reseal(file: &mut [u8]) -> bool {
    if file.first() != Some(&b'{') {
        return arrow_file::reseal(file);
    }
    seal::place_in_json(file).is_some_and(|place| {
        file[place.clone()].copy_from_slice(seal::BLANK.as_bytes());
        seal::put(file, place);
        true
    })
}

/// Reads the features of a part of any store, as its manifest describes it. Returns `None` if it is refused.
#[must_use]
pub fn part_bytes(file: &[u8]) -> Option<Vec<f32>> {
    let manifest = part::carried(Source::Bytes(file)).ok()?;
    let part = read_part(file, &manifest).ok()?;
    let features = part.features(&manifest).ok()?;
    let spec = &manifest.spec;
    let row = spec.views.len() * spec.backbone.num_features;
    assert_eq!(features.len(), part.layout.digests.len() * row);
    assert!(features.iter().all(|x| x.is_finite()));
    Some(features)
}

/// Returns a small part as a fuzzing seed: three images of four features each.
///
/// # Panics
/// Never, since it can be written.
#[must_use]
pub fn part_example(dtype: Dtype, views: &[View]) -> Vec<u8> {
    let rows = Rows {
        digests: (0..3u8).map(|image| Digest::of(&[image])).collect(),
        features: (0..12 * views.len()).map(|i| i as f32 / 4.0).collect(),
    };
    part::bytes(rows, &manifest(dtype, views)).expect("all of it fits an Arrow file")
}

/// Returns the manifest of the store that the seeds belong to.
#[must_use]
pub fn manifest(dtype: Dtype, views: &[View]) -> StoreManifest {
    let backbone = BackboneId {
        name: "none".to_owned(),
        sha256: "0".repeat(64),
        layer: "none".to_owned(),
        pool: Pool::Flatten,
        map: None,
        prefix_tokens: 0,
        num_features: 4,
        file: None,
        bundle: None,
    };
    let spec = FeatureSpec {
        backbone,
        preprocessing: Preprocessing::default(),
        decoding: Decoding::default(),
        views: views.to_vec(),
    };
    StoreManifest::new(spec, dtype, Engine::new("none", "cpu", Precision::Fp32))
}

pub(super) fn read_part(file: &[u8], manifest: &StoreManifest) -> Result<Part, Failure> {
    Part::of_bytes(file.to_vec(), Path::new("part"), stamp_of(file), manifest)
}

/// Reads an index. Returns `None` if it is refused.
#[must_use]
pub fn index_bytes(file: &[u8]) -> Option<Index> {
    index::of_bytes(file.to_vec()).ok()
}

/// Returns a small index as a fuzzing seed: a used image with a class, one without, and a skipped one.
///
/// # Panics
/// Never, since it can be written.
#[must_use]
pub fn index_example() -> Vec<u8> {
    let row = |path: &str, class: Option<&str>, content| IndexRow {
        path: path.to_owned(),
        class: class.map(str::to_owned),
        content,
    };
    let rows = vec![
        row("a/1.png", Some("a"), Ok(content())),
        row("2.png", None, Ok(content())),
        row("3.png", None, Err("it is empty".to_owned())),
    ];
    let index: Index = rows.into_iter().collect();
    index.to_bytes().expect("it is small")
}

/// Reads stamps and returns their number, or `None` if they are refused.
#[must_use]
pub fn stamps_bytes(file: &[u8]) -> Option<usize> {
    stamps::of_bytes(file.to_vec()).map(|stamps| stamps.sorted().count())
}

/// Returns a stamps file with one stamp as a fuzzing seed.
///
/// # Panics
/// Never, since it can be written.
#[must_use]
pub fn stamps_example() -> Vec<u8> {
    let mut stamps = Stamps::default();
    stamps.push(&StampRow {
        key: "/a/1.png".to_owned(),
        stamp: stamp_of(b"1"),
        content: content(),
    });
    stamps.to_bytes().expect("it is small")
}

/// Reads a manifest. Returns `None` if it is refused.
#[must_use]
pub fn manifest_bytes(file: &[u8]) -> Option<StoreManifest> {
    manifest::parse(file).ok().map(|parsed| parsed.manifest)
}

/// Returns a manifest file as a fuzzing seed.
#[must_use]
pub fn manifest_example() -> Vec<u8> {
    manifest(Dtype::F32, &[View::Center]).to_file()
}

/// Reads the record of a shard. Returns `None` if it is refused.
///
/// # Panics
/// If an accepted record is another one after it was written.
#[must_use]
pub fn shard_bytes(file: &[u8]) -> Option<ShardRecord> {
    let record = shard_record::parse(file).ok()?;
    assert_eq!(shard_record::parse(&record.to_file()).as_ref(), Ok(&record));
    Some(record)
}

/// Returns the record of a shard of two images as a fuzzing seed.
///
/// # Panics
/// Never, since there is such a shard.
#[must_use]
pub fn shard_example() -> Vec<u8> {
    let shard = Shard::new(1, 3).expect("1 is less than 3");
    ShardRecord::new(shard, ["a/1.png", "2.png"].into_iter()).to_file()
}

fn content() -> Content {
    Content {
        digest: Digest::of(b"1"),
        width: 4,
        height: 3,
    }
}

fn stamp_of(file: &[u8]) -> Stamp {
    Stamp {
        size: file.len() as u64,
        modified: 0,
        changed: 0,
        inode: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file with a flipped bit is refused. With a recomputed checksum, only values can change.
    #[test]
    fn whoever_seals_a_file_again_changes_values_and_nothing_else() {
        type Reads = fn(&[u8]) -> bool;
        let kinds: [(Vec<u8>, Reads); 4] = [
            (index_example(), |file| index_bytes(file).is_some()),
            (stamps_example(), |file| stamps_bytes(file).is_some()),
            (manifest_example(), |file| manifest_bytes(file).is_some()),
            (shard_example(), |file| shard_bytes(file).is_some()),
        ];
        for (file, reads) in kinds {
            assert!(reads(&file));
            let mut read = 0;
            for bit in 0..file.len() * 8 {
                let mut flipped = file.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(!reads(&flipped), "bit {bit}");
                read += usize::from(reseal(&mut flipped) && reads(&flipped));
            }
            assert!(read > 0, "some changed values are read");
        }
    }
}
