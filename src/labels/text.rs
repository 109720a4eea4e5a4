//! Reads label files in CSV and JSON Lines.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::columns::{LabelColumns, Places};
use super::row::Raw;

/// Receives rows. An error ends the file.
pub(super) type Add<'a> = &'a mut dyn FnMut(Raw<'_>) -> Result<(), String>;

/// Separators of columns, the first of which wins where several fit.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Passes all rows to `add`, and returns the name of the column with the images, or what is wrong.
pub(super) fn read(bytes: &[u8], columns: &LabelColumns, add: Add<'_>) -> Result<String, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
        return Err("it is UTF-16 or binary; save it as CSV in UTF-8".to_owned());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("invalid UTF-8 at position {}", error.valid_up_to()))?;
    match text.trim_start().chars().next() {
        None => Err("it is empty".to_owned()),
        Some('{') => json_lines(text, columns, add),
        Some(_) => csv(text, columns, add),
    }
}

fn csv(text: &str, columns: &LabelColumns, add: Add<'_>) -> Result<String, String> {
    let (text, given, before) = excel_separator(text);
    let separators = given.map_or(SEPARATORS.to_vec(), |separator| vec![separator]);
    let (separator, header, places) = header(text, &separators, columns)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| error.to_string())?
    {
        let at = record.position().map_or(0, |start| {
            // The position is that before empty lines, which are passed over.
            let rest = text.as_bytes()[start.byte() as usize..].iter();
            let empty = rest.take_while(|byte| matches!(byte, b'\r' | b'\n'));
            let empty = empty.filter(|byte| **byte == b'\n').count();
            start.line() as u32 + empty as u32 + before
        });
        let is_empty = record.iter().all(str::is_empty);
        if record.len() != header.len() && !is_empty {
            let (found, wanted) = (record.len(), header.len());
            return Err(format!(
                "line {at} has {found} fields, and the header {wanted}"
            ));
        }
        if is_empty {
            // As spreadsheets leave rows at the end.
            continue;
        }
        let cell = |place: usize| record.get(place).unwrap_or("");
        let maybe = |place: Option<usize>| place.map_or("", cell);
        add(Raw {
            line: at,
            key: cell(places.key),
            label: cell(places.label),
            status: maybe(places.status),
            probability: maybe(places.probability),
        })?;
    }
    Ok(header.get(places.key).unwrap_or("").to_owned())
}

/// Returns the text after a first line such as `sep=;`, by which Excel names the separator, and the number of
/// lines before that.
fn excel_separator(text: &str) -> (&str, Option<u8>, u32) {
    let Some((first, rest)) = text.split_once('\n') else {
        return (text, None, 0);
    };
    match first.trim_end_matches('\r').as_bytes() {
        [b's', b'e', b'p', b'=', separator] if separator.is_ascii() => (rest, Some(*separator), 1),
        _ => (text, None, 0),
    }
}

/// Returns the separator with which the header has the columns, the header, and the places of the columns.
fn header(
    text: &str,
    separators: &[u8],
    columns: &LabelColumns,
) -> Result<(u8, csv::StringRecord, Places), String> {
    let mut refused: Option<(usize, String)> = None;
    for &separator in separators {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| error.to_string())?.clone();
        let names: Vec<&str> = header.iter().collect();
        match columns.places(&names) {
            Ok(places) => return Ok((separator, header, places)),
            Err(problem) if refused.as_ref().is_none_or(|(most, _)| names.len() > *most) => {
                refused = Some((names.len(), problem));
            }
            Err(_) => {}
        }
    }
    Err(refused.map_or_else(String::new, |(_, problem)| problem))
}

fn json_lines(text: &str, columns: &LabelColumns, add: Add<'_>) -> Result<String, String> {
    let (keys, labels) = (columns.keys(), columns.labels());
    let wanted: Vec<&str> = keys
        .iter()
        .chain(&labels)
        .copied()
        .chain(["status", "probability"])
        .collect();
    let mut key = None;
    for (number, line) in text.lines().enumerate() {
        let number = number as u32 + 1;
        if line.trim().is_empty() {
            continue;
        }
        let mut json = serde_json::Deserializer::from_str(line);
        let cells = json.deserialize_map(Cells(&wanted));
        let cells = cells.and_then(|cells| json.end().map(|()| cells));
        let cells = cells.map_err(|error| format!("line {number} cannot be read: {error}"))?;
        let names: Vec<&str> = cells.iter().map(|(name, _)| &**name).collect();
        let places = columns.places(&names);
        let places = places.map_err(|problem| format!("line {number}: {problem}"))?;
        let name = names[places.key];
        if key.get_or_insert_with(|| name.to_owned()) != name {
            let before = key.unwrap_or_default();
            return Err(format!("line {number} has `{name}` instead of `{before}`"));
        }
        let cell = |place: usize| cells[place].1.as_str();
        add(Raw {
            line: number,
            key: cell(places.key),
            label: cell(places.label),
            status: places.status.map_or("", cell),
            probability: places.probability.map_or("", cell),
        })?;
    }
    Ok(key.unwrap_or_default())
}

/// Reads only these members of an object, as text. What an object has besides may be large.
struct Cells<'a>(&'a [&'a str]);

impl<'de> Visitor<'de> for Cells<'_> {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut cells: Self::Value = Vec::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if !self.0.contains(&&*name) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if cells.iter().any(|(before, _)| *before == name) {
                return Err(de::Error::custom(format!("`{name}` is there twice")));
            }
            let Cell(text) = map.next_value()?;
            cells.push((name.into_owned(), text));
        }
        Ok(cells)
    }
}

/// A text, number or Boolean as text; empty if it is null.
struct Cell(String);

impl<'de> de::Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar).map(Self)
    }
}

struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false or null")
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok(String::new())
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
}
