//! A bucket of an S3 store on loopback: lists in pages, serves ranges, and fails as told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The number of keys on a page of a list.
const PAGE: usize = 5;

/// How the bucket answers a request instead of the right way.
#[derive(Debug, Clone)]
pub(crate) enum Odd {
    /// This status and body, with `Retry-After: 1`.
    Status(&'static str, &'static str),
    /// Half of the body, and a closed connection.
    Cut,
    /// The right answer after this time.
    Late(Duration),
    /// The right answer with another `ETag`.
    Tag,
}

type Answer = dyn Fn(&str, usize) -> Option<Odd> + Send + Sync;

/// The bucket; its threads end with the test process.
pub(crate) struct Bucket {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

struct Contents {
    objects: BTreeMap<String, Vec<u8>>,
    odd: Box<Answer>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Bucket {
    /// Serves objects. `odd` gets the start of a request, such as `GET /bucket/cat/1.png`, and how often it
    /// was made before.
    pub(crate) fn start(
        objects: impl IntoIterator<Item = (String, Vec<u8>)>,
        odd: impl Fn(&str, usize) -> Option<Odd> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let contents = Arc::new(Contents {
            objects: objects.into_iter().collect(),
            odd: Box::new(odd),
            requests: Arc::clone(&requests),
        });
        thread::spawn(move || {
            for stream in listener.incoming() {
                let contents = Arc::clone(&contents);
                thread::spawn(move || contents.serve(&stream.unwrap()));
            }
        });
        Self { port, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Lets a command use the bucket.
    pub(crate) fn known_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("AWS_ENDPOINT", self.url(""))
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("NO_PROXY", "*")
    }
}

impl Contents {
    /// Answers the requests of a connection.
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = String::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                if line == "\r\n" {
                    break;
                }
                head += &line;
            }
            let length = header(&head, "content-length").and_then(|n| n.parse().ok());
            let _ = (&mut reader)
                .take(length.unwrap_or(0))
                .read_to_end(&mut Vec::new());
            if !self.answer(stream, &head) {
                return;
            }
        }
    }

    fn answer(&self, mut stream: &TcpStream, head: &str) -> bool {
        let line = head.lines().next().unwrap_or_default();
        let line = line.trim_end_matches(" HTTP/1.1").to_owned();
        let earlier = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(line.clone());
            requests.iter().filter(|other| **other == line).count() - 1
        };
        let odd = (self.odd)(&line, earlier);
        if let Some(Odd::Status(status, body)) = &odd {
            let headers = "Retry-After: 1\r\nContent-Type: application/xml\r\n";
            return send(stream, status, headers, body.len(), body.as_bytes());
        }
        if let Some(Odd::Late(time)) = &odd {
            thread::sleep(*time);
        }
        let (method, target) = line.split_once(' ').unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = path.trim_start_matches("/bucket").trim_start_matches('/');
        if method == "GET" && key.is_empty() {
            let page = self.page(query);
            return send(
                stream,
                "200 OK",
                "Content-Type: application/xml\r\n",
                page.len(),
                page.as_bytes(),
            );
        }
        let Some(bytes) = self.objects.get(key) else {
            let body = "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>";
            let body = if method == "HEAD" { "" } else { body };
            return send(stream, "404 Not Found", "", body.len(), body.as_bytes());
        };
        let tag = match odd {
            Some(Odd::Tag) => "\"other\"".to_owned(),
            _ => tag(bytes),
        };
        let mut headers = format!(
            "ETag: {tag}\r\nLast-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\nAccept-Ranges: bytes\r\n"
        );
        let (status, body) =
            match header(head, "range").and_then(|range| range_of(&range, bytes.len())) {
                None => ("200 OK", &bytes[..]),
                Some((start, end)) => {
                    write!(
                        headers,
                        "Content-Range: bytes {start}-{}/{}\r\n",
                        end - 1,
                        bytes.len()
                    )
                    .unwrap();
                    ("206 Partial Content", &bytes[start..end])
                }
            };
        let sent = match &odd {
            _ if method == "HEAD" => &[],
            Some(Odd::Cut) => &body[..body.len() / 2],
            _ => body,
        };
        let goes_on = send(stream, status, &headers, body.len(), sent);
        let _ = stream.flush();
        goes_on && !matches!(odd, Some(Odd::Cut))
    }

    /// Returns a page of a list.
    fn page(&self, query: &str) -> String {
        let fields = query.split('&').filter_map(|field| field.split_once('='));
        let field = |name: &str| {
            let value = fields.clone().find(|(key, _)| *key == name);
            value.map(|(_, value)| value.replace("%2F", "/"))
        };
        let prefix = field("prefix").unwrap_or_default();
        let after = field("continuation-token").unwrap_or_default();
        let keys = self
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix) && **key > after);
        let page: Vec<_> = keys.clone().take(PAGE).collect();
        let more = keys.count() > PAGE;
        let mut xml = format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>");
        for (key, bytes) in &page {
            let tag = tag(bytes).replace('"', "&quot;");
            write!(
                xml,
                "<Contents><Key>{key}</Key><Size>{}</Size><ETag>{tag}</ETag>\
                 <LastModified>2025-01-01T00:00:00.000Z</LastModified></Contents>",
                bytes.len()
            )
            .unwrap();
        }
        if let Some((last, _)) = page.last().filter(|_| more) {
            write!(xml, "<NextContinuationToken>{last}</NextContinuationToken>").unwrap();
        }
        xml + "</ListBucketResult>"
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

/// Parses `bytes=3-7`.
fn range_of(range: &str, length: usize) -> Option<(usize, usize)> {
    let (start, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = last
        .parse::<usize>()
        .map_or(length, |last| (last + 1).min(length));
    Some((start.parse().ok()?, end))
}

fn tag(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(7_u64, |sum, &byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    format!("\"{sum:016x}\"")
}

/// Sends an answer; returns whether the connection goes on.
fn send(mut stream: &TcpStream, status: &str, headers: &str, length: usize, body: &[u8]) -> bool {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
    let bytes = [head.as_bytes(), body].concat();
    stream.write_all(&bytes).is_ok()
}
