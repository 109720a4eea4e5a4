//! Requests a file from one URL over HTTP, starting at any byte.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body as UreqBody, BodyReader};

use super::fault::Fault;
use super::{DownloadOptions, redirect};

/// A URL, and how to reach it.
pub(in crate::backbones) struct Client<'a> {
    agent: Agent,
    url: &'a str,
    pub(super) options: &'a DownloadOptions,
    /// A remark on the proxy for messages, if one is used.
    via: String,
}

/// The maximum number of redirects.
const MOST_REDIRECTS: usize = 10;

/// The maximum number of times that a server's wish to be asked later is granted.
const MOST_WAITS: usize = 3;

/// The header that names the SHA-256 of a file on the hub, before it redirects to where the file is.
const LINKED_ETAG: &str = "x-linked-etag";

/// The response of a server.
pub(super) struct Answer<'a> {
    /// The number of bytes of the file before the first one of the body.
    pub(super) from: u64,
    /// The size of the whole file, if the server reports it.
    pub(super) whole: Option<u64>,
    /// The file from there on.
    pub(super) body: Body<'a>,
}

/// The body of a response.
pub(in crate::backbones) struct Body<'a> {
    reader: BodyReader<'static>,
    options: &'a DownloadOptions,
    /// The start of the current period of the minimum rate, and the bytes received since.
    since: Instant,
    bytes: u64,
}

impl<'a> Client<'a> {
    pub(in crate::backbones) fn new(url: &'a str, options: &'a DownloadOptions) -> Self {
        let way = options.proxies.for_url(url);
        // The system's certificates: behind a proxy that inspects TLS connections, no others are valid.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("frostline/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .tls_config(tls.build())
            .proxy(way.map(|way| way.proxy.clone()))
            .timeout_resolve(Some(options.connect))
            .timeout_connect(Some(options.connect))
            .timeout_recv_response(Some(options.silence))
            .timeout_per_read(Some(options.silence))
            .timeout_per_write(Some(options.silence))
            .build();
        Self {
            agent: config.into(),
            url,
            options,
            via: way.map_or_else(String::new, |way| format!(" (through {})", way.words())),
        }
    }

    /// Requests what follows the first `from` bytes, or the whole file if the server cannot send that.
    pub(super) fn get(&self, from: u64) -> Result<Answer<'a>, Fault> {
        let response = self.ask(&Method::GET, from)?;
        let status = response.status();
        match status {
            StatusCode::OK => Ok(self.answer(0, response.body().content_length(), response)),
            StatusCode::PARTIAL_CONTENT => self.partial(response),
            StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => self.get(0),
            _ => Err(Fault::Refused(refusal(&response)).with(&self.via)),
        }
    }

    /// Requests the headers only, up to the first redirect to another server or the header with the SHA-256.
    pub(in crate::backbones) fn head(&self) -> Result<Response<UreqBody>, Fault> {
        self.ask(&Method::HEAD, 0)
    }

    /// Requests the whole, and returns the response whatever its status.
    pub(in crate::backbones) fn response(&self) -> Result<Response<UreqBody>, Fault> {
        self.ask(&Method::GET, 0)
    }

    fn ask(&self, method: &Method, from: u64) -> Result<Response<UreqBody>, Fault> {
        let mut url = self.url.to_owned();
        let (mut redirects, mut waits) = (0, 0);
        while redirects <= MOST_REDIRECTS {
            let response = self.once(method.clone(), &url, from)?;
            let wait = told_wait(response.headers()).map(Duration::from_secs);
            let wait = wait.filter(|wait| *wait <= self.options.most_wait && waits < MOST_WAITS);
            if let (StatusCode::TOO_MANY_REQUESTS, Some(wait)) = (response.status(), wait) {
                waits += 1;
                thread::sleep(wait);
                continue;
            }
            redirects += 1;
            let linked = response.headers().contains_key(LINKED_ETAG);
            match redirect::target(&url, &response)? {
                Some(_) if *method == Method::HEAD && linked => return Ok(response),
                Some(target) => url = target,
                None => return Ok(response),
            }
        }
        Err(Fault::of(ureq::Error::TooManyRedirects, self.options))
    }

    fn once(&self, method: Method, url: &str, from: u64) -> Result<Response<UreqBody>, Fault> {
        let mut request = Request::builder().method(method).uri(url);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        if let Some(token) = self
            .options
            .token
            .as_ref()
            .and_then(|token| token.sent_to(url))
        {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request
            .body(())
            .map_err(|error| Fault::Refused(error.to_string()))?;
        let response = self.agent.run(request);
        response.map_err(|error| Fault::of(error, self.options).with(&self.via))
    }

    fn partial(&self, response: Response<UreqBody>) -> Result<Answer<'a>, Fault> {
        let range = response.headers().get(header::CONTENT_RANGE);
        let range = range.and_then(|value| content_range(value.to_str().ok()?));
        let Some((from, whole)) = range else {
            return Err(Fault::Refused(
                "it sends a part of the file without saying which".to_owned(),
            ));
        };
        Ok(self.answer(from, whole, response))
    }

    fn answer(&self, from: u64, whole: Option<u64>, response: Response<UreqBody>) -> Answer<'a> {
        let body = self.body(response);
        Answer { from, whole, body }
    }

    /// Returns the body of a response.
    pub(in crate::backbones) fn body(&self, response: Response<UreqBody>) -> Body<'a> {
        Body {
            reader: response.into_body().into_reader(),
            options: self.options,
            since: Instant::now(),
            bytes: 0,
        }
    }
}

