//! Finds the columns of images and labels in a schema.

use arrow_schema::{DataType, Field, Schema};
use serde_json::Value;

use super::row::{Fault, Row};
use crate::images::SkipReason;

/// Names of columns of images, the first of which is taken.
const IMAGES: [&str; 9] = [
    "image", "img", "picture", "photo", "jpg", "jpeg", "png", "bytes", "content",
];
/// Names of columns of labels.
const LABELS: [&str; 2] = ["label", "labels"];

/// The columns that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::images) struct Columns {
    pub(in crate::images) image: Chosen,
    pub(in crate::images) label: Option<Chosen>,
    /// The names of the labels that are integers.
    pub(in crate::images) names: Option<Vec<String>>,
    /// Whether the image is a struct with bytes and a path.
    pub(super) is_struct: bool,
    /// Several columns could be the label.
    pub(in crate::images) several: Vec<String>,
}

/// Receives rows. An error ends the list.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Columns, Row) -> Result<(), Fault>;

/// The rows that were listed before the end of a table, and the reason if it is damaged after them.
pub(in crate::images) type Listed = Result<(Columns, Option<SkipReason>), Fault>;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::images) struct Chosen {
    pub(super) at: usize,
    pub(in crate::images) name: String,
}

impl Columns {
    /// Chooses the columns.
    ///
    /// # Errors
    /// If no column can be the images, or several can.
    pub(super) fn of(schema: &Schema, wants_labels: bool) -> Result<Self, Fault> {
        let text = schema.metadata().get("huggingface");
        let features = features(text.map(String::as_str));
        let image = image(schema, &features)?;
        let (label, several) = if wants_labels {
            label(schema, &features)
        } else {
            (None, Vec::new())
        };
        let names = label
            .as_ref()
            .and_then(|label| class_names(features.get(&label.name)?));
        Ok(Self {
            is_struct: matches!(schema.field(image.at).data_type(), DataType::Struct(_)),
            image,
            label,
            names,
            several,
        })
    }

    /// Returns the class that a label stands for; `None` if it has none.
    pub(in crate::images) fn class<'a>(&'a self, label: &'a str) -> Option<&'a str> {
        class(self.names.as_deref(), label)
    }
}

/// The column of labels in a table whose images are not needed.
#[derive(Debug)]
pub(crate) struct LabelColumn {
    /// Its name.
    pub(crate) name: String,
    names: Option<Vec<String>>,
}

impl LabelColumn {
    /// Chooses the column as for a table of images, or else takes the one named `or`. Without one, returns
    /// the names of those that could be it.
    pub(crate) fn of(schema: &Schema, or: &str) -> Result<Self, Vec<String>> {
        let text = schema.metadata().get("huggingface");
        let features = features(text.map(String::as_str));
        let (chosen, several) = label(schema, &features);
        let mut labels = columns(schema).filter(|(_, field)| is_label(field.data_type()));
        let other = || labels.find(|(_, field)| field.name() == or).map(name_of);
        let name = chosen
            .map(|chosen| chosen.name)
            .or_else(other)
            .ok_or(several)?;
        let names = features.get(&name).and_then(class_names);
        Ok(Self { name, names })
    }

    /// Returns the class that a label stands for; `None` if it has none.
    pub(crate) fn class<'a>(&'a self, label: &'a str) -> Option<&'a str> {
        class(self.names.as_deref(), label)
    }
}

/// Returns the name of a label that is a number, or else the label itself.
fn class<'a>(names: Option<&'a [String]>, label: &'a str) -> Option<&'a str> {
    match (names, label.parse::<i64>()) {
        (Some(names), Ok(number)) => Some(names.get(usize::try_from(number).ok()?)?),
        _ => Some(label),
    }
}

