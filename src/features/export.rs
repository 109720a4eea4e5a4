//! Exports a store as one flat table for other tools.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray, UInt32Array,
};
use arrow_schema::{ArrowError, DataType, Field};
use ndarray::Array2;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::content::{Content, Digest};
use super::index::IndexRow;
use super::manifest::{StoreManifest, TABLE_KEY};
use super::store::FeatureStore;
use crate::error::{Error, FeaturesError, Result, csv_error, system_error};
use crate::images::View;
use crate::outputs;

/// The file formats of [`export`](fn@crate::features::export).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExportFormat {
    /// A folder with `features.npy`, float32 (N, D), and `index.csv` with one line per row.
    #[default]
    Npy,
    /// A Parquet file with the columns path, class, digest, width, height, features. Its metadata has the
    /// manifest, so that it can be merged into a store.
    Parquet,
    /// A CSV file with the columns path, class, digest, width, height, f0 … f(D-1).
    Csv,
}

/// Writes the features of one view of all used samples of a store's last run, in the order of the index, and
/// returns the number of samples.
///
/// `-` is standard output, except for [`ExportFormat::Npy`], which writes a folder. The entire table is held
/// in memory.
///
/// # Errors
/// [`FeaturesError`] if the store has no used sample or does not have this view; [`Error::File`] for a
/// damaged part; [`Error::Io`].
pub fn export(
    store: &FeatureStore,
    view: View,
    format: ExportFormat,
    output: &Path,
) -> Result<usize> {
    let (rows, digests): (Vec<IndexRow>, Vec<Digest>) = store.index().used().unzip();
    if rows.is_empty() {
        let store = store.path().to_owned();
        return Err(FeaturesError::NothingToExport { store }.into());
    }
    let features = store.views(&digests, &[view])?;
    match format {
        ExportFormat::Npy => write_npy(&rows, &features, output),
        ExportFormat::Parquet => {
            let mut manifest = store.manifest().clone();
            manifest.spec.views = vec![view];
            write_parquet(&rows, features, &manifest, output)
        }
        ExportFormat::Csv => write_csv(&rows, Some(&features), output),
    }?;
    Ok(rows.len())
}

fn write_npy(rows: &[IndexRow], features: &Array2<f32>, output: &Path) -> Result<()> {
    let path = output.join("features.npy");
    outputs::write_through(&path, |file| {
        let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(Error::io("write", &path));
        write(&npy_header(features.dim()))?;
        let mut rows = features.rows().into_iter();
        rows.try_for_each(|row| {
            write(&row.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>())
        })
    })?;
    write_csv(rows, None, &output.join("index.csv"))
}

/// Returns the header of a `.npy` file with a float32 array of this shape: version 1.0 of `NumPy`'s format
/// (`numpy.lib.format`), a Python dictionary padded with spaces to a multiple of 64 bytes.
fn npy_header((n, d): (usize, usize)) -> Vec<u8> {
    let shape = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {d}), }}");
    let before = b"\x93NUMPY\x01\x00".len() + 2;
    let length = (before + shape.len() + 1).next_multiple_of(64) - before;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((length as u16).to_le_bytes());
    header.extend(format!("{shape:<0$}\n", length - 1).bytes());
    header
}

fn write_csv(rows: &[IndexRow], features: Option<&Array2<f32>>, path: &Path) -> Result<()> {
    outputs::write_through(path, |file| {
        let failed = |e: csv::Error| Error::io("write", outputs::name(path))(csv_error(e));
        let mut csv = csv::Writer::from_writer(file);
        let width = features.map_or(0, Array2::ncols);
        let names = (0..width).map(|i| format!("f{i}"));
        csv.write_record(COLUMNS.iter().map(ToString::to_string).chain(names))
            .map_err(failed)?;
        for (i, row) in rows.iter().enumerate() {
            let values = features.iter().flat_map(|features| features.row(i));
            let values = values.map(ToString::to_string);
            csv.write_record(cells(row).into_iter().chain(values))
                .map_err(failed)?;
        }
        csv.flush().map_err(Error::io("write", outputs::name(path)))
    })
}

