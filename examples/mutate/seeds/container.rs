//! Seeds for archives and tables with images.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;

use super::Seed;

const RED: &[u8] = b"P3 1 1 255 255 0 0";
const BLUE: &[u8] = b"P3 1 1 255 0 0 255";

fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let long = format!("c/{}.ppm", "long".repeat(40));
    for (name, bytes) in [
        ("a.ppm", RED),
        ("a.cls", b"red"),
        ("b/b.ppm", BLUE),
        (&long, BLUE),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes)
            .expect("it is written to memory");
    }
    tar.into_inner().expect("it is written to memory")
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("it is written to memory");
    gzip.finish().expect("it is written to memory")
}

pub(super) fn tar() -> Vec<Seed> {
    let whole = archive();
    vec![
        Seed::refused("half of a header", &whole[..300]),
        Seed::accepted("an archive that is cut off", &whole[..1700]),
        Seed::accepted("an archive with labels and a long name", whole),
        Seed::refused("an empty file", ""),
    ]
}

pub(super) fn tar_gz() -> Vec<Seed> {
    let whole = compressed(&archive());
    vec![
        Seed::refused("an archive that is not compressed", archive()),
        Seed::unharmed("half of a compressed archive", &whole[..whole.len() / 2]),
        Seed::accepted("a compressed archive", whole),
    ]
}

fn batch() -> RecordBatch {
    let image: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![Some(RED), None, Some(BLUE)]));
    let label: ArrayRef = Arc::new(StringArray::from(vec!["red", "red", "blue"]));
    RecordBatch::try_from_iter([("label", label), ("image", image)]).expect("they have 3 rows")
}

pub(super) fn parquet() -> Vec<Seed> {
    let batch = batch();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("it is flat");
    writer.write(&batch).expect("it is written to memory");
    let whole = writer.into_inner().expect("it is written to memory");
    vec![
        Seed::refused("a table that is cut off", &whole[..whole.len() - 20]),
        Seed::refused("the start of a table", b"PAR1PAR1PAR1PAR1".as_slice()),
        Seed::accepted("a Parquet file", whole),
    ]
}

/// Returns a Parquet file of labels.
pub(super) fn label_table() -> Vec<u8> {
    let column = |values: [&str; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let columns = [
        ("path", column(["a.jpg", "b.jpg"])),
        ("label", column(["cat", ""])),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("the columns are equally long");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("it is flat");
    writer.write(&batch).expect("it is written to memory");
    writer.into_inner().expect("it is written to memory")
}

pub(super) fn arrow() -> Vec<Seed> {
    let batch = batch();
    let mut file = FileWriter::try_new(Vec::new(), &batch.schema()).expect("it is flat");
    file.write(&batch).expect("it is written to memory");
    file.finish().expect("it is written to memory");
    let mut stream = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("it is flat");
    stream.write(&batch).expect("it is written to memory");
    stream.finish().expect("it is written to memory");
    vec![
        Seed::accepted("an Arrow file", file.into_inner().expect("it is finished")),
        Seed::accepted(
            "an Arrow stream",
            stream.into_inner().expect("it is finished"),
        ),
        Seed::refused("an empty file", ""),
    ]
}
