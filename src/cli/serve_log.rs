//! The log of `frostline serve` on standard error: lines for people, or an object of JSON per line.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

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

/// Prints events, and passes on signals.
#[derive(Debug)]
pub(super) struct Log {
    format: LogFormat,
}

impl Log {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format }
    }
}

impl Host for Log {
    fn event(&self, event: &Event) {
        match self.format {
            LogFormat::Json => talk::log(json_line(event, SystemTime::now())),
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

    fn is_stopped(&self) -> bool {
        signals::came()
    }

    fn wants_reload(&self) -> bool {
        signals::take_hangup()
    }
}

fn json_line(event: &Event, now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = (since.as_secs_f64() * 1e3).round() / 1e3;
    let level = if event.is_warning() {
        "warning"
    } else {
        "info"
    };
    let mut line = json!({ "time": seconds, "level": level });
    if let (Value::Object(line), Ok(Value::Object(event))) =
        (&mut line, serde_json::to_value(event))
    {
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
