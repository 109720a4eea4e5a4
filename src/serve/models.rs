//! The models that are served, by name and version.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::networks::Network;
use super::source::HeadSource;
use crate::classifier::Predictor;
use crate::http::Problem;
use crate::phrases::in_quotes;
use crate::stamp::Stamp;

/// A head and the network of its features. A request keeps its model until it is answered, even if the model
/// is replaced meanwhile.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) source: HeadSource,
    /// The head file's stamp when it was read, which tells whether it has changed.
    pub(super) stamp: Option<Stamp>,
    pub(super) predictor: Predictor,
    pub(super) network: Arc<Network>,
}

/// A version: numbers are ordered by their value and come after other texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version(pub(super) String);

impl Version {
    fn key(&self) -> (Option<u64>, &str) {
        (self.0.parse().ok(), &self.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// All models at one time.
#[derive(Debug, Default, Clone)]
pub(super) struct Models(BTreeMap<String, BTreeMap<Version, Arc<Model>>>);

impl Models {
    pub(super) fn add(&mut self, model: Arc<Model>) {
        let versions = self.0.entry(model.source.name.clone()).or_default();
        versions.insert(Version(model.source.version.clone()), model);
    }

    /// Returns all models, ordered by name and version.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.0.values().flat_map(BTreeMap::values)
    }

    pub(super) fn get(&self, source: &HeadSource) -> Option<&Arc<Model>> {
        let versions = self.0.get(&source.name)?;
        versions.get(&Version(source.version.clone()))
    }

    /// Returns the versions of a model, ascending.
    pub(super) fn versions(&self, name: &str) -> Vec<&str> {
        let versions = self.0.get(name).into_iter().flat_map(BTreeMap::keys);
        versions.map(|version| &*version.0).collect()
    }

    /// Finds a model; without a version, the latest one, and without a name, the only one.
    ///
    /// # Errors
    /// Status 404 if there is none, and 400 if a name is needed.
    pub(super) fn find(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Arc<Model>, Problem> {
        let versions = match (name, self.0.len()) {
            (None, 1) => self.0.values().next(),
            (None, 0) => return Err(Problem::not_found("no model is served")),
            (None, _) => return Err(no_model_named(self.0.keys())),
            (Some(name), _) => self.0.get(name),
        };
        let Some(versions) = versions else {
            return Err(no_model(name.unwrap_or_default()));
        };
        let model = match version {
            None => versions.last_key_value().map(|(_, model)| model),
            Some(version) => versions.get(&Version(version.to_owned())),
        };
        let only = || self.0.keys().next().map(String::as_str);
        let name = name.or_else(only).unwrap_or_default();
        let model = model.ok_or_else(|| no_version(name, version.unwrap_or_default()))?;
        Ok(Arc::clone(model))
    }
}

fn no_model(name: &str) -> Problem {
    Problem::not_found(format!("there is no model `{name}`"))
}

fn no_version(name: &str, version: &str) -> Problem {
    Problem::not_found(format!("model `{name}` has no version `{version}`"))
}

fn no_model_named<'a>(names: impl Iterator<Item = &'a String>) -> Problem {
    let names = in_quotes(names.map(String::as_str));
    Problem::bad_request(format!(
        "several models are served, so `model` must be one of {names}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let mut versions: Vec<_> = ["10", "9", "b", "2", "a"]
            .map(|text| Version(text.to_owned()))
            .into();
        versions.sort();
        let texts: Vec<_> = versions.iter().map(|version| &*version.0).collect();
        assert_eq!(texts, ["a", "b", "2", "9", "10"]);
    }
}
