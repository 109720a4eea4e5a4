//! Requests to the hub: the list of a repository's files, and what it says about one of them.

use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode};

use super::cache;
use super::fault::Fault;
use super::listing::{Listed, Listing, is_sha256};
use super::model::HubModel;
use super::settings::Hub;
use crate::backbones::download::{Client, DownloadOptions, Fault as Lost, told_wait};
use crate::error::HubProblem;

/// The size limit of an answer, and of a file that is not in Git LFS, which the hub limits to 10 MB.
const MOST_BYTES: usize = 32 << 20;

/// Sends requests to the hub.
pub(super) struct Requests<'a> {
    hub: &'a Hub,
    options: DownloadOptions,
}

impl<'a> Requests<'a> {
    pub(super) fn new(hub: &'a Hub, options: &DownloadOptions) -> Self {
        let mut options = options.clone();
        options.token.clone_from(&hub.token);
        Self { hub, options }
    }

    pub(super) fn options(&self) -> &DownloadOptions {
        &self.options
    }

    /// Lists the files of a repository. The hub redirects from a repository's old name to its new one.
    pub(super) fn listing(&self, model: &HubModel) -> Result<Listing, Fault> {
        let revision = model.revision.as_deref().unwrap_or(cache::MAIN);
        let url = format!(
            "{}/api/models/{}/revision/{}?blobs=true",
            self.hub.endpoint,
            model.repository,
            encoded(revision, "%")
        );
        let response = self.get(&url)?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(
                &url,
                &response,
                || HubProblem::NotFound {
                    token: self.hub.token.is_some(),
                },
                Some(revision),
            ));
        }
        let bytes = self.body(&url, response)?;
        let text = String::from_utf8_lossy(&bytes);
        Listing::read(&text).map_err(|why| HubProblem::Unusable { url, why }.into())
    }

    /// Asks for the size and SHA-256 of a file, which the hub has for files in Git LFS, and compares them
    /// with the listing.
    pub(super) fn about(&self, listing: &Listing, file: &Listed) -> Result<Listed, Fault> {
        let url = self.url(listing, &file.path);
        let client = Client::new(&url, &self.options);
        let response = client.head().map_err(|lost| lost_at(&url, lost))?;
        let status = response.status();
        if !status.is_success() && !status.is_redirection() {
            return Err(self.file_refusal(&url, &response, listing, &file.path));
        }
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let sum = header("x-linked-etag").map(|tag| tag.trim_start_matches("W/").trim_matches('"'));
        let sha256 = sum.filter(|sum| is_sha256(sum)).map(ToOwned::to_owned);
        let bytes = header("x-linked-size").and_then(|size| size.parse().ok());
        let differs = |listed: bool, same: bool| listed && !same;
        if differs(
            file.sha256.is_some() && sha256.is_some(),
            file.sha256 == sha256,
        ) || differs(file.bytes.is_some() && bytes.is_some(), file.bytes == bytes)
        {
            let file = file.path.clone();
            return Err(HubProblem::Changed { file }.into());
        }
        Ok(Listed {
            path: file.path.clone(),
            bytes: file.bytes.or(bytes),
            sha256: file.sha256.clone().or(sha256),
        })
    }

    /// Returns a file that is not in Git LFS.
    pub(super) fn small(&self, listing: &Listing, file: &Listed) -> Result<Vec<u8>, Fault> {
        let url = self.url(listing, &file.path);
        let response = self.get(&url)?;
        if response.status() != StatusCode::OK {
            return Err(self.file_refusal(&url, &response, listing, &file.path));
        }
        let bytes = self.body(&url, response)?;
        match file.bytes {
            Some(size) if size != bytes.len() as u64 => {
                let file = file.path.clone();
                Err(HubProblem::Changed { file }.into())
            }
            _ => Ok(bytes),
        }
    }

    /// Returns the URL of a file at the pinned commit.
    pub(super) fn url(&self, listing: &Listing, path: &str) -> String {
        format!(
            "{}/{}/resolve/{}/{}",
            self.hub.endpoint,
            listing.repository,
            listing.commit,
            encoded(path, "/")
        )
    }

    fn get(&self, url: &str) -> Result<Response<Body>, Fault> {
        let client = Client::new(url, &self.options);
        client.response().map_err(|lost| lost_at(url, lost))
    }

    fn body(&self, url: &str, response: Response<Body>) -> Result<Vec<u8>, Fault> {
        let mut body = Client::new(url, &self.options).body(response);
        let bytes = body
            .read_up_to(MOST_BYTES + 1)
            .map_err(|lost| lost_at(url, lost))?;
        if bytes.len() > MOST_BYTES {
            let why = format!("it sends more than {MOST_BYTES} bytes");
            return Err(unusable(url, why));
        }
        Ok(bytes)
    }

    fn file_refusal(
        &self,
        url: &str,
        response: &Response<Body>,
        listing: &Listing,
        file: &str,
    ) -> Fault {
        // It is in the list of files.
        let gone = || HubProblem::Changed {
            file: file.to_owned(),
        };
        match self.refusal(url, response, gone, None) {
            Fault::Hub(HubProblem::Denied { token, .. }) if listing.gated => {
                self.gated(&listing.repository, token).into()
            }
            other => other,
        }
    }

    fn gated(&self, repository: &str, token: bool) -> HubProblem {
        let page = format!("{}/{repository}", self.hub.endpoint);
        HubProblem::Gated { page, token }
    }

    /// Returns why the hub refuses a request, from the status and the header with its own code.
    fn refusal(
        &self,
        url: &str,
        response: &Response<Body>,
        missing: impl FnOnce() -> HubProblem,
        revision: Option<&str>,
    ) -> Fault {
        let token = self.hub.token.is_some();
        let (status, headers) = (response.status(), response.headers());
        let problem = match (status, code(headers), revision) {
            (_, "RepoNotFound", _) => HubProblem::NotFound { token },
            (_, "RevisionNotFound", Some(revision)) => HubProblem::NoRevision {
                revision: revision.to_owned(),
            },
            (_, "GatedRepo", _) => self.gated(&repository(url, &self.hub.endpoint), token),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, ..) => HubProblem::Denied {
                status: status.to_string(),
                token,
            },
            (StatusCode::NOT_FOUND, ..) => missing(),
            (StatusCode::TOO_MANY_REQUESTS, ..) => HubProblem::Limited {
                wait: told_wait(headers),
            },
            _ => return unusable(url, status.to_string()),
        };
        problem.into()
    }
}