impl Body<'_> {
    /// Reads the next bytes and returns their number, which is 0 at the end.
    pub(super) fn read(&mut self, block: &mut [u8]) -> Result<usize, Fault> {
        let read = self.reader.read(block);
        let read = read.map_err(|error| Fault::of(error.into(), self.options))?;
        if read > 0 {
            self.keep_pace(read as u64)?;
        }
        Ok(read)
    }

    /// Counts received bytes, and fails if too few arrived within a period; then the next period starts.
    fn keep_pace(&mut self, read: u64) -> Result<(), Fault> {
        let least = self.options.least;
        self.bytes += read;
        if self.since.elapsed() < least.within {
            return Ok(());
        }
        if self.bytes < least.bytes {
            return Err(Fault::too_slow(self.bytes, least));
        }
        (self.since, self.bytes) = (Instant::now(), 0);
        Ok(())
    }

    /// Reads `count` bytes, or fewer at the end.
    pub(in crate::backbones) fn read_up_to(&mut self, count: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match self.read(&mut bytes[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// Returns the seconds after which a server wants to be asked again: `Retry-After`, or `t` of `RateLimit`.
pub(in crate::backbones) fn told_wait(headers: &HeaderMap) -> Option<u64> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let after = text("retry-after").and_then(|after| after.trim().parse().ok());
    let limit = || {
        let mut fields = text("ratelimit")?.split([';', ',']);
        fields.find_map(|field| field.trim().strip_prefix("t=")?.parse().ok())
    };
    after.or_else(limit)
}

/// Describes a response without a file.
fn refusal(response: &Response<UreqBody>) -> String {
    let status = response.status();
    match told_wait(response.headers()) {
        Some(wait) if status == StatusCode::TOO_MANY_REQUESTS => {
            format!("{status}, try again in {wait} s")
        }
        _ => status.to_string(),
    }
}

/// Parses the first byte and the total size in `bytes 100-199/200`; a star stands for an unknown size (RFC
/// 9110, 14.4).
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let whole = match whole.trim() {
        "*" => None,
        size => Some(size.parse().ok()?),
    };
    Some((first.trim().parse().ok()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_two_ways() {
        let wait = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            told_wait(&headers)
        };
        assert_eq!(wait("retry-after", "120"), Some(120));
        assert_eq!(wait("ratelimit", "\"api\";r=0;t=55"), Some(55));
        assert_eq!(wait("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"), None);
    }

    #[test]
    fn content_ranges() {
        assert_eq!(content_range("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(content_range("bytes 0-9/*"), Some((0, None)));
        for wrong in [
            "bytes */200",
            "items 0-9/10",
            "bytes 0-9",
            "",
            "bytes -9/10",
        ] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
