//! The proxies set in the environment, by curl's conventions: a variable for each scheme, then one for all.

use std::env;
use std::net::Ipv6Addr;

use ureq::Proxy;

use crate::error::{BackboneError, Result};

/// The proxies of a download; none by default.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Way>,
    https: Option<Way>,
}

/// A proxy, and the variable that sets it.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) proxy: Proxy,
    variable: &'static str,
}

impl Way {
    /// Returns `the proxy 10.0.0.1:3128 from HTTPS_PROXY`, without the user's name and password.
    pub(super) fn words(&self) -> String {
        let (host, port) = (self.proxy.host(), self.proxy.port());
        format!("the proxy {host}:{port} from {}", self.variable)
    }
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower or upper case.
    ///
    /// # Errors
    /// [`BackboneError::Proxy`] naming the variable that is not a valid proxy.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| env::var(name).ok())
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let first = |names: &[&'static str]| {
            let mut set = names.iter().filter_map(|name| Some((*name, get(name)?)));
            set.find(|(_, value)| !value.trim().is_empty())
        };
        let not_for = first(&["no_proxy", "NO_PROXY"]).map_or_else(String::new, |(_, hosts)| hosts);
        let way = |own: &[&'static str]| {
            let named = first(own).or_else(|| first(&["all_proxy", "ALL_PROXY"]));
            named
                .map(|(variable, value)| way(variable, value.trim(), &not_for))
                .transpose()
        };
        Ok(Self {
            http: way(&["http_proxy", "HTTP_PROXY"])?,
            https: way(&["https_proxy", "HTTPS_PROXY"])?,
        })
    }

    /// Returns the proxy for `url`, or `None` for a direct connection.
    pub(super) fn for_url(&self, url: &str) -> Option<&Way> {
        let secure = url
            .get(..6)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
        let way = if secure { &self.https } else { &self.http };
        let uri = url.parse().ok()?;
        way.as_ref().filter(|way| !way.proxy.is_no_proxy(&uri))
    }
}

fn way(variable: &'static str, value: &str, not_for: &str) -> Result<Way> {
    // The value is not printed, because it may contain a password.
    let wrong = || BackboneError::Proxy { variable };
    let named = Proxy::new(value).map_err(|_| wrong())?;
    let mut proxy = Proxy::builder(named.protocol())
        .host(named.host())
        .port(named.port());
    if let Some(user) = named.username() {
        proxy = proxy.username(user);
    }
    if let Some(password) = named.password() {
        proxy = proxy.password(password);
    }
    for host in not_for.split(',').map(str::trim).filter(|h| !h.is_empty()) {
        for pattern in patterns(host) {
            proxy = proxy.no_proxy(&pattern);
        }
    }
    Ok(Way {
        proxy: proxy.build().map_err(|_| wrong())?,
        variable,
    })
}

/// Returns the patterns for an entry of `NO_PROXY`: a host and all its subdomains, with or without a leading
/// dot.
fn patterns(host: &str) -> Vec<String> {
    if host == "*" {
        return vec![host.to_owned()];
    }
    if host.parse::<Ipv6Addr>().is_ok() {
        return vec![format!("[{host}]")];
    }
    let name = host.trim_start_matches("*.").trim_start_matches('.');
    vec![name.to_owned(), format!(".{name}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies> {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn words(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.for_url(url).map(Way::words)
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_stands_in() {
        let set = [
            ("https_proxy", "http://a:1"),
            ("ALL_PROXY", "socks5h://b:2"),
            ("HTTPS_PROXY", "http://c:3"),
        ];
        let proxies = proxies(&set).unwrap();
        let to = |url| words(&proxies, url).unwrap();
        assert_eq!(to("https://host/file"), "the proxy a:1 from https_proxy");
        assert_eq!(to("HTTPS://host/file"), "the proxy a:1 from https_proxy");
        assert_eq!(to("http://host/file"), "the proxy b:2 from ALL_PROXY");
    }

    #[test]
    fn without_variables_the_way_is_direct() {
        let proxies = proxies(&[("HTTPS_PROXY", " ")]).unwrap();
        assert_eq!(words(&proxies, "https://host/file"), None);
    }

    #[test]
    fn hosts_that_are_left_out() {
        let no_proxy = "localhost, .corp.example,*.lab.example , 10.0.0.7,::1,site.example";
        let proxies = proxies(&[("ALL_PROXY", "p:8080"), ("NO_PROXY", no_proxy)]).unwrap();
        let direct = [
            "http://localhost:99/f",
            "https://corp.example/f",
            "https://a.corp.example/f",
            "https://x.lab.example/f",
            "http://10.0.0.7/f",
            "http://[::1]:80/f",
            "https://SITE.example/f",
            "https://a.site.example/f",
        ];
        for url in direct {
            assert_eq!(words(&proxies, url), None, "{url}");
        }
        for url in [
            "https://mysite.example/f",
            "https://corp.example.org/f",
            "http://10.0.0.70/f",
        ] {
            assert!(words(&proxies, url).is_some(), "{url}");
        }
    }

    #[test]
    fn a_wrong_proxy_is_named_without_its_password() {
        let error = proxies(&[("HTTPS_PROXY", "ftp://user:secret@host")]).unwrap_err();
        assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn names_and_passwords_survive() {
        let proxies = proxies(&[("ALL_PROXY", "http://me:p%40ss%25@host:81")]).unwrap();
        let proxy = &proxies.for_url("http://x/").unwrap().proxy;
        assert_eq!(
            (proxy.username(), proxy.password()),
            (Some("me"), Some("p@ss%"))
        );
    }
}
