//! A head to serve: where it is, and the name and version that requests choose it by.

use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, NameProblem, Result, ServeError};

/// A head to serve: `NAME=FILE` or `NAME@VERSION=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadSource {
    /// The name of the model.
    pub name: String,
    /// Its version; 1 if none is given.
    pub version: String,
    /// The head file or bundle.
    pub path: PathBuf,
}

impl HeadSource {
    /// The version of a head that has none.
    pub const FIRST: &'static str = "1";
    /// The longest name and the longest version, in bytes.
    const LONGEST: usize = 200;

    /// Creates a source.
    ///
    /// # Errors
    /// [`ServeError::Name`].
    pub fn new(name: &str, version: &str, path: impl Into<PathBuf>) -> Result<Self> {
        let both = [name, version];
        let problem = if both.iter().any(|text| text.is_empty()) {
            Some(NameProblem::Empty)
        } else if both.iter().any(|text| text.len() > Self::LONGEST) {
            Some(NameProblem::Long)
        } else {
            let control = both.concat().contains(char::is_control);
            control.then_some(NameProblem::Control)
        };
        let Some(problem) = problem else {
            return Ok(Self {
                name: name.to_owned(),
                version: version.to_owned(),
                path: path.into(),
            });
        };
        let name = match version {
            Self::FIRST => name.to_owned(),
            version => format!("{name}@{version}"),
        };
        Err(ServeError::Name { name, problem }.into())
    }

    pub(super) fn id(&self) -> (&str, &str) {
        (&self.name, &self.version)
    }
}

impl FromStr for HeadSource {
    type Err = Error;

    /// Parses `NAME=FILE` or `NAME@VERSION=FILE`; a path alone is served under its file name without the
    /// extension.
    fn from_str(text: &str) -> Result<Self> {
        let Some((name, path)) = text.split_once('=') else {
            let path = PathBuf::from(text);
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            return Self::new(&stem, Self::FIRST, &path);
        };
        let (name, version) = name.rsplit_once('@').unwrap_or((name, Self::FIRST));
        Self::new(name, version, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_named_with_their_versions() {
        for (text, name, version, path) in [
            ("cats=a/b.safetensors", "cats", "1", "a/b.safetensors"),
            ("cats@2=b=c", "cats", "2", "b=c"),
            ("a@b@3=c", "a@b", "3", "c"),
            ("a/katze ü=c", "a/katze ü", "1", "c"),
            ("a/pets.safetensors", "pets", "1", "a/pets.safetensors"),
        ] {
            let source: HeadSource = text.parse().unwrap();
            assert_eq!(source.id(), (name, version), "{text}");
            assert_eq!(source.path, PathBuf::from(path), "{text}");
        }
        for text in ["=a", "a@=b", "a\n=b", &format!("{}=a", "x".repeat(201))] {
            assert!(text.parse::<HeadSource>().is_err(), "{text}");
        }
    }
}
