//! Tests which parts are accepted, and that nothing else is ever read as features.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use arrow_array::types::Float32Type;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use tempfile::TempDir;

use super::*;
use crate::features::fuzz::{manifest, part_bytes, part_example, read_part, reseal};
use crate::features::names::part_name;
use crate::images::{View, Views};

const CENTER: &[View] = &[View::Center];

/// Returns three images of four features each, all multiples of 1/4, which binary16 represents exactly.
fn rows(views: &[View]) -> Rows {
    Rows {
        digests: (0..3u8).map(|image| Digest::of(&[image])).collect(),
        features: (0..12 * views.len()).map(|i| i as f32 / 4.0).collect(),
    }
}

fn each() -> impl Iterator<Item = (StoreManifest, Rows)> {
    let hflip = Views::Hflip.list();
    [Dtype::F32, Dtype::F16]
        .into_iter()
        .flat_map(move |dtype| [CENTER, &hflip].map(|views| (manifest(dtype, views), rows(views))))
}

/// Returns a part as version 1 wrote it, without a checksum.
fn version_1(rows: Rows, manifest: &StoreManifest) -> Vec<u8> {
    let schema = schema(manifest).unwrap();
    let mut metadata = schema.metadata().clone();
    metadata.insert("format_version".to_owned(), "1".to_owned());
    let schema = schema.with_metadata(metadata);
    write_unsealed(&record_batch(rows, manifest, &schema).unwrap())
}

