//! Progress: a bar on a terminal, an occasional plain line elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use super::{signals, talk, terminal};
use frostline::progress::{BYTES, Progress};

const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Shows progress in a form that fits standard error.
#[derive(Default)]
pub(super) struct Bar(Mutex<Option<State>>);

enum State {
    Terminal(ProgressBar, Arc<Pace>),
    Plain {
        what: String,
        total: u64,
        done: u64,
        pace: Arc<Pace>,
        said: Instant,
    },
}

/// The speed of steps that take work; skipped steps would make it look faster.
struct Pace {
    start: Instant,
    worked: AtomicU64,
}

impl Pace {
    fn begin() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            worked: AtomicU64::new(0),
        })
    }

    /// Returns the steps per second.
    fn rate(&self) -> f64 {
        rate(self.worked.load(Ordering::Relaxed), self.start.elapsed())
    }
}

fn rate(worked: u64, elapsed: Duration) -> f64 {
    worked as f64 / elapsed.as_secs_f64().max(1e-9)
}

/// Returns how long the steps take, in seconds.
fn left(steps: u64, rate: f64) -> f64 {
    steps as f64 / rate.max(1e-9)
}

impl Progress for Bar {
    fn begin(&self, what: &str, total: u64) {
        if talk::is_quiet() {
            return;
        }
        let pace = Pace::begin();
        let state = if terminal::shows_talk() {
            let style = style(what, total, Arc::clone(&pace));
            State::Terminal(ProgressBar::new(total).with_style(style), pace)
        } else {
            State::Plain {
                what: what.to_owned(),
                total,
                done: 0,
                pace,
                said: Instant::now(),
            }
        };
        *self.lock() = Some(state);
    }

    fn advance(&self, steps: u64) {
        self.go_on(steps, steps);
    }

    fn pass_over(&self, steps: u64) {
        self.go_on(steps, 0);
    }

    fn end(&self) {
        if let Some(State::Terminal(bar, _)) = self.lock().take() {
            bar.finish_and_clear();
        }
    }

    fn is_stopped(&self) -> bool {
        signals::came()
    }
}

impl Bar {
    /// Adds steps, `worked` of which took work.
    fn go_on(&self, steps: u64, worked: u64) {
        match self.lock().as_mut() {
            None => {}
            Some(State::Terminal(bar, pace)) => {
                pace.worked.fetch_add(worked, Ordering::Relaxed);
                bar.inc(steps);
            }
            Some(State::Plain {
                what,
                total,
                done,
                pace,
                said,
            }) => {
                pace.worked.fetch_add(worked, Ordering::Relaxed);
                *done += steps;
                if said.elapsed() >= BETWEEN_LINES {
                    *said = Instant::now();
                    talk::say(plain(what, *done, *total, pace.rate()));
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<State>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn style(what: &str, total: u64, pace: Arc<Pace>) -> ProgressStyle {
    let template = if total == 0 {
        format!("{{pos}} {what}  {{per_sec}}")
    } else if what == BYTES {
        "{bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left".to_owned()
    } else {
        format!("{{bar:32}} {{pos}}/{{len}} {what}  {{per_sec}}  {{time_left}} left")
    };
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let same = Arc::clone(&pace);
    style
        .with_key(
            "per_sec",
            move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
                let _ = write!(text, "{:.1}/s", same.rate());
            },
        )
        .with_key(
            "time_left",
            move |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let steps = state.len().unwrap_or_default().saturating_sub(state.pos());
                // Before the first step, the time is unknown and the estimate huge.
                let seconds = left(steps, pace.rate()).min(1e9);
                let seconds = Duration::from_secs(seconds as u64);
                let _ = write!(text, "{:#}", HumanDuration(seconds));
            },
        )
}

fn plain(what: &str, done: u64, total: u64, rate: f64) -> String {
    let left = left(total.saturating_sub(done), rate);
    if what == BYTES {
        let [done, total, rate] = [done as f64, total as f64, rate].map(|bytes| bytes / 1e6);
        return format!("{done:.1} of {total:.1} MB, {rate:.1} MB/s, {left:.0} s left");
    }
    if total == 0 {
        return format!("{done} {what}, {rate:.1}/s");
    }
    format!("{done} of {total} {what}, {rate:.1}/s, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_tell_rate_and_time_left() {
        assert_eq!(
            plain("images", 50, 150, rate(50, Duration::from_secs(10))),
            "50 of 150 images, 5.0/s, 20 s left"
        );
        // Another 80 images with cached features only change the time left.
        assert_eq!(
            plain("images", 130, 150, rate(50, Duration::from_secs(10))),
            "130 of 150 images, 5.0/s, 4 s left"
        );
        assert_eq!(
            plain("images", 50, 0, rate(50, Duration::from_secs(10))),
            "50 images, 5.0/s"
        );
        assert_eq!(
            plain(
                BYTES,
                50_000_000,
                150_000_000,
                rate(50_000_000, Duration::from_secs(10))
            ),
            "50.0 of 150.0 MB, 5.0 MB/s, 20 s left"
        );
    }
}
