//! Starts `frostline serve`, and sends it requests byte by byte.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fixtures::Place;

/// The longest time that a test waits for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server; it is killed on drop.
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<Value>>>,
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    /// Checks the status, and returns the body as JSON.
    #[track_caller]
    pub(crate) fn with(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        self.json()
    }
}

impl Server {
    /// Serves the place's head as `pets`, unless the line of further arguments chooses others.
    pub(crate) fn start(place: &Place, line: &str) -> Self {
        let heads = if line.contains("--head ") {
            ""
        } else {
            "--head pets={dir}/head "
        };
        Self::of(&mut place.command(&format!(
            "serve --bind 127.0.0.1:0 --log json {heads}{line}"
        )))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (events, (send, address)) = (Arc::clone(&log), std::sync::mpsc::channel());
        thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                let event: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if let Some(address) = event["address"].as_str() {
                    let _ = send.send(address.parse().unwrap());
                }
                events.lock().unwrap().push(event);
            }
        });
        let address = address.recv_timeout(PATIENCE);
        let address = address.unwrap_or_else(|_| panic!("{:?}", log.lock().unwrap()));
        Self {
            process,
            address,
            log,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn connect(&self) -> Client {
        Client::to(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    /// Posts an image.
    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Reply {
        self.send("POST", path, &[("Content-Type", "image/png")], body)
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Reply {
        let kind = ("Content-Type", "application/json");
        self.send("POST", path, &[kind], body.to_string().as_bytes())
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut client = self.connect();
        client.send(&request(method, path, headers, body));
        client.reply().expect("the server answers")
    }

    /// Waits for an event of this name, and returns it.
    #[track_caller]
    pub(crate) fn event(&self, name: &str) -> Value {
        let found = || {
            let log = self.log.lock().unwrap();
            log.iter().find(|event| event["event"] == name).cloned()
        };
        wait_for(found).unwrap_or_else(|| panic!("no {name} in {:?}", self.log.lock().unwrap()))
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the exit status.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> i32 {
        let status = wait_for(|| self.process.try_wait().unwrap());
        status
            .expect("the server ends")
            .code()
            .expect("no signal ended it")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks repeatedly until there is an answer.
pub(crate) fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        thread::sleep(Duration::from_millis(20));
    }
    None
}

/// Returns the bytes of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head += "Host: localhost\r\n";
    }
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n"]);
    [head.as_bytes(), body].concat()
}

/// A connection.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).unwrap())).patient()
    }

    fn patient(self) -> Self {
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        self
    }

    /// Sends bytes; a server that has closed the connection is noticed by [`Self::reply`].
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.get_mut().write_all(bytes);
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    /// Reads a reply; `None` if the server closes the connection instead.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(1..) => {}
            _ => return None,
        }
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers
            .get("content-length")
            .map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some(Reply {
            status,
            headers,
            body,
        })
    }
}

/// Returns the type and the body of a form: fields with a file name are files.
pub(crate) fn form(fields: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, content) in fields {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        let head =
            format!("--b0und\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(b"--b0und--\r\n");
    ("multipart/form-data; boundary=b0und".to_owned(), body)
}
