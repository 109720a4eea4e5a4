//! Seeds for the input of a worker.

use std::sync::Arc;

use arrow_array::builder::BinaryDictionaryBuilder;
use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BinaryArray, BinaryViewArray, Int64Array, LargeBinaryArray, NullArray, RecordBatch,
    StringArray, StructArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field};

use super::Seed;

/// The images of three rows.
const IMAGES: [Option<&[u8]>; 3] = [Some(b"P5 1 1 255\n0"), None, Some(b"no image")];

pub(super) fn streams() -> Vec<Seed> {
    let binary: ArrayRef = Arc::new(BinaryArray::from_iter(IMAGES));
    let mut dictionary = BinaryDictionaryBuilder::<Int8Type>::new();
    dictionary.extend(IMAGES);
    let paths = || -> ArrayRef { Arc::new(StringArray::from(vec![Some("a.png"), None, Some("")])) };
    let field = |name, kind| Arc::new(Field::new(name, kind, true));
    let image = StructArray::from(vec![
        (field("bytes", DataType::Binary), Arc::clone(&binary)),
        (field("path", DataType::Utf8), paths()),
    ]);
    let whole = of("bytes", Arc::clone(&binary));
    let cut = |n: usize| whole[..whole.len() - n].to_vec();
    vec![
        Seed::accepted("binary", whole.clone()),
        Seed::accepted(
            "large",
            of("bytes", Arc::new(LargeBinaryArray::from_iter(IMAGES))),
        ),
        Seed::accepted(
            "views",
            of("image", Arc::new(BinaryViewArray::from_iter(IMAGES))),
        ),
        Seed::accepted("a dictionary", of("image", Arc::new(dictionary.finish()))),
        Seed::accepted("paths", of("path", paths())),
        Seed::accepted("structs", of("image", Arc::new(image))),
        Seed::accepted("nulls", of("bytes", Arc::new(NullArray::new(3)))),
        Seed::accepted("nothing", Vec::new()),
        Seed::refused("cut between batches", cut(8)),
        Seed::refused("cut within a batch", cut(100)),
        Seed::refused("no image", of("picture", binary)),
        Seed::refused("text", &b"id,bytes\n"[..]),
    ]
}

/// Returns a stream with the same batch twice.
fn of(name: &str, images: ArrayRef) -> Vec<u8> {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 2]));
    let batch = RecordBatch::try_from_iter([("id", ids), (name, images)]);
    let batch = batch.expect("the columns have three rows");
    let write = || {
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(&batch)?;
        writer.write(&batch)?;
        writer.into_inner()
    };
    write().expect("memory can be written")
}
