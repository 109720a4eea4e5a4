//! The hub's description of a repository, as its API answers it.

use serde::Deserialize;
use serde_json::Value;

use super::model::{is_commit, is_inside, is_repository};

/// What the hub says about a repository at a revision.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    /// `OWNER/NAME`, which is another one than requested if the repository was renamed.
    pub(super) repository: String,
    /// The hash of the commit.
    pub(super) commit: String,
    pub(super) license: Option<String>,
    pub(super) gated: bool,
    pub(super) files: Vec<Listed>,
}

/// A file in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its path, with `/`.
    pub(super) path: String,
    pub(super) bytes: Option<u64>,
    /// Its SHA-256, known for large files (Git LFS) only.
    pub(super) sha256: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(alias = "modelId")]
    id: String,
    sha: String,
    #[serde(default)]
    gated: Value,
    #[serde(default)]
    siblings: Vec<Sibling>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    card_data: Value,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    #[serde(alias = "oid")]
    sha256: String,
    size: u64,
}

impl Listing {
    /// Reads an answer of the API. Files whose paths leave the repository are left out.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let answer: Answer = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !is_commit(&answer.sha) || !is_repository(&answer.id) {
            return Err("its answer names no repository and commit".to_owned());
        }
        let license = license(&answer);
        let files = answer.siblings.into_iter().map(|file| {
            let (bytes, sha256) = match file.lfs {
                Some(lfs) => (
                    Some(lfs.size),
                    Some(lfs.sha256).filter(|sum| is_sha256(sum)),
                ),
                None => (file.size, None),
            };
            Listed {
                path: file.rfilename,
                bytes,
                sha256,
            }
        });
        Ok(Self {
            repository: answer.id,
            commit: answer.sha,
            license,
            gated: !matches!(answer.gated, Value::Null | Value::Bool(false)),
            files: files.filter(|file| is_inside(&file.path)).collect(),
        })
    }

    pub(super) fn file(&self, path: &str) -> Option<&Listed> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.files.iter().map(|file| file.path.clone()).collect()
    }
}

pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns the licence of the model card, or of the tags that the hub derives from it.
fn license(answer: &Answer) -> Option<String> {
    let of_card = answer.card_data.get("license").and_then(Value::as_str);
    let mut tags = answer.tags.iter();
    let of_tags = || tags.find_map(|tag| tag.strip_prefix("license:"));
    of_card
        .or_else(of_tags)
        .filter(|text| is_license(text))
        .map(ToOwned::to_owned)
}

/// Returns whether a text is short enough for the name of a licence: what is pulled keeps it.
pub(super) fn is_license(text: &str) -> bool {
    (1..=200).contains(&text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn an_answer_names_commit_files_and_licence() {
        let sum = "a".repeat(64);
        let text = format!(
            r#"{{"_id": "1", "id": "new/name", "sha": "{COMMIT}", "gated": "auto", "private": false,
                "tags": ["onnx", "license:mit"], "siblings": [
                {{"rfilename": "onnx/model.onnx", "size": 9, "blobId": "b",
                  "lfs": {{"sha256": "{sum}", "size": 9, "pointerSize": 130}}}},
                {{"rfilename": "config.json", "size": 2}}, {{"rfilename": "../../evil"}}]}}"#
        );
        let listing = Listing::read(&text).unwrap();
        assert_eq!(
            (&*listing.repository, &*listing.commit),
            ("new/name", COMMIT)
        );
        assert_eq!(listing.license.as_deref(), Some("mit"));
        assert!(listing.gated);
        assert_eq!(listing.paths(), ["onnx/model.onnx", "config.json"]);
        let network = listing.file("onnx/model.onnx").unwrap();
        assert_eq!(
            (network.bytes, network.sha256.clone()),
            (Some(9), Some(sum))
        );
        assert_eq!(listing.file("config.json").unwrap().bytes, Some(2));
    }

    #[test]
    fn an_answer_without_a_commit_is_refused() {
        for text in ["<html>", "{}", r#"{"id": "a/b", "sha": "../x"}"#] {
            assert!(Listing::read(text).is_err(), "{text}");
        }
    }
}
