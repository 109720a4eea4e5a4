//! A headless Chromium, driven through `WebDriver` by `chromedriver`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Headless, with an empty profile and no network requests by the browser itself.
const ARGUMENTS: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
];

/// The key codes of `WebDriver`.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const LEFT: &str = "\u{e012}";
pub(crate) const RIGHT: &str = "\u{e014}";
pub(crate) const SHIFT: &str = "\u{e008}";

/// A browser with one page; it quits when the value is dropped.
pub(crate) struct Browser {
    driver: Child,
    agent: ureq::Agent,
    /// URL of the driver, and later of the session.
    base: String,
    /// Deleted with the value.
    profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser; prints why a test is skipped if there is none.
    pub(crate) fn start() -> Option<Self> {
        let (Some(chromium), Some(driver)) = (
            CHROMIUM.iter().find_map(|name| program(name)),
            program("chromedriver"),
        ) else {
            eprintln!(
                "not tested: chromium or chromedriver is missing (Debian: chromium, chromium-driver)"
            );
            return None;
        };
        // The driver exits immediately if another program uses the random port it chose, on IPv6 or IPv4.
        let (driver, port) = (0..5)
            .find_map(|_| listening(&driver))
            .expect("chromedriver prints its port");
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            driver,
            agent: agent(),
            base: format!("http://127.0.0.1:{port}"),
            profile,
        };
        browser.begin(&chromium);
        Some(browser)
    }

    fn begin(&mut self, chromium: &Path) {
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", self.profile.path().display()));
        let options = json!({ "binary": chromium, "args": arguments });
        let session = self.post(
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            } } }),
        );
        self.base = format!(
            "{}/session/{}",
            self.base,
            session["sessionId"].as_str().unwrap()
        );
    }

    /// Opens a file.
    pub(crate) fn open(&self, page: &Path) {
        self.go(&format!(
            "file://{}",
            page.canonicalize().unwrap().display()
        ));
    }

    /// Opens a URL.
    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Runs JavaScript and returns its result.
    pub(crate) fn js(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs JavaScript that returns a list of strings.
    pub(crate) fn texts(&self, script: &str) -> Vec<String> {
        let texts: Vec<String> = serde_json::from_value(self.js(script)).unwrap();
        texts
    }

    /// Clicks on an element as a pointer would.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types text into a field.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.post(
            &format!("/element/{element}/value"),
            &json!({ "text": text }),
        );
    }

    fn find(&self, selector: &str) -> String {
        let found = self.post(
            "/element",
            &json!({ "using": "css selector", "value": selector }),
        );
        let found = found.as_object().unwrap().values().next().unwrap();
        found.as_str().unwrap().to_owned()
    }

    /// Presses keys one after another.
    pub(crate) fn press(&self, keys: &[&str]) {
        let strokes = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })));
        self.keyboard(strokes);
    }

    /// Presses keys at the same time.
    pub(crate) fn chord(&self, keys: &[&str]) {
        let down = keys
            .iter()
            .map(|key| json!({ "type": "keyDown", "value": key }));
        let up = keys
            .iter()
            .rev()
            .map(|key| json!({ "type": "keyUp", "value": key }));
        self.keyboard(down.chain(up));
    }

    fn keyboard(&self, strokes: impl Iterator<Item = Value>) {
        let strokes: Vec<Value> = strokes.collect();
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] }),
        );
    }

    /// Presses the mouse at one point of the window, and releases it at another one.
    pub(crate) fn drag(&self, from: (i32, i32), to: (i32, i32)) {
        let at =
            |(x, y): (i32, i32)| json!({ "type": "pointerMove", "duration": 50, "x": x, "y": y });
        let actions = json!([
            at(from), { "type": "pointerDown", "button": 0 }, at(to), { "type": "pointerUp", "button": 0 }
        ]);
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "pointer", "id": "mouse", "actions": actions }] }),
        );
    }

    /// Sends a command of the `DevTools` protocol.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    /// Resizes the window, in CSS pixels; a width of at most 600 emulates a phone.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width <= 600
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Sets the preferred colour scheme: `light` or `dark`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// Returns the console's warnings and errors since the last call.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        let bad = entries.filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        bad.map(|entry| entry["message"].to_string()).collect()
    }

    /// Returns the URLs that pages from files and servers have requested since the last call, except `data:`
    /// URLs.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "performance" }));
        let events = log.as_array().unwrap().iter().map(|entry| {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            event["message"].clone()
        });
        // The browser's own pages, such as its start page, make requests too.
        let sent = events.filter(|event| {
            let document = event["params"]["documentURL"].as_str();
            event["method"] == "Network.requestWillBeSent"
                && document.is_some_and(|url| url.starts_with("file:") || url.starts_with("http:"))
        });
        let address = |event: Value| {
            let address = event["params"]["request"]["url"]
                .as_str()
                .map(str::to_owned);
            address.filter(|address| !address.starts_with("data:"))
        };
        sent.filter_map(address).collect()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .content_type("application/json");
        let mut response = request.send(body.to_string()).unwrap();
        let text = response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_string()
            .unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(
            response.status().is_success(),
            "{path}: {}",
            answer["value"]["message"]
        );
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser must quit before its driver.
        let _ = self.agent.delete(&self.base).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_mins(2)));
    config.build().into()
}

/// Finds a program on the path.
fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Starts a driver; returns it with the port it prints.
fn listening(driver: &Path) -> Option<(Child, u16)> {
    let mut driver = Command::new(driver);
    driver
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut driver = driver.spawn().unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let said = lines.find_map(|line| {
        let line = line.unwrap();
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // Keeps reading, so that a full pipe never blocks the driver.
    std::thread::spawn(move || lines.for_each(drop));
    if said.is_none() {
        let _ = driver.kill();
        let _ = driver.wait();
    }
    Some((driver, said?))
}
