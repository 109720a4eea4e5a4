//! `frostline models pull` as people use it: messages, proxies, and what a killed download leaves.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Ran, command, run};
use crate::scripted_server::{Reply, Server, has_loopback, reply};

const NAME: &str = "mobilenetv2";
const BYTES: usize = 13_964_571;
const SHA256: &str = "c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5";

/// A temporary home, without proxies except those that a test sets.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn pull(&self, args: &[&str]) -> Command {
        let mut command = command([&["models", "pull"], args].concat());
        command.env("FROSTLINE_HOME", self.0.path());
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        command
    }

    fn downloads(&self, name: &str) -> PathBuf {
        self.0.path().join("downloads").join(name)
    }
}

/// Returns a port on which nothing listens: a free port, whose listener is dropped.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn without_a_network_it_says_what_to_do_by_hand() {
    if !has_loopback() {
        return;
    }
    let home = Home::new();
    let proxy = format!("http://user:secret@127.0.0.1:{}", closed_port());
    let ran = run(home.pull(&[NAME]).env("HTTPS_PROXY", &proxy)).exits(1).says(&[
        "https://huggingface.co/onnxmodelzoo/mobilenetv2-12/resolve/main/mobilenetv2-12.onnx",
        "https://media.githubusercontent.com/media/onnx/models/main/validated/vision/classification/\
         mobilenet/model/",
        "refused (through the proxy 127.0.0.1:",
        "from HTTPS_PROXY",
        SHA256,
        &BYTES.to_string(),
        "--from FILE",
        &home.downloads("mobilenetv2-12.onnx").display().to_string(),
    ]);
    assert!(!ran.err.contains("secret"));
    assert!(!home.downloads("mobilenetv2-12.onnx").exists());
}

#[test]
fn names_and_options_are_checked_first() {
    let home = Home::new();
    let says = |args: &[&str], code, words: &[&str]| -> Ran {
        run(&mut home.pull(args)).exits(code).says(words)
    };
    says(&["no-such-net"], 1, &["`no-such-net`", "vgg19"]);
    says(
        &[NAME, "--url", "/tmp/file"],
        2,
        &["--url", "http://", "--from"],
    );
    says(&[NAME, "--url", "http://x/", "--from", "y"], 2, &["--from"]);
    says(&[NAME, "--from", "/no/such/file"], 1, &["/no/such/file"]);
    let ran = run(home.pull(&[NAME]).env("ALL_PROXY", "abacus://x")).exits(1);
    ran.says(&["ALL_PROXY", "is not a valid proxy URL"]);
}

#[test]
fn the_proxy_of_the_environment_is_gone_through() {
    if !has_loopback() {
        return;
    }
    let home = Home::new();
    let target = "http://mirror.invalid:8000/net.onnx";
    let tunnel = || {
        let mut tunnels = vec![b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec()];
        tunnels.extend([reply("404 Not Found", &["Content-Length: 0"], b"")]);
        tunnels.concat()
    };
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let proxy = Server::answering(move |_| Some(Reply::Bytes(tunnel())));
        let address = format!("http://127.0.0.1:{}", proxy.port());
        let mut pull = home.pull(&[NAME, "--url", target]);
        run(pull.env(variable, &address)).exits(1).says(&[target]);
        assert_eq!(
            proxy.requests()[0].line,
            "CONNECT mirror.invalid:8000 HTTP/1.1"
        );
        run(pull.env("NO_PROXY", "mirror.invalid"))
            .exits(1)
            .says(&["not found"]);
        assert_eq!(proxy.requests().len(), 1, "NO_PROXY is ignored");
    }
}

#[test]
fn a_killed_pull_is_continued() {
    if !has_loopback() {
        return;
    }
    let home = Home::new();
    let part = home.downloads("mobilenetv2-12.onnx.part");
    let mut beginning = reply("200 OK", &[&format!("Content-Length: {BYTES}")], b"");
    beginning.extend((0..100_000_u32).flat_map(u32::to_le_bytes));
    let gone = reply("404 Not Found", &["Content-Length: 0"], b"");
    let server = Server::new(vec![
        Reply::Stall(beginning, Duration::from_secs(30)),
        Reply::Bytes(gone),
    ]);
    let mut child = home
        .pull(&[NAME, "--url", &server.url("/f")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let length = || fs::metadata(&part).map_or(0, |metadata| metadata.len());
    while length() < 400_000 && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(length(), 400_000);
    let ran = run(&mut home.pull(&[NAME, "--url", &server.url("/f")])).exits(1);
    ran.says(&[
        "404 Not Found",
        "400000 bytes are saved, and the next run continues",
    ]);
    assert_eq!(server.ranges(), [None, Some("bytes=400000-".to_owned())]);
    assert_eq!(length(), 400_000);
}