/// Returns Hugging Face's description of the columns.
fn features(text: Option<&str>) -> serde_json::Map<String, Value> {
    let described: Option<Value> = text.and_then(|text| serde_json::from_str(text).ok());
    let features = described.and_then(|all| all.get("info")?.get("features").cloned());
    match features {
        Some(Value::Object(features)) => features,
        _ => serde_json::Map::new(),
    }
}

fn is_feature(feature: Option<&Value>, kind: &str) -> bool {
    feature.and_then(|feature| feature.get("_type")?.as_str()) == Some(kind)
}

fn class_names(feature: &Value) -> Option<Vec<String>> {
    let names = feature.get("names")?.as_array()?;
    names
        .iter()
        .map(|name| name.as_str().map(str::to_owned))
        .collect()
}

fn image(schema: &Schema, features: &serde_json::Map<String, Value>) -> Result<Chosen, Fault> {
    let is_digest = |field: &Field| is_of_features(schema) && field.name() == "digest";
    let all = || columns(schema).filter(|(_, field)| has_bytes(field) && !is_digest(field));
    let described = |(_, field): &(usize, &Field)| is_feature(features.get(field.name()), "Image");
    for candidates in [all().filter(described).collect::<Vec<_>>(), all().collect()] {
        let named = IMAGES.iter().find_map(|&name| {
            let mut named = candidates.iter();
            named.find(|(_, field)| field.name().eq_ignore_ascii_case(name))
        });
        match (&candidates[..], named) {
            (_, Some(&found)) => return Ok(chosen(found)),
            (&[only], _) => return Ok(chosen(only)),
            ([], _) => {}
            (several, _) => {
                return Err(Fault::NoColumn {
                    columns: names_of(columns(schema)),
                    several: names_of(several.iter().copied()),
                });
            }
        }
    }
    Err(Fault::NoColumn {
        columns: names_of(columns(schema)),
        several: Vec::new(),
    })
}

/// Returns whether a table has features, as workers write it: its column `digest` is not one of images.
fn is_of_features(schema: &Schema) -> bool {
    ["digest", "features", "width", "height"]
        .iter()
        .all(|name| schema.column_with_name(name).is_some())
}

/// Returns the column of labels, or the names of those that could be it.
fn label(
    schema: &Schema,
    features: &serde_json::Map<String, Value>,
) -> (Option<Chosen>, Vec<String>) {
    let labels = || columns(schema).filter(|(_, field)| is_label(field.data_type()));
    let named = LABELS.iter().find_map(|&name| {
        let mut labels = labels();
        labels.find(|(_, field)| field.name().eq_ignore_ascii_case(name))
    });
    let described: Vec<_> = labels()
        .filter(|(_, field)| is_feature(features.get(field.name()), "ClassLabel"))
        .collect();
    match (named, &described[..]) {
        (Some(found), _) => (Some(chosen(found)), Vec::new()),
        (None, &[only]) => (Some(chosen(only)), Vec::new()),
        (None, several) => (None, names_of(several.iter().copied())),
    }
}

fn columns(schema: &Schema) -> impl Iterator<Item = (usize, &Field)> {
    let fields = schema.fields().iter();
    fields.enumerate().map(|(at, field)| (at, &**field))
}

fn chosen((at, field): (usize, &Field)) -> Chosen {
    let name = field.name().clone();
    Chosen { at, name }
}

fn name_of((_, field): (usize, &Field)) -> String {
    field.name().clone()
}

fn names_of<'a>(fields: impl Iterator<Item = (usize, &'a Field)>) -> Vec<String> {
    fields.map(name_of).collect()
}

/// Returns whether a column can be images.
fn has_bytes(field: &Field) -> bool {
    match field.data_type() {
        DataType::Struct(fields) => {
            let mut fields = fields.iter();
            fields.any(|field| field.name() == "bytes" && is_binary(field.data_type()))
        }
        kind => is_binary(kind),
    }
}

fn is_binary(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView
    )
}

fn is_label(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean => true,
        DataType::Dictionary(_, values) => is_label(values),
        kind => kind.is_integer(),
    }
}
