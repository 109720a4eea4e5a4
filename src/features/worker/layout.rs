//! Which column of a stream has the images, and which columns the answers have.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::error::{Error, Result, WorkerError};
use crate::features::dtype::Dtype;
use crate::features::manifest::TABLE_KEY;
use crate::images::cell;

/// The names of a column with images, if none is given. `path` is used only if the others are missing.
const IMAGES: [&str; 2] = ["image", "bytes"];
const PATH: &str = "path";
/// The name of a column that identifies images.
const ID: &str = "id";

/// Which column has the images, and whether the answers have it too.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Columns {
    /// The name of the column with the images; `None` for `image`, `bytes` or `path`.
    pub image: Option<String>,
    /// Whether the images are returned. Paths always are.
    pub keep_image: bool,
}

/// The columns of a stream and of its answers.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The column with the images.
    pub(super) image: usize,
    /// The columns that are returned.
    kept: Vec<usize>,
    /// Whether the paths in the structs of the images are a column of their own.
    has_inner_path: bool,
    /// The schema of the answers.
    pub(super) schema: SchemaRef,
    pub(super) dtype: Dtype,
}

impl Layout {
    /// Finds the columns in the schema of the input. `manifest` is the metadata of the answers.
    pub(super) fn of(
        input: &Schema,
        columns: &Columns,
        dtype: Dtype,
        manifest: String,
    ) -> Result<Self> {
        let image = image_column(input, columns.image.as_deref())?;
        let added = added(dtype);
        let drop_image = !columns.keep_image && !is_path(input.field(image).data_type());
        let kept = (0..input.fields().len()).filter(|&i| !(drop_image && i == image));
        let kept: Vec<usize> = kept.collect();
        let names = || kept.iter().map(|&i| input.field(i).name());
        let taken = added.iter().map(|field| field.name());
        let taken: Vec<String> = taken
            .filter(|&new| names().any(|name| name == new))
            .cloned()
            .collect();
        if !taken.is_empty() {
            return Err(WorkerError::Taken { columns: taken }.into());
        }
        // Without another name, the path is what identifies the image.
        let has_inner_path = has_inner_path(input.field(image).data_type())
            && !names().any(|name| [PATH, ID].contains(&name.as_str()));
        let inner_path = has_inner_path.then(|| Arc::new(Field::new(PATH, DataType::Utf8, true)));
        let fields = kept.iter().map(|&i| Arc::clone(&input.fields()[i]));
        let fields: Vec<FieldRef> = fields.chain(inner_path).chain(added).collect();
        let mut metadata = input.metadata().clone();
        metadata.insert(TABLE_KEY.to_owned(), manifest);
        Ok(Self {
            image,
            kept,
            has_inner_path,
            schema: Arc::new(Schema::new_with_metadata(fields, metadata)),
            dtype,
        })
    }

    /// Takes over the schema of the answers that another process gives.
    pub(super) fn adopt(&mut self, schema: &SchemaRef) -> Result<()> {
        let kinds = |schema: &Schema| -> Vec<DataType> {
            schema
                .fields()
                .iter()
                .map(|field| field.data_type().clone())
                .collect()
        };
        let dtype = [Dtype::F32, Dtype::F16].into_iter().find(|&dtype| {
            let added = added(dtype).map(|field| field.data_type().clone());
            kinds(schema).ends_with(&added)
        });
        self.dtype = dtype.ok_or_else(|| unexpected(&"other columns"))?;
        self.schema = Arc::clone(schema);
        Ok(())
    }

    /// Joins the columns of a batch that are returned with those that were computed.
    pub(super) fn answer(
        &self,
        batch: &RecordBatch,
        computed: Vec<ArrayRef>,
    ) -> Result<RecordBatch> {
        let kept = self.kept.iter().map(|&i| Arc::clone(batch.column(i)));
        let inner = self
            .has_inner_path
            .then(|| inner_paths(batch.column(self.image)));
        let columns = kept.chain(inner).chain(computed).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| unexpected(&error))
    }
}