fn write_unsealed(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn in_folder(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(part_name(0));
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn problem(bytes: &[u8], manifest: &StoreManifest) -> String {
    match read_part(bytes, manifest) {
        Ok(_) => panic!("the part was accepted"),
        Err(Failure::File(problem)) => problem.to_string(),
        Err(Failure::System(error)) => panic!("{error}"),
    }
}

#[test]
fn what_is_written_is_read_whole_and_by_ranges() {
    for (manifest, wanted) in each() {
        let (_folder, path) = in_folder(b"");
        write(&path, rows(&manifest.spec.views), &manifest).unwrap();
        let part = Part::read(&path, &manifest).unwrap();
        assert_eq!(part.columns.seal(), Seal::Right);
        assert_eq!(part.layout.digests, wanted.digests);
        assert_eq!(part.features(&manifest).unwrap(), wanted.features);
        let (layout, seal) = Layout::read_with_views(&path, &manifest).unwrap();
        assert_eq!((seal, &layout.digests), (Seal::Unchecked, &wanted.digests));
        let row = 4 * manifest.spec.views.len();
        for layout in [layout, part.layout] {
            let mut numbers = Numbers::new(manifest.dtype);
            numbers.extend(&layout.read_images(1..3).unwrap());
            assert_eq!(numbers.widened(), wanted.features[row..]);
        }
    }
}

/// Arrow's own reader finds the same columns in a part that was written piece by piece.
#[test]
fn a_part_that_is_written_piece_by_piece_is_the_same() {
    for (manifest, wanted) in each() {
        let mut written = PartWriter::begin(Vec::new(), &wanted.digests, &manifest).unwrap();
        for value in &wanted.features {
            match manifest.dtype {
                Dtype::F32 => written.append(&value.to_le_bytes()).unwrap(),
                Dtype::F16 => written
                    .append(&f16::from_f32(*value).to_le_bytes())
                    .unwrap(),
            }
        }
        let (mut file, digits) = written.finish().unwrap();
        file[digits.at as usize..][..digits.text.len()].copy_from_slice(digits.text.as_bytes());
        let read = |file: Vec<u8>| {
            let mut reader = FileReader::try_new(std::io::Cursor::new(file), None).unwrap();
            let batch = reader.next().unwrap().unwrap();
            assert!(reader.next().is_none());
            batch
        };
        let part = read_part(&file, &manifest).unwrap();
        assert_eq!(
            (part.columns.seal(), &part.columns.own),
            (Seal::Right, &manifest)
        );
        let size = bytes_per_image(&manifest) * 3;
        assert!((size..size + 4096).contains(&(file.len() as u64)));
        let at_once = bytes(wanted, &manifest).unwrap();
        assert_eq!(read(file), read(at_once));
    }
}

#[test]
fn a_part_with_too_few_features_is_not_finished() {
    let manifest = manifest(Dtype::F32, CENTER);
    let digests = rows(CENTER).digests;
    let mut written = PartWriter::begin(Vec::new(), &digests, &manifest).unwrap();
    written.append(&[0; 4 * 4 * 2]).unwrap();
    assert!(written.finish().is_err());
}

/// Flips every fourth bit of parts of both precisions, with one view and with two, each with another offset.
#[test]
fn no_changed_bit_gives_other_features() {
    for (phase, (manifest, _)) in each().enumerate() {
        let file = part_example(manifest.dtype, &manifest.spec.views);
        for bit in (phase..file.len() * 8).step_by(4) {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read_part(&flipped, &manifest).is_err(), "bit {bit}");
        }
    }
}

/// Someone who changes a part on purpose can change its values, but nothing else.
#[test]
fn a_part_that_was_sealed_again_has_the_shape_of_its_store() {
    let manifest = manifest(Dtype::F32, CENTER);
    let file = part_example(Dtype::F32, CENTER);
    let (mut read, mut refused) = (0, 0);
    for bit in (0..file.len() * 8).step_by(3) {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if !reseal(&mut flipped) {
            continue;
        }
        match read_part(&flipped, &manifest) {
            Ok(part) => {
                read += 1;
                let features = part.features(&manifest).unwrap();
                assert_eq!(features.len(), 4 * part.layout.digests.len());
                assert!(features.iter().all(|x| x.is_finite()), "bit {bit}");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read > 1000 && refused > 1000, "{read}, {refused}");
}

/// Overwrites lengths and offsets with values that an attacker might choose, several at a time.
#[test]
fn lies_about_lengths_are_refused() {
    const LIES: [u8; 6] = [0, 1, 0x3f, 0x7f, 0x80, 0xff];
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut next = |below: usize| (random.next_u64() % below as u64) as usize;
    let hflip = Views::Hflip.list();
    for round in 0..4000 {
        let views = [CENTER, &hflip][round % 2];
        let mut file = part_example([Dtype::F32, Dtype::F16][round / 2 % 2], views);
        for _ in 0..=next(4) {
            let at = next(file.len());
            let width = [1, 2, 4, 8][next(4)].min(file.len() - at);
            let lie = LIES[next(LIES.len())];
            file[at..at + width].fill(lie);
        }
        reseal(&mut file);
        // It asserts that the features have the shape that the manifest describes, and are finite.
        let _ = part_bytes(&file);
    }
}

/// Changed values in a file of version 1 go unnoticed, but everything else is checked.
#[test]
fn bits_of_a_part_without_a_seal_are_no_reason_to_panic() {
    let manifest = manifest(Dtype::F16, CENTER);
    let file = version_1(rows(CENTER), &manifest);
    for bit in (0..file.len() * 8).step_by(3) {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(part) = read_part(&flipped, &manifest) {
            let features = part.features(&manifest).unwrap();
            assert_eq!(features.len(), 4 * part.layout.digests.len(), "bit {bit}");
            assert!(features.iter().all(|x| x.is_finite()), "bit {bit}");
        }
    }
}

/// Returns a part of the store `own` that contains the manifest `claimed`.
fn forged(own: &StoreManifest, claimed: &StoreManifest) -> Vec<u8> {
    let rows = Rows {
        digests: vec![Digest::of(b"a")],
        features: vec![0.5; own.spec.views.len() * own.spec.backbone.num_features],
    };
    let schema = schema(own).unwrap();
    let batch = record_batch(rows, own, &schema);
    let metadata = super::schema(claimed).unwrap().metadata().clone();
    arrow_file::sealed(&schema.with_metadata(metadata), [batch]).unwrap()
}

#[test]
fn a_part_must_have_the_columns_of_its_store() {
    let own = manifest(Dtype::F32, &Views::Hflip.list());
    let mut wide = own.clone();
    wide.spec.backbone.num_features = 5;
    let mut narrow = own.clone();
    narrow.spec.backbone.num_features = 3;
    let half = manifest(Dtype::F16, &own.spec.views);
    let turned = manifest(Dtype::F32, &[View::CenterFlipped, View::Center]);
    let other = manifest(Dtype::F32, &[View::Center, View::TopLeft]);
    let one = manifest(Dtype::F32, CENTER);
    for (forger, wanted) in [
        (&wide, "its columns do not match its format"),
        (&narrow, "its columns do not match its format"),
        (&half, "its columns do not match its format"),
        (
            &turned,
            "the views of its images are not center, center-flipped",
        ),
        (
            &other,
            "the views of its images are not center, center-flipped",
        ),
        (&one, "its rows are not 2 views per image"),
    ] {
        let file = forged(forger, &own);
        let found = problem(&file, &own);
        assert!(found.contains(wanted), "{found}");
        // The same checks are made when the store is opened for writing.
        let (_folder, path) = in_folder(&file);
        let error = adopt(&path, &own, Extent::Digests, true).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
    assert!(read_part(&forged(&own, &own), &own).is_ok());
}

#[test]
fn nulls_are_refused() {
    let manifest = manifest(Dtype::F32, CENTER);
    let schema = schema(&manifest).unwrap();
    let batch = record_batch(rows(CENTER), &manifest, &schema).unwrap();
    let digests = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        [Some([1; 32]), None, Some([2; 32])].into_iter(),
        32,
    );
    let features = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
        [
            Some(vec![Some(0.5); 4]),
            None,
            Some(vec![Some(0.5), None, None, Some(1.0)]),
        ],
        4,
    );
    let nulls: [(usize, ArrayRef); 2] = [(0, Arc::new(digests.unwrap())), (2, Arc::new(features))];
    for (place, column) in nulls {
        let mut columns = batch.columns().to_vec();
        columns[place] = column;
        let fields = schema
            .fields()
            .iter()
            .zip(&columns)
            .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true));
        let open = Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone());
        let batch = RecordBatch::try_new(Arc::new(open.clone()), columns);
        let file = arrow_file::sealed(&open, [batch]).unwrap();
        let found = problem(&file, &manifest);
        assert!(
            found.contains("its columns do not match its format"),
            "{found}"
        );
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    for dtype in [Dtype::F32, Dtype::F16] {
        let manifest = manifest(dtype, CENTER);
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut rows = rows(CENTER);
            rows.features[7] = value;
            let file = bytes(rows, &manifest).unwrap();
            let found = problem(&file, &manifest);
            assert!(found.contains("not finite"), "{found}");
        }
    }
}

