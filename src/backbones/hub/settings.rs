//! Where the hub is, and how to use it.

use std::env;
use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::backbones::download::Token;
use crate::error::{BackboneError, Result};

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
    /// [`BackboneError::Endpoint`] if `HF_ENDPOINT` is not an HTTP URL.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let endpoint = get("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        let endpoint = endpoint.trim().trim_end_matches('/').to_owned();
        if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
            return Err(BackboneError::Endpoint { endpoint }.into());
        }
        let usual = || {
            let dirs = etcetera::choose_base_strategy().ok()?;
            Some(dirs.cache_dir().join("huggingface"))
        };
        let home = || get("HF_HOME").map(PathBuf::from).or_else(usual);
        let cache = get("HF_HUB_CACHE").map(PathBuf::from);
        let offline = get("HF_HUB_OFFLINE").map(|value| value.trim().to_ascii_uppercase());
        Ok(Self {
            token: get("HF_TOKEN").map(|token| Token::new(token.trim(), &endpoint)),
            cache: cache.or_else(|| home().map(|home| home.join("hub"))),
            offline: offline.is_some_and(|value| ["1", "ON", "YES", "TRUE"].contains(&&*value)),
            endpoint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(set: &[(&str, &str)]) -> Result<Hub> {
        Hub::from_variables(|name| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
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
        let error = hub(&[("HF_ENDPOINT", "mirror")]).unwrap_err();
        assert!(error.to_string().contains("HF_ENDPOINT"), "{error}");
    }
}
