//! Progress: a bar on a terminal, a plain line now and then elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{signals, talk};
use crate::progress::{BYTES, Progress};

const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Shows progress in the way that fits where standard error goes.
#[derive(Default)]
pub(super) struct Bar(Mutex<Option<State>>);

enum State {
    Terminal(ProgressBar),
    Plain {
        what: String,
        total: u64,
        done: u64,
        start: Instant,
        said: Instant,
    },
}

impl Progress for Bar {
    fn begin(&self, what: &str, total: u64) {
        if talk::is_quiet() {
            return;
        }
        let now = Instant::now();
        let state = if stderr().is_terminal() {
            State::Terminal(ProgressBar::new(total).with_style(style(what, total)))
        } else {
            State::Plain {
                what: what.to_owned(),
                total,
                done: 0,
                start: now,
                said: now,
            }
        };
        *self.lock() = Some(state);
    }

    fn advance(&self, steps: u64) {
        match self.lock().as_mut() {
            None => {}
            Some(State::Terminal(bar)) => bar.inc(steps),
            Some(State::Plain {
                what,
                total,
                done,
                start,
                said,
            }) => {
                *done += steps;
                if said.elapsed() >= BETWEEN_LINES {
                    *said = Instant::now();
                    talk::say(plain(what, *done, *total, start.elapsed()));
                }
            }
        }
    }

    fn end(&self) {
        if let Some(State::Terminal(bar)) = self.lock().take() {
            bar.finish_and_clear();
        }
    }

    fn is_stopped(&self) -> bool {
        signals::came()
    }
}

impl Bar {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<State>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn style(what: &str, total: u64) -> ProgressStyle {
    let template = if total == 0 {
        format!("{{pos}} {what}  {{per_sec}}")
    } else if what == BYTES {
        "{bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left".to_owned()
    } else {
        format!("{{bar:32}} {{pos}}/{{len}} {what}  {{per_sec}}  {{eta}} left")
    };
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key(
        "per_sec",
        move |state: &indicatif::ProgressState, text: &mut dyn std::fmt::Write| {
            let _ = write!(text, "{:.1}/s", state.per_sec());
        },
    )
}

fn plain(what: &str, done: u64, total: u64, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(1e-9);
    let left = total.saturating_sub(done) as f64 / rate.max(1e-9);
    if what == BYTES {
        let [done, total, rate] = [done as f64, total as f64, rate].map(|bytes| bytes / 1e6);
        return format!("{done:.1} of {total:.1} MB, {rate:.1} MB a second, {left:.0} s left");
    }
    if total == 0 {
        return format!("{done} {what}, {rate:.1} a second");
    }
    format!("{done} of {total} {what}, {rate:.1} a second, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_tell_rate_and_time_left() {
        assert_eq!(
            plain("images", 50, 150, Duration::from_secs(10)),
            "50 of 150 images, 5.0 a second, 20 s left"
        );
        assert_eq!(
            plain("images", 50, 0, Duration::from_secs(10)),
            "50 images, 5.0 a second"
        );
        assert_eq!(
            plain(BYTES, 50_000_000, 150_000_000, Duration::from_secs(10)),
            "50.0 of 150.0 MB, 5.0 MB a second, 20 s left"
        );
    }
}