#[test]
fn two_batches_are_refused() {
    let manifest = manifest(Dtype::F32, CENTER);
    let schema = schema(&manifest).unwrap();
    let batch = || record_batch(rows(CENTER), &manifest, &schema);
    let file = arrow_file::sealed(&schema, [batch(), batch()]).unwrap();
    assert!(problem(&file, &manifest).contains("it has 2 batches, not one"));
}

#[test]
fn a_part_without_a_seal_is_sealed_and_nothing_else_of_it_changes() {
    for (store, wanted) in each() {
        let mut own = store.clone();
        own.engine.device = "cuda:0".to_owned();
        let old = version_1(rows(&store.spec.views), &own);
        let (_folder, path) = in_folder(&old);
        let part = Part::read(&path, &store).unwrap();
        assert_eq!(part.columns.seal(), Seal::Missing);
        assert_eq!(part.features(&store).unwrap(), wanted.features);
        let digests = adopt(&path, &store, Extent::Digests, false).unwrap();
        assert_eq!(digests, wanted.digests);
        assert_eq!(fs::read(&path).unwrap(), old, "a read-only store");
        adopt(&path, &store, Extent::Digests, true).unwrap();
        let part = Part::read(&path, &store).unwrap();
        assert_eq!(part.columns.seal(), Seal::Right);
        assert_eq!(part.layout.digests, wanted.digests);
        assert_eq!(part.features(&store).unwrap(), wanted.features);
        assert_eq!(part.columns.own, own, "the engine is kept");
        assert_eq!(fs::read(&path).unwrap(), bytes(wanted, &own).unwrap());
        let stamp = || Stamp::of(&fs::metadata(&path).unwrap());
        let sealed = stamp();
        for extent in [Extent::Digests, Extent::Whole] {
            adopt(&path, &store, extent, true).unwrap();
            assert_eq!(stamp(), sealed, "it is written once");
        }
    }
}

#[test]
fn a_part_that_was_replaced_is_not_read_by_the_places_of_the_old_one() {
    let manifest = manifest(Dtype::F32, CENTER);
    let (_folder, path) = in_folder(&part_example(Dtype::F32, CENTER));
    let layout = Part::read(&path, &manifest).unwrap().layout;
    assert!(layout.read_images(0..1).is_ok());
    let later = SystemTime::now() + std::time::Duration::from_secs(9);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(later).unwrap();
    let error = layout.read_images(0..1).unwrap_err().to_string();
    assert!(
        error.contains("it has changed since it was checked"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_or_device_is_refused_at_once() {
    let manifest = manifest(Dtype::F32, CENTER);
    let folder = tempfile::tempdir().unwrap();
    let [pipe, zeros] = [0, 1].map(|n| folder.path().join(part_name(n)));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", &zeros).unwrap();
    for (path, kind) in [(&pipe, "a named pipe"), (&zeros, "a device")] {
        let whole = Part::read(path, &manifest).map(|_| ());
        for read in [
            whole,
            adopt(path, &manifest, Extent::Digests, true).map(|_| ()),
        ] {
            let error = read.unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(kind), "{cause}");
        }
    }
}
