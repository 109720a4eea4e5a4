//! Where the hub is, and how to use it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::backbones::download::Token;
use crate::error::{BackboneError, Error, Result};

/// The hub itself; `HF_ENDPOINT` is a mirror of it.
const ENDPOINT: &str = "https://huggingface.co";

/// The hub, or a mirror of it, and how to use it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Hub {
    /// Its address, without `/` at the end.
    pub endpoint: String,
    /// The user's token, which is sent only there.
    pub token: Option<Token>,
    /// The local cache of the hub's own tools, which is only read.
    pub cache: Option<PathBuf>,
    /// Whether the network must not be used.
    pub offline: bool,
}

impl Hub {
    /// Reads `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_CACHE` or `HF_HOME`, and `HF_HUB_OFFLINE`.
    ///
    /// # Errors
    /// [`BackboneError::HubVariable`] if `HF_ENDPOINT` is not an HTTP URL, or has a password, which would be
    /// stored with everything that is pulled; and if `HF_TOKEN` cannot be a token.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| env::var_os(name))
    }

    fn from_variables(get: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let text = |variable| match get(variable).map(OsString::into_string) {
            Some(Ok(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(Err(_)) => Err(wrong(variable, "is not valid UTF-8")),
            None => Ok(None),
        };
        let get = |name| get(name).filter(|value| !value.is_empty());
        let endpoint = text("HF_ENDPOINT")?.unwrap_or_else(|| ENDPOINT.to_owned());
        let endpoint = checked(&endpoint)?;
        let token = text("HF_TOKEN")?;
        if token
            .as_deref()
            .is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(wrong(
                "HF_TOKEN",
                "has characters that are not allowed in a token",
            ));
        }
        let usual = || {
            let dirs = etcetera::choose_base_strategy().ok()?;
            Some(dirs.cache_dir().join("huggingface"))
        };
        let home = || get("HF_HOME").map(PathBuf::from).or_else(usual);
        let cache = get("HF_HUB_CACHE").map(PathBuf::from);
        let offline = text("HF_HUB_OFFLINE")?.map(|value| value.to_ascii_uppercase());
        Ok(Self {
            token: token.map(|token| Token::new(&token, &endpoint)),
            cache: cache.or_else(|| home().map(|home| home.join("hub"))),
            offline: offline.is_some_and(|value| ["1", "ON", "YES", "TRUE"].contains(&&*value)),
            endpoint,
        })
    }
}

/// Returns a URL without `/` at the end, if it is one of HTTP without a user name or password.
fn checked(endpoint: &str) -> Result<String> {
    let parts = endpoint.trim_end_matches('/').split_once("://");
    let parts = parts.map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    match parts {
        Some((scheme, rest)) if matches!(&*scheme, "http" | "https") && !rest.is_empty() => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if host.contains('@') {
                return Err(wrong("HF_ENDPOINT", "contains a user name or password"));
            }
            Ok(format!("{scheme}://{rest}"))
        }
        _ => Err(wrong("HF_ENDPOINT", "is not an HTTP URL")),
    }
}

fn wrong(variable: &'static str, problem: &'static str) -> Error {
    BackboneError::HubVariable { variable, problem }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(set: &[(&str, &str)]) -> Result<Hub> {
        Hub::from_variables(|name| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).into())
        })
    }

    #[test]
    fn the_environment_is_read_as_by_the_hubs_own_tools() {
        let plain = hub(&[]).unwrap();
        assert_eq!((&*plain.endpoint, plain.offline), (ENDPOINT, false));
        assert!(plain.cache.unwrap().ends_with("huggingface/hub"));
        let set = hub(&[
            ("HF_ENDPOINT", "http://mirror.example/"),
            ("HF_HOME", "/cache"),
            ("HF_HUB_OFFLINE", "yes"),
            ("HF_TOKEN", "secret"),
        ]);
        let set = set.unwrap();
        assert_eq!(
            (&*set.endpoint, set.offline),
            ("http://mirror.example", true)
        );
        assert_eq!(set.cache.as_deref(), Some("/cache/hub".as_ref()));
        assert!(!format!("{set:?}").contains("secret"));
        let cache = hub(&[("HF_HOME", "/cache"), ("HF_HUB_CACHE", "/other")]).unwrap();
        assert_eq!(cache.cache.as_deref(), Some("/other".as_ref()));
        let upper = hub(&[("HF_ENDPOINT", "HTTPS://Mirror.example/a//")]).unwrap();
        assert_eq!(upper.endpoint, "https://Mirror.example/a");
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_its_value() {
        for (variable, value, problem) in [
            ("HF_ENDPOINT", "mirror", "is not an HTTP URL"),
            ("HF_ENDPOINT", "file:///mirror", "is not an HTTP URL"),
            ("HF_ENDPOINT", "https://", "is not an HTTP URL"),
            (
                "HF_ENDPOINT",
                "https://me:mirror@example.com",
                "contains a user name or password",
            ),
            (
                "HF_TOKEN",
                "mirror\nX: y",
                "has characters that are not allowed in a token",
            ),
        ] {
            let error = hub(&[(variable, value)]).unwrap_err().to_string();
            let wanted = format!("the environment variable {variable} {problem}");
            assert_eq!(error, wanted, "{value:?}");
        }
    }
}
