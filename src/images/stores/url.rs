//! URLs of objects and prefixes.

use std::path::Path;

/// The schemes, and how the same stores are also named.
const SCHEMES: [(&str, Scheme); 9] = [
    ("s3", Scheme::S3),
    ("s3a", Scheme::S3),
    ("gs", Scheme::Google),
    ("az", Scheme::Azure),
    ("azure", Scheme::Azure),
    ("abfs", Scheme::Azure),
    ("abfss", Scheme::Azure),
    ("http", Scheme::Http),
    ("https", Scheme::Http),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::images) enum Scheme {
    S3,
    Google,
    Azure,
    Http,
}

/// The URL of an object or of a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::images) struct Url {
    /// The URL as it was passed.
    pub(in crate::images) text: String,
    pub(super) scheme: Scheme,
    /// What comes before the key: `s3://bucket/`, `https://host/`.
    pub(super) base: String,
    /// The key, as it is written.
    pub(super) key: String,
    /// The query of a web address, with its question mark.
    pub(super) query: String,
}

impl Url {
    /// Parses an input; `None` if it is a path.
    pub(in crate::images) fn of(input: &Path) -> Option<Self> {
        let text = input.to_str()?;
        let (scheme, rest) = text.split_once("://")?;
        let mut schemes = SCHEMES.iter();
        let (_, known) = schemes.find(|(name, _)| scheme.eq_ignore_ascii_case(name))?;
        let (host, key) = rest.split_once('/').unwrap_or((rest, ""));
        let question = if *known == Scheme::Http {
            key.find('?')
        } else {
            None
        };
        let (key, query) = key.split_at(question.unwrap_or(key.len()));
        Some(Self {
            text: text.to_owned(),
            scheme: *known,
            base: format!("{scheme}://{host}/"),
            key: key.to_owned(),
            query: query.to_owned(),
        })
    }

    /// Returns whether the key is a pattern of keys.
    pub(in crate::images) fn is_pattern(&self) -> bool {
        self.scheme != Scheme::Http && self.key.contains(['*', '?'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_stores_are_urls() {
        for path in ["a/b.jpg", "s3", "s3:/a", "file:///a", "C://a", "ftp://a/b"] {
            assert_eq!(Url::of(path.as_ref()), None, "{path}");
        }
        let parts = |text: &str| {
            let url = Url::of(text.as_ref()).unwrap();
            (url.base, url.key, url.query)
        };
        for (text, base, key, query) in [
            ("s3://b", "s3://b/", "", ""),
            ("s3://b/a/c?.jpg", "s3://b/", "a/c?.jpg", ""),
            ("gs://b/a/", "gs://b/", "a/", ""),
            ("https://h:8/a.jpg?w=3", "https://h:8/", "a.jpg", "?w=3"),
        ] {
            let known = [base, key, query].map(str::to_owned);
            assert_eq!(parts(text), known.into(), "{text}");
        }
    }
}
