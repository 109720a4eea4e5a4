//! Turns panics of a library on a malformed file into errors.
//!
//! `ort` 2.0.0-rc.15 panics when ONNX Runtime computes a negative output length, for example when a window is
//! larger than its input; some decoders panic on inconsistent images. Such a panic leaves no state half
//! updated.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Returns what `work` returns or, if it panics, `error` called with the panic message. The panic is not
/// printed.
pub(crate) fn caught<T, E>(
    work: impl FnOnce() -> Result<T, E>,
    error: impl FnOnce(&str) -> E,
) -> Result<T, E> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CATCHING.get() {
                others(panic);
            }
        }));
    });
    let before = CATCHING.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    done.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(error(text.unwrap_or("panicked without a message")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let work = |n: i32| {
            let work = || {
                assert!(n < 3, "{n} is too many");
                Ok(n)
            };
            caught(work, ToOwned::to_owned)
        };
        assert_eq!(work(2), Ok(2));
        assert_eq!(work(3), Err("3 is too many".to_owned()));
    }
}
