//! The log of `frostline serve` on standard error: lines for people, or an object of JSON per line.
//!
//! A separate thread writes it: standard error may be a pipe that nobody reads, which must not keep the
//! server from answering. Events that find no room are counted.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::output::gpu_is_missed;
use super::{signals, talk};
use frostline::serve::{Event, Host};

/// The format of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// JSON Lines: objects with `time` (seconds since 1970), `level` and `event`.
    Json,
}

/// The most events that wait to be written.
const WAITING: usize = 4096;
/// How long the end of the program waits for the last of them.
const PATIENCE: Duration = Duration::from_secs(1);

/// Passes events on to the thread that writes them, and tells of signals.
#[derive(Debug)]
pub(super) struct Log {
    events: Option<SyncSender<(SystemTime, Event)>>,
    dropped: Arc<AtomicUsize>,
    /// Is closed when everything is written.
    written: Mutex<Receiver<()>>,
}

impl Log {
    pub(super) fn new(format: LogFormat) -> std::io::Result<Self> {
        let (events, came) = sync_channel(WAITING);
        let (end, written) = sync_channel(0);
        let dropped = Arc::new(AtomicUsize::new(0));
        let missed = Arc::clone(&dropped);
        thread::Builder::new().spawn(move || {
            let _end = end;
            for (time, event) in came {
                write(format, &event, time);
                match missed.swap(0, Ordering::Relaxed) {
                    0 => {}
                    count => write_dropped(format, count),
                }
            }
        })?;
        Ok(Self {
            events: Some(events),
            dropped,
            written: Mutex::new(written),
        })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.events = None;
        if let Ok(written) = self.written.get_mut() {
            let _ = written.recv_timeout(PATIENCE);
        }
    }
}

fn write(format: LogFormat, event: &Event, time: SystemTime) {
    match format {
        LogFormat::Json => talk::log(json_line(event, time)),
        LogFormat::Text if event.is_warning() => talk::warn(event),
        LogFormat::Text => {
            talk::say(event);
            if let Event::Network {
                notes, why_not_gpu, ..
            } = event
            {
                notes.iter().for_each(talk::note);
                let missed = gpu_is_missed(why_not_gpu.as_deref());
                missed.iter().for_each(talk::note);
            }
        }
    }
}

/// Tells that events are missing, because they came faster than they could be written.
fn write_dropped(format: LogFormat, count: usize) {
    match format {
        LogFormat::Json => {
            let event = json!({ "event": "dropped", "events": count });
            talk::log(line_of("warning", event, SystemTime::now()));
        }
        LogFormat::Text => talk::warn(format!("{count} lines of the log are missing here")),
    }
}

impl Host for Log {
    fn event(&self, event: &Event) {
        let Some(events) = &self.events else { return };
        if events.try_send((SystemTime::now(), event.clone())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_stopped(&self) -> bool {
        signals::came()
    }

    fn wants_reload(&self) -> bool {
        signals::take_hangup()
    }
}

fn json_line(event: &Event, time: SystemTime) -> String {
    let level = if event.is_warning() {
        "warning"
    } else {
        "info"
    };
    let event = serde_json::to_value(event).expect("an event has a JSON form");
    line_of(level, event, time)
}

fn line_of(level: &str, event: Value, time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = (since.as_secs_f64() * 1e3).round() / 1e3;
    let mut line = json!({ "time": seconds, "level": level });
    if let (Value::Object(line), Value::Object(event)) = (&mut line, event) {
        line.extend(event);
    }
    in_ascii(&line.to_string())
}

/// Escapes what is not ASCII, which in JSON occurs only inside strings, so that nothing else escapes it.
fn in_ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f' {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_of_json_is_ascii() {
        let event = Event::Removed {
            model: "katze ü\u{202e}🐱\n".to_owned(),
            version: "1".to_owned(),
        };
        let line = json_line(&event, UNIX_EPOCH + Duration::from_millis(1500));
        assert_eq!(
            line,
            concat!(
                r#"{"time":1.5,"level":"info","event":"removed","#,
                r#""model":"katze \u00fc\u202e\ud83d\udc31\n","version":"1"}"#
            )
        );
    }
}
