//! Seeds for tables of features.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder};
use arrow_array::{ArrayRef, BinaryArray, Int32Array, RecordBatch, StringArray};
use arrow_ipc::root_as_footer;
use arrow_ipc::writer::FileWriter;
use frostline::features::Dtype;
use frostline::images::View;
use parquet::arrow::ArrowWriter;

use super::super::targets::store::{manifest_of, spec};
use super::Seed;

pub(super) fn seeds() -> Vec<Seed> {
    let whole = table(lists([16, 0]));
    let mut alone = whole.clone();
    alone.schema_metadata_mut().remove("frostline.manifest");
    let (in_parquet, in_arrow) = (parquet(&whole), arrow(&whole));
    let end = in_arrow.len() - 10;
    let mut footer = in_arrow.clone();
    footer[end..end + 4].copy_from_slice(&i32::MAX.to_le_bytes());
    let mut far = in_arrow.clone();
    let body = body_length(&in_arrow);
    far[body..body + 8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
    vec![
        Seed::refused("cut within a Parquet file", &in_parquet[..300]),
        Seed::refused("cut within an Arrow file", &in_arrow[..300]),
        Seed::refused("no manifest in a Parquet file", parquet(&alone)),
        Seed::refused("no manifest in an Arrow file", arrow(&alone)),
        Seed::refused("17 features, not 16", parquet(&table(lists([17, 0])))),
        Seed::refused("a footer of 2 GiB", footer),
        Seed::refused("a batch of 1 TiB in an Arrow file", far),
        Seed::accepted("a Parquet file", in_parquet),
        Seed::accepted("an Arrow file", in_arrow),
    ]
}

/// Returns a table of an image with these features, and of a skipped one.
fn table(features: ArrayRef) -> RecordBatch {
    let text = |values| -> ArrayRef { Arc::new(StringArray::from_iter(values)) };
    let edges: ArrayRef = Arc::new(Int32Array::from(vec![Some(4), None]));
    let digests = BinaryArray::from_opt_vec(vec![Some([7; 32].as_slice()), None]);
    let columns = [
        ("path", text([Some("a/1.png"), Some("2.png")])),
        ("digest", Arc::new(digests) as ArrayRef),
        ("features", features),
        ("width", Arc::clone(&edges)),
        ("height", edges),
        ("status", text([Some("ok"), Some("skipped: is empty")])),
        ("class", text([Some("a"), None])),
    ];
    let mut batch = RecordBatch::try_from_iter(columns).expect("all columns have two rows");
    let manifest = manifest_of(&spec(&[View::Center]), Dtype::F32).to_json();
    let metadata = batch.schema_metadata_mut();
    metadata.insert("frostline.manifest".to_owned(), manifest);
    batch
}

/// Returns lists of these lengths.
fn lists(lengths: [usize; 2]) -> ArrayRef {
    let mut lists = ListBuilder::new(Float32Builder::new());
    for length in lengths {
        lists.values().append_slice(&vec![0.5; length]);
        lists.append(length > 0);
    }
    Arc::new(lists.finish())
}

fn parquet(table: &RecordBatch) -> Vec<u8> {
    let write = || {
        let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), None)?;
        writer.write(table)?;
        writer.into_inner()
    };
    write().expect("it is written to memory")
}

fn arrow(table: &RecordBatch) -> Vec<u8> {
    let write = || {
        let mut writer = FileWriter::try_new(Vec::new(), &table.schema())?;
        writer.write(table)?;
        writer.finish()?;
        writer.into_inner()
    };
    write().expect("it is written to memory")
}

/// Returns where the footer of an Arrow file says how long its only batch is.
fn body_length(file: &[u8]) -> usize {
    let mut end = file.len() - 10;
    let size: [u8; 4] = file[end..end + 4].try_into().expect("they are 4 bytes");
    let footer = &file[end - u32::from_le_bytes(size) as usize..end];
    let blocks = root_as_footer(footer)
        .expect("it was written")
        .recordBatches();
    let block = blocks.expect("it has a batch").get(0);
    end -= footer.len();
    let within = block.0.as_ptr().addr() - footer.as_ptr().addr();
    // Offset, length of the message, padding, length of the body.
    end + within + 16
}
