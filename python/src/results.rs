//! Results of tasks as Python dictionaries, with the names of the program's JSON.

use pyo3::prelude::*;
use serde::Serialize;

/// Leaves a text as the library words it: parameters have the names of keywords.
pub(crate) fn plain(text: &str) -> String {
    text.to_owned()
}

/// A result as the text that the program prints: through a JSON value, `f32` numbers would get digits of
/// `f64`.
pub(crate) fn json(result: &impl Serialize) -> String {
    serde_json::to_string(result).expect("text, numbers and lists have a JSON form")
}

/// Converts the text of a result to dictionaries, lists, texts and numbers.
pub(crate) fn object(py: Python<'_>, json: &str) -> PyResult<Py<PyAny>> {
    Ok(py.import("json")?.call_method1("loads", (json,))?.unbind())
}
