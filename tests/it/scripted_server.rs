//! An HTTP server on loopback that sends scripted replies and records its requests.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Whether the machine has a loopback interface; prints why a test is skipped if not.
pub(crate) fn has_loopback() -> bool {
    let talk = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .and_then(|address| TcpStream::connect_timeout(&address, Duration::from_secs(1)));
    // The listener is gone by then: a refused connection shows that loopback works too.
    let works = talk.map_or_else(|e| e.kind() == ErrorKind::ConnectionRefused, |_| true);
    if !works {
        eprintln!("not tested: 127.0.0.1 cannot be reached");
    }
    works
}

/// What the server does with one connection.
pub(crate) enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes and then nothing, and keeps the connection open for this time.
    Stall(Vec<u8>, Duration),
    /// Sends pieces with a pause before each.
    Slow(Vec<Vec<u8>>, Duration),
}

/// One request, as received.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `GET /file HTTP/1.1`.
    pub(crate) line: String,
    headers: Vec<String>,
}

impl Request {
    /// Returns the value of a header; `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The server; its thread ends with the test process.
pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers one connection with each reply, in order, and closes all further ones.
    pub(crate) fn new(replies: Vec<Reply>) -> Self {
        let mut replies = replies.into_iter();
        Self::answering(move |_| replies.next())
    }

    /// Answers each request with the reply that `answer` returns; `None` closes the connection.
    pub(crate) fn answering(
        mut answer: impl FnMut(&Request) -> Option<Reply> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let request = read_request(&stream);
                seen.lock().unwrap().push(request.clone());
                if let Some(reply) = answer(&request) {
                    send(stream, reply);
                }
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the `Range` header of each request, in order.
    pub(crate) fn ranges(&self) -> Vec<Option<String>> {
        let range = |request: &Request| request.header("range").map(ToOwned::to_owned);
        self.requests().iter().map(range).collect()
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let line = lines.next().unwrap_or_default();
    let headers = lines.take_while(|line| !line.is_empty()).collect();
    Request { line, headers }
}

/// Sends a reply; the client may close the connection early.
fn send(mut stream: TcpStream, reply: Reply) {
    match reply {
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Reply::Stall(bytes, time) => {
            let _ = stream.write_all(&bytes);
            // In a separate thread, so that the next connection does not wait.
            thread::spawn(move || {
                thread::sleep(time);
                drop(stream);
            });
        }
        Reply::Slow(pieces, pause) => {
            for piece in pieces {
                thread::sleep(pause);
                if stream.write_all(&piece).is_err() {
                    return;
                }
            }
        }
    }
}

/// Returns a response with this status, these header lines and this body.
pub(crate) fn reply(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nConnection: close\r\n").into_bytes();
    for header in headers {
        bytes.extend(format!("{header}\r\n").bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

/// Returns `200 OK` with the body and its length.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    reply(
        "200 OK",
        &[&format!("Content-Length: {}", body.len())],
        body,
    )
}

/// Returns `206 Partial Content` with everything after the first `from` bytes.
pub(crate) fn rest(whole: &[u8], from: usize) -> Vec<u8> {
    let range = format!(
        "Content-Range: bytes {from}-{}/{}",
        whole.len() - 1,
        whole.len()
    );
    let length = format!("Content-Length: {}", whole.len() - from);
    reply("206 Partial Content", &[&range, &length], &whole[from..])
}