fn code(headers: &HeaderMap) -> &str {
    let code = headers.get("x-error-code");
    code.and_then(|code| code.to_str().ok()).unwrap_or_default()
}

/// Returns `OWNER/NAME` of a URL on the hub.
fn repository(url: &str, endpoint: &str) -> String {
    let path = url.strip_prefix(endpoint).unwrap_or_default();
    let path = path.strip_prefix("/api/models").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').skip(1).take(2).collect();
    parts.join("/")
}

fn lost_at(url: &str, lost: Lost) -> Fault {
    match lost {
        Lost::Local(error) => error.into(),
        Lost::Broken(why) | Lost::Refused(why) => unusable(url, why),
    }
}

fn unusable(url: &str, why: String) -> Fault {
    let url = url.to_owned();
    HubProblem::Unusable { url, why }.into()
}

/// Encodes a part of a URL's path, except unreserved characters (RFC 3986, 2.3) and those in `keep`.
fn encoded(text: &str, keep: &str) -> String {
    use std::fmt::Write;
    let mut url = String::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if plain || keep.as_bytes().contains(&byte) {
            url.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded() {
        assert_eq!(encoded("onnx/a b#1.onnx", "/"), "onnx/a%20b%231.onnx");
        assert_eq!(encoded("refs%2Fpr%2F1", "%"), "refs%2Fpr%2F1");
        let url = "http://h:1/api/models/a/b/revision/main";
        assert_eq!(repository(url, "http://h:1"), "a/b");
        assert_eq!(
            repository("http://h:1/a/b/resolve/c/d", "http://h:1"),
            "a/b"
        );
    }
}