const COLUMNS: [&str; 5] = ["path", "class", "digest", "width", "height"];

fn cells(row: &IndexRow) -> [String; 5] {
    let (class, content) = (row.class.clone().unwrap_or_default(), content(row));
    let [width, height] = [content.width, content.height].map(|pixels| pixels.to_string());
    [
        row.path.clone(),
        class,
        content.digest.to_string(),
        width,
        height,
    ]
}

fn content(row: &IndexRow) -> Content {
    *row.content.as_ref().expect("only used rows are exported")
}

fn write_parquet(
    rows: &[IndexRow],
    features: Array2<f32>,
    manifest: &StoreManifest,
    path: &Path,
) -> Result<()> {
    let name = outputs::name(path);
    let failed = |e| Error::io("write", name)(system_error(e));
    let metadata = HashMap::from([(TABLE_KEY.to_owned(), manifest.to_json())]);
    let batch = table(rows, features)
        .and_then(|batch| {
            let schema = batch.schema().as_ref().clone().with_metadata(metadata);
            batch.with_schema(Arc::new(schema))
        })
        .map_err(|e| Error::io("write", name)(system_error(e)))?;
    outputs::write_through(path, |file| {
        let properties = Some(plain_features());
        let writer = ArrowWriter::try_new(&mut *file, batch.schema(), properties);
        let mut writer = writer.map_err(failed)?;
        writer.write(&batch).map_err(failed)?;
        writer.close().map(drop).map_err(failed)
    })
}

/// Returns writer properties without a dictionary and statistics for the features: their values hardly ever
/// repeat, and their minimum and maximum are of no use.
fn plain_features() -> WriterProperties {
    let features = || ColumnPath::from(["features", "list", "item"].map(String::from).to_vec());
    WriterProperties::builder()
        .set_column_dictionary_enabled(features(), false)
        .set_column_statistics_enabled(features(), EnabledStatistics::None)
        .build()
}

/// Returns the used samples of a store with the features of their centre crop: the columns path, class,
/// digest, width, height, features.
///
/// # Errors
/// As [`FeatureStore::features`].
pub fn record_batch(store: &FeatureStore) -> Result<RecordBatch> {
    let (rows, digests): (Vec<IndexRow>, Vec<_>) = store.index().used().unzip();
    let batch = table(&rows, store.features(&digests)?);
    batch.map_err(|e| Error::io("read", store.path())(system_error(e)))
}

fn table(rows: &[IndexRow], features: Array2<f32>) -> Result<RecordBatch, ArrowError> {
    let width =
        i32::try_from(features.ncols()).map_err(|e| ArrowError::CastError(e.to_string()))?;
    let values = Arc::new(Float32Array::from(features.into_raw_vec_and_offset().0));
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let features = FixedSizeListArray::try_new(item, width, values, None)?;
    let rows = || rows.iter();
    let paths = StringArray::from_iter_values(rows().map(|row| &row.path));
    let classes: StringArray = rows().map(|row| row.class.as_deref()).collect();
    let digests = rows().map(|row| content(row).digest.to_string());
    let columns: [ArrayRef; 6] = [
        Arc::new(paths),
        Arc::new(classes),
        Arc::new(StringArray::from_iter_values(digests)),
        Arc::new(UInt32Array::from_iter_values(
            rows().map(|row| content(row).width),
        )),
        Arc::new(UInt32Array::from_iter_values(
            rows().map(|row| content(row).height),
        )),
        Arc::new(features),
    ];
    let names = COLUMNS.into_iter().chain(["features"]);
    let columns = names
        .zip(columns)
        .map(|(name, column)| (name, column, name == "class"));
    RecordBatch::try_from_iter_with_nullable(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected bytes are those of `numpy.lib.format.write_array_header_1_0` in `NumPy` 2.4.6.
    #[test]
    fn a_header_is_that_of_numpy() {
        let shape = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (894, 1280), }";
        let mut wanted = [b' '; 128];
        wanted[..shape.len()].copy_from_slice(shape);
        wanted[127] = b'\n';
        assert_eq!(npy_header((894, 1280)), wanted);
    }
}
