//! Starts `frostline label`, and sends it requests.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use super::fixtures::Place;
use super::server::{Client, Reply, request, wait_for};

/// A running service; it is killed on drop.
pub(crate) struct Labelling {
    process: Child,
    /// The host and port, and the path of the page.
    pub(crate) host: String,
    pub(crate) path: String,
}

impl Labelling {
    /// Labels `{dir}/images` into `{dir}/labels.csv`, with further arguments.
    pub(crate) fn start(place: &Place, more: &str) -> Self {
        let line = format!("label {{dir}}/images --labels {{dir}}/labels.csv {more}");
        Self::of(&mut place.command(&line))
    }

    /// The same, where files can have at most 4 KiB: a full disk.
    #[cfg(unix)]
    pub(crate) fn without_room(place: &Place, more: &str) -> Self {
        let line = format!("label {{dir}}/images --labels {{dir}}/labels.csv {more}");
        let full = place.command(&line);
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]);
        shell.arg(full.get_program()).args(full.get_args());
        shell.env("FROSTLINE_HOME", place.path("home"));
        Self::of(&mut shell)
    }

    /// Labels images until there is no room, and returns how many times it was acknowledged.
    pub(crate) fn fill(&self, images: usize) -> usize {
        let class = "c".repeat(150);
        (0..1000)
            .find(|i| {
                let class = format!("{class}{}", i / images);
                let action = json!({ "kind": "label", "ids": [i % images], "class": class });
                let reply = self.act(&action);
                let is_full = reply.status != 200;
                if is_full {
                    assert_eq!(reply.with(507)["code"], "disk_full");
                }
                is_full
            })
            .expect("the limit is reached")
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut page = String::new();
        let out = process.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut page).unwrap();
        let mut err = process.stderr.take().unwrap();
        if page.is_empty() {
            let mut said = String::new();
            err.read_to_string(&mut said).unwrap();
            panic!("{said}");
        }
        // A pipe that nobody reads would fill up.
        thread::spawn(move || std::io::copy(&mut err, &mut std::io::sink()));
        let address = page.trim_end().strip_prefix("http://").unwrap();
        let (host, path) = address.split_once('/').unwrap();
        Self {
            process,
            host: host.to_owned(),
            path: format!("/{path}"),
        }
    }

    /// Returns the address of the page.
    pub(crate) fn page(&self) -> String {
        format!("http://{}{}", self.host, self.path)
    }

    /// Sends a request to a path below the page.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.send_to(method, &format!("{}{path}", self.path), headers, body)
    }

    /// Sends a request to any path.
    pub(crate) fn send_to(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut client = Client::to(self.host.parse().unwrap());
        let mut headers = headers.to_vec();
        if !headers.iter().any(|(name, _)| *name == "Host") {
            headers.push(("Host", &self.host));
        }
        client.send(&request(method, path, &headers, body));
        client.reply().expect("the service answers")
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.send("GET", path, &[], b"").with(200)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        let kind = ("Content-Type", "application/json");
        self.send("POST", path, &[kind], body.to_string().as_bytes())
    }

    pub(crate) fn act(&self, action: &Value) -> Reply {
        self.post("api/act", action)
    }

    /// Labels images; returns the state.
    #[track_caller]
    pub(crate) fn label(&self, ids: &[u64], class: &str) -> Value {
        let action = json!({ "kind": "label", "ids": ids, "class": class });
        self.act(&action).with(200)["state"].take()
    }

    /// Waits until all features are known; returns the state.
    #[track_caller]
    pub(crate) fn ready(&self) -> Value {
        let ready = || Some(self.get("api/state")).filter(|state| state["phase"] != "extracting");
        wait_for(ready).expect("the features are computed")
    }

    /// Asks until nothing is being computed any more.
    #[track_caller]
    pub(crate) fn computed(&self, path: &str) -> Value {
        let done = || Some(self.get(path)).filter(|reply| reply["computing"] == false);
        wait_for(done).expect("it is computed")
    }

    /// Returns the names of all images with their labels, by number.
    pub(crate) fn labels(&self) -> Vec<(String, Option<String>)> {
        let reply = self.get("api/items?limit=1000");
        let items = reply["items"].as_array().unwrap();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let item = |item: &Value| (text(&item["name"]).unwrap(), text(&item["label"]));
        items.iter().map(item).collect()
    }

    /// Ends the process at once, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    #[cfg(unix)]
    pub(crate) fn send_signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Asks the process to end, and returns its exit status.
    #[cfg(unix)]
    pub(crate) fn stop(mut self, signal: &str) -> i32 {
        self.send_signal(signal);
        let ended = wait_for(|| self.process.try_wait().unwrap()).expect("the process ends");
        ended.code().expect("no signal ended it")
    }
}

impl Drop for Labelling {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
