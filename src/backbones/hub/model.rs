//! The name of a network on the model hub: `hf:OWNER/NAME[@REVISION][/FILE]`.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A network on the model hub: its repository and, if they are chosen, its revision and file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubModel {
    /// `OWNER/NAME`.
    pub(super) repository: String,
    /// A branch, tag or commit.
    pub(super) revision: Option<String>,
    /// The path of a file in the repository.
    pub(super) file: Option<String>,
}

const PREFIX: &str = "hf:";

impl HubModel {
    /// Returns whether a backbone's name is that of a network on the hub.
    #[must_use]
    pub fn is_meant(name: &str) -> bool {
        name.starts_with(PREFIX)
    }

    /// Returns the name of the repository, without its owner.
    #[must_use]
    pub fn name(&self) -> &str {
        let (_, name) = self.repository.split_once('/').unwrap_or_default();
        name
    }
}

impl FromStr for HubModel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let wanted = "hf:OWNER/NAME, with @REVISION and /FILE if you need them";
            Error::parameter("name", text, wanted)
        };
        let path = text.strip_prefix(PREFIX).ok_or_else(wrong)?;
        let mut parts = path.splitn(3, '/');
        let (owner, name) = (parts.next(), parts.next());
        let (owner, name) = owner.zip(name).ok_or_else(wrong)?;
        let (name, revision) = match name.split_once('@') {
            Some((name, revision)) => (name, Some(revision)),
            None => (name, None),
        };
        let file = parts.next();
        let right = is_name(owner)
            && is_name(name)
            && revision.is_none_or(is_revision)
            && file.is_none_or(is_inside);
        right
            .then(|| Self {
                repository: format!("{owner}/{name}"),
                revision: revision.map(ToOwned::to_owned),
                file: file.map(ToOwned::to_owned),
            })
            .ok_or_else(wrong)
    }
}

impl fmt::Display for HubModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.repository)?;
        if let Some(revision) = &self.revision {
            write!(f, "@{revision}")?;
        }
        self.file
            .as_ref()
            .map_or(Ok(()), |file| write!(f, "/{file}"))
    }
}

/// Returns whether text is the name of an owner or repository.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(allowed)
}

/// Returns whether text is `OWNER/NAME`.
pub(super) fn is_repository(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

/// Returns whether text may be a revision: with `%2F` for `/`, as in URLs.
fn is_revision(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.+%".contains(c);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(allowed)
}

/// Returns whether a path stays inside its folder on all systems.
pub(super) fn is_inside(path: &str) -> bool {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.contains(['\\', ':'])
            && !part.chars().any(char::is_control)
    };
    path.split('/').all(plain)
}

/// Returns whether text is the hash of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_revisions_and_files() {
        let parts = |text: &str| {
            let model: HubModel = text.parse().unwrap();
            assert_eq!(model.to_string(), text);
            (model.repository, model.revision, model.file)
        };
        let some = |text: &str| Some(text.to_owned());
        let both = "hf:a/b.c-1@v2/onnx/model_fp16.onnx";
        assert_eq!(parts("hf:a/b"), ("a/b".to_owned(), None, None));
        assert_eq!(
            parts(both),
            (
                "a/b.c-1".to_owned(),
                some("v2"),
                some("onnx/model_fp16.onnx")
            )
        );
        assert_eq!(parts("hf:a/b@refs%2Fpr%2F1").1, some("refs%2Fpr%2F1"));
        for wrong in [
            "a/b",
            "hf:",
            "hf:a",
            "hf:a/",
            "hf:/b",
            "hf:a/b@",
            "hf:a/b/",
            "hf:a/b/../c",
            "hf:a/b c",
            "hf:../b",
            "hf:a/b@../c",
            "hf:a/b/c\\d",
        ] {
            assert!(wrong.parse::<HubModel>().is_err(), "{wrong}");
        }
    }
}
