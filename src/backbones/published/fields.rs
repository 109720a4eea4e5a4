//! Reads the fields of a JSON object, and remembers which were read.

use serde_json::{Map, Value};

use crate::images::Preprocessing;

/// What a configuration says.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) preprocessing: Preprocessing,
    pub(super) ignored: Vec<String>,
}

/// The fields of an object; a field that is null counts as missing.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    read: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: &'a Map<String, Value>) -> Self {
        let read = Vec::new();
        Self { map, read }
    }

    pub(super) fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Reads a field with `read`, which returns `None` for a value of another kind than `wanted`.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let wrong = || format!("`{name}` is {value}, but must be {wanted}");
        read(value).map(Some).ok_or_else(wrong)
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, String> {
        self.parsed(name, "true or false", Value::as_bool)
    }

    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<f64>, String> {
        let positive = |value: &Value| value.as_f64().filter(|number| *number > 0.0);
        self.parsed(name, "a number above 0", positive)
    }

    /// Reads a number for each of three channels.
    pub(super) fn channels(&mut self, name: &'static str) -> Result<Option<[f32; 3]>, String> {
        self.parsed(name, "three numbers, one for each channel", |value| {
            let numbers = value.as_array()?.iter();
            let numbers: Option<Vec<f32>> = numbers.map(|n| Some(n.as_f64()? as f32)).collect();
            numbers?.try_into().ok()
        })
    }

    /// Returns the names of all fields that were not read, are not `harmless`, and ask for something: they
    /// are neither null nor false.
    pub(super) fn others(&self, harmless: &[&str]) -> Vec<String> {
        let asks = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        let other = |name: &str| !self.read.contains(&name) && !harmless.contains(&name);
        let all = self.map.iter();
        all.filter(|(name, value)| other(name) && asks(value))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// Returns a number of pixels.
pub(super) fn pixels(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

/// Returns the `floor` of a size divided by the share of it that the crop keeps.
pub(super) fn before_crop(size: u32, share: f64) -> u32 {
    (f64::from(size) / share).floor() as u32
}
