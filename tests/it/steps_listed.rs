//! A list of images on standard input: rows are printed while names arrive.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::harness::{Place, Ran};

/// More than any row takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that reads names, and the lines that it prints.
pub(crate) struct Service {
    pub(crate) child: Child,
    names: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Service {
    pub(crate) fn start(place: &Place, args: &str) -> Self {
        let mut command = place.command(args);
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        let names = child.stdin.take();
        Self {
            child,
            names,
            lines,
        }
    }

    pub(crate) fn give(&mut self, name: &str) {
        let names = self.names.as_mut().unwrap();
        names.write_all(name.as_bytes()).unwrap();
        names.write_all(b"\n").unwrap();
        names.flush().unwrap();
    }

    /// Returns the next line.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a row in time")
    }

    /// Closes the list; returns the remaining lines and the finished run.
    pub(crate) fn end(mut self) -> (Vec<String>, Ran) {
        self.names.take();
        let ran = Ran::of(self.child.wait_with_output().unwrap());
        (self.lines.iter().collect(), ran)
    }
}

#[test]
fn a_row_comes_before_the_next_name() {
    let Some(place) = Place::fitted() else { return };
    for (format, store) in [
        ("csv", ""),
        ("jsonl", ""),
        ("csv", " --store {dir}/store"),
        ("csv", " --store {dir}/new"),
    ] {
        let args = format!("classify - --head {{dir}}/head --format {format}{store}");
        let mut service = Service::start(&place, &args);
        for (i, name) in ["red/1", "blue/0", "none", "red/2"].iter().enumerate() {
            let path = place.path(&format!("images/{name}.png"));
            service.give(&path);
            if i == 0 && format == "csv" {
                assert!(service.line().starts_with("path,label,"));
            }
            let row = service.line();
            assert!(row.contains(&path), "{row}");
            let status = if *name == "none" { "skipped: " } else { "ok" };
            assert!(row.contains(status), "{row}");
        }
        let (rest, ran) = service.end();
        assert!(rest.is_empty(), "{rest:?}");
        ran.exits(3).says(&["3 images classified"]);
    }
}

#[test]
fn many_names_at_once_come_out_in_order() {
    let Some(place) = Place::fitted() else { return };
    let mut names = Vec::new();
    for i in 0..300 {
        let name = ["red", "blue", "none"][i % 3];
        names.push(place.path(&format!("images/{name}/{}.png", i / 3 % 6)));
    }
    for rest in ["", " --store {dir}/store", " --batch-size 1 --threads 3"] {
        let args = format!("classify - --head {{dir}}/head{rest}");
        let mut service = Service::start(&place, &args);
        service.give(&names.join("\n"));
        let (lines, ran) = service.end();
        ran.exits(3).says(&["200 images classified"]);
        assert_eq!(lines.len(), 301);
        for (name, row) in names.iter().zip(&lines[1..]) {
            let label = ["red", "blue", ""]
                .into_iter()
                .find(|label| name.contains(label));
            let wanted = format!("{name},{},", label.unwrap());
            assert!(row.starts_with(&wanted), "{row}, not {wanted}");
        }
    }
}

#[test]
fn an_empty_list_is_no_failure() {
    let Some(place) = Place::fitted() else { return };
    let store = crate::harness::tree(&place.folder().join("store"));
    for (args, lines) in [
        ("classify - --head {dir}/head", 1),
        ("classify - --head {dir}/head --format jsonl", 0),
        ("classify - --head {dir}/head --store {dir}/new", 1),
        ("suggest - --head {dir}/head", 1),
        ("suggest - --head {dir}/head --format jsonl", 0),
        ("extract - -o {dir}/store", 0),
    ] {
        for list in ["", "\n\n"] {
            let mut service = Service::start(&place, args);
            if !list.is_empty() {
                service.give(list);
            }
            let (out, ran) = service.end();
            ran.exits(0)
                .says(&["the list of images on standard input is empty"]);
            assert_eq!(out.len(), lines, "`{args}`: {out:?}");
            assert!(
                out.first()
                    .is_none_or(|line| line.starts_with("path,label,"))
            );
        }
    }
    assert_eq!(crate::harness::tree(&place.folder().join("store")), store);
    let mut service = Service::start(&place, "preview - -o {dir}/sheet.png");
    service.give("");
    service
        .end()
        .1
        .exits(1)
        .says(&["the list of images is empty"]);
}

/// Lowers the limit on open files while the process waits for a name.
#[cfg(target_os = "linux")]
#[test]
fn running_out_of_open_files_is_no_fault_of_an_image() {
    let Some(place) = Place::fitted() else { return };
    let mut service = Service::start(&place, "classify - --head {dir}/head");
    service.give(&place.path("images/red/1.png"));
    let _ = (service.line(), service.line());
    let limited = std::process::Command::new("prlimit")
        .args(["--nofile=3:3", "--pid", &service.child.id().to_string()])
        .status();
    if !limited.is_ok_and(|status| status.success()) {
        eprintln!("not tested: prlimit is missing");
        return;
    }
    service.give(&place.path("images/red/2.png"));
    let (rest, ran) = service.end();
    assert!(rest.is_empty(), "{rest:?}");
    ran.exits(1).says(&[
        "cannot read",
        "red/2.png",
        "Too many open files",
        "ulimit -n",
    ]);
}
