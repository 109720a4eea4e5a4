//! The targets for the files of a feature store, each in a store whose other files are valid.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use frostline::backbones::{BackboneId, Decoding, Engine, FeatureSpec, Pool, Precision};
use frostline::features::{
    Content, Digest, Dtype, Existing, FeatureStore, IndexRow, Picture, Recognise, ShardState,
    StoreManifest, StoreWriter, fuzz, status,
};
use frostline::images::{DecodeOptions, Entries, Preprocessing, View};
use frostline::progress::Silent;
use frostline::stamp::Stamp;

use super::Outcome;
use super::scratch::{with_file, with_files};

/// The number of features, D.
const WIDTH: usize = 16;

const PART: &str = "part-00000.arrow";
const INDEX: &str = "index.arrow";
const MANIFEST: &str = "manifest.json";
const STAMPS: &str = "stamps.arrow";
const SHARD: &str = "shard.json";
const ROOTS: &str = "roots.json";

/// The files of a valid store.
pub(crate) struct Store {
    /// The only part.
    pub(crate) part: Vec<u8>,
    /// The index.
    pub(crate) index: Vec<u8>,
    /// The manifest.
    pub(crate) manifest: Vec<u8>,
    /// The stamps.
    pub(crate) stamps: Vec<u8>,
}

impl Store {
    /// Returns the store in which the targets replace one file.
    pub(crate) fn whole() -> &'static Self {
        static WHOLE: OnceLock<Store> = OnceLock::new();
        WHOLE.get_or_init(|| Self::written(&spec(&[View::Center]), Dtype::F32))
    }

    /// Writes a store of three images with the library's own writer.
    pub(crate) fn written(spec: &FeatureSpec, dtype: Dtype) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        write(folder.path(), spec, dtype).expect("a new store can be written");
        let read = |name| fs::read(folder.path().join(name)).expect("the writer wrote it");
        Self {
            part: read(PART),
            index: read(INDEX),
            manifest: read(MANIFEST),
            stamps: read(STAMPS),
        }
    }

    fn with(&self, name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> Outcome) -> Outcome {
        let files = [
            (PART, &self.part),
            (INDEX, &self.index),
            (MANIFEST, &self.manifest),
            (STAMPS, &self.stamps),
        ];
        let others = files.into_iter().filter(|(file, _)| *file != name);
        let others = others.map(|(file, whole)| (file, &whole[..]));
        let all: Vec<_> = others.chain([(name, bytes)]).collect();
        with_files(&all, read)
    }
}

/// Returns the specification of the store's features.
pub(crate) fn spec(views: &[View]) -> FeatureSpec {
    FeatureSpec {
        backbone: BackboneId {
            name: "probe".to_owned(),
            sha256: "0".repeat(64),
            layer: "features".to_owned(),
            pool: Pool::Flatten,
            map: None,
            prefix_tokens: 0,
            num_features: WIDTH,
            file: None,
            bundle: None,
        },
        preprocessing: Preprocessing::default(),
        decoding: Decoding::default(),
        views: views.to_vec(),
    }
}

fn write(folder: &Path, spec: &FeatureSpec, dtype: Dtype) -> frostline::Result<()> {
    let manifest = manifest_of(spec, dtype);
    let mut writer = StoreWriter::open(folder, manifest, Existing::Extend)?;
    let digests = [1, 2, 3].map(|image| Digest::of(&[image]));
    let numbers = spec.views.len() * spec.backbone.num_features;
    for digest in digests {
        let features: Vec<f32> = (0..numbers).map(|i| i as f32 / 8.0).collect();
        writer.push(digest, &features)?;
    }
    let pictures = digests.map(|digest| {
        let picture = Picture {
            digest,
            size: (4, 3),
            stamp: Some(Stamp {
                size: 100,
                modified: 1,
                changed: 2,
                inode: 3,
            }),
        };
        (folder.join(format!("{digest}.png")).into(), picture)
    });
    let mut rows: Vec<IndexRow> = pictures.iter().map(|(_, picture)| row(picture)).collect();
    rows.push(IndexRow {
        path: "b/none.png".to_owned(),
        class: Some("b".to_owned()),
        content: Err("is empty".to_owned()),
    });
    writer
        .finish_run(&rows.into_iter().collect(), &pictures)
        .map(drop)
}