/// Returns the error for answers that do not have their own schema.
pub(super) fn unexpected(error: &impl ToString) -> Error {
    let found = error.to_string();
    WorkerError::Answer { found }.into()
}

/// Returns the columns that are added. The values can be null for engines that know no other columns.
fn added(dtype: Dtype) -> [FieldRef; 5] {
    let item = Field::new("item", value_type(dtype), true);
    let field = |name: &str, kind| Arc::new(Field::new(name, kind, true));
    [
        field("digest", DataType::Binary),
        field("features", DataType::List(Arc::new(item))),
        field("width", DataType::Int32),
        field("height", DataType::Int32),
        field("status", DataType::Utf8),
    ]
}

fn value_type(dtype: Dtype) -> DataType {
    match dtype {
        Dtype::F32 => DataType::Float32,
        Dtype::F16 => DataType::Float16,
    }
}

fn image_column(input: &Schema, name: Option<&str>) -> Result<usize, WorkerError> {
    let fields = || input.fields().iter().enumerate();
    let named = |name: &str| -> Vec<usize> {
        fields()
            .filter(|(_, field)| field.name() == name)
            .map(|(i, _)| i)
            .collect()
    };
    let columns = || fields().map(|(_, field)| field.name().clone()).collect();
    let one = |name: &str, found: Vec<usize>| match found[..] {
        [column] => check_kind(input, column),
        _ => Err(WorkerError::NotOne {
            column: name.to_owned(),
            count: found.len(),
            columns: columns(),
        }),
    };
    if let Some(name) = name {
        return one(name, named(name));
    }
    let there = |name: &&str| !named(name).is_empty();
    let found: Vec<&str> = IMAGES.into_iter().filter(there).collect();
    match found[..] {
        [name] => one(name, named(name)),
        [] if there(&PATH) => one(PATH, named(PATH)),
        [] => Err(WorkerError::NoImages { columns: columns() }),
        _ => Err(WorkerError::Ambiguous {
            columns: found.into_iter().map(str::to_owned).collect(),
        }),
    }
}

fn check_kind(input: &Schema, column: usize) -> Result<usize, WorkerError> {
    let field = input.field(column);
    let usable = match field.data_type() {
        DataType::Struct(fields) => {
            let inner = |name| fields.find(name).map(|(_, field)| field.data_type());
            let (bytes, path) = (inner("bytes"), inner("path"));
            (bytes.is_some() || path.is_some())
                && bytes.is_none_or(|kind| is_bytes(kind) || *kind == DataType::Null)
                && path.is_none_or(|kind| is_path(kind) || *kind == DataType::Null)
        }
        kind => is_bytes(kind) || is_path(kind) || *kind == DataType::Null,
    };
    if usable {
        return Ok(column);
    }
    Err(WorkerError::Kind {
        column: field.name().clone(),
        kind: field.data_type().to_string(),
    })
}

fn has_inner_path(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => fields
            .find(PATH)
            .is_some_and(|(_, path)| is_path(path.data_type())),
        _ => false,
    }
}

/// Returns the paths in the structs of a column.
fn inner_paths(column: &ArrayRef) -> ArrayRef {
    let paths = column.as_struct().column_by_name(PATH);
    let path = |row| cell::text(paths?, row).filter(|_| column.is_valid(row));
    Arc::new((0..column.len()).map(path).collect::<StringArray>())
}

fn is_bytes(kind: &DataType) -> bool {
    use DataType::{Binary, BinaryView, Dictionary, LargeBinary};
    match kind {
        Binary | LargeBinary | BinaryView => true,
        Dictionary(_, values) => is_bytes(values),
        _ => false,
    }
}

fn is_path(kind: &DataType) -> bool {
    use DataType::{Dictionary, LargeUtf8, Utf8, Utf8View};
    match kind {
        Utf8 | LargeUtf8 | Utf8View => true,
        Dictionary(_, values) => is_path(values),
        _ => false,
    }
}