pub(crate) fn manifest_of(spec: &FeatureSpec, dtype: Dtype) -> StoreManifest {
    let engine = Engine::new("stub", "cpu", Precision::Fp32);
    StoreManifest::new(spec.clone(), dtype, engine)
}

fn row(picture: &Picture) -> IndexRow {
    IndexRow {
        path: format!("a/{}.png", picture.digest),
        class: Some("a".to_owned()),
        content: Ok(Content::of(picture)),
    }
}

/// Reads a part: features that are accepted have the store's width.
pub(super) fn part(bytes: &[u8]) -> Outcome {
    let _ = fuzz::part_bytes(bytes);
    Store::whole().with(PART, bytes, |folder| {
        let read = read_all(folder);
        extend(folder, Existing::Extend)?;
        extend(folder, Existing::Verify)?;
        read
    })
}

pub(super) fn index(bytes: &[u8]) -> Outcome {
    Store::whole().with(INDEX, bytes, read_all)
}

pub(super) fn manifest(bytes: &[u8]) -> Outcome {
    Store::whole().with(MANIFEST, bytes, |folder| {
        let read = read_all(folder);
        let _ = extend(folder, Existing::Verify);
        read
    })
}

pub(super) fn stamps(bytes: &[u8]) -> Outcome {
    Store::whole().with(STAMPS, bytes, |folder| extend(folder, Existing::Extend))
}

/// Reads the record of a shard in its store, and lists the other shards of the run.
pub(super) fn roots(bytes: &[u8]) -> Outcome {
    Store::whole().with(ROOTS, bytes, |folder| {
        let found = frostline::features::roots(folder);
        assert!(found.iter().all(|root| root.is_absolute()));
        (!found.is_empty())
            .then_some(())
            .ok_or_else(|| "no root is there".into())
    })
}

pub(super) fn shard(bytes: &[u8]) -> Outcome {
    let _ = fuzz::shard_bytes(bytes);
    Store::whole().with(SHARD, bytes, |folder| {
        let run = status(&[folder.to_owned()]);
        match &run.shards[0].state {
            ShardState::Unreadable(reason) => Err(reason.clone().into()),
            _ => Ok(()),
        }
    })
}

pub(super) fn feature_table(bytes: &[u8]) -> Outcome {
    with_file("table", bytes, |path| {
        fuzz::feature_table(path)?;
        Ok(())
    })
}

fn read_all(folder: &Path) -> Outcome {
    let store = FeatureStore::open(folder)?;
    store.count_vectors()?;
    let digests: Vec<Digest> = store.index().used().map(|(_, digest)| digest).collect();
    let views = &store.manifest().spec.views;
    let features = store.views(&digests, views)?;
    assert_eq!(
        features.dim(),
        (
            digests.len() * views.len(),
            store.manifest().spec.backbone.num_features
        )
    );
    Ok(())
}

/// Opens the store to extend it; damaged files are set aside.
fn extend(folder: &Path, existing: Existing) -> Outcome {
    let manifest = manifest_of(&spec(&[View::Center]), Dtype::F32);
    let writer = StoreWriter::open(folder, manifest, existing)?;
    let decoding = DecodeOptions::default();
    let _ = writer.recognise(
        &Entries::default(),
        Recognise::ByStamp,
        &decoding,
        1,
        &Silent,
    );
    Ok(writer.finish()?)
}

pub(crate) fn worker_stream(bytes: &[u8]) -> Outcome {
    Ok(fuzz::worker_stream(bytes)?)
}
