//! The targets of `examples/mutate` for cargo-fuzz, which needs nightly Rust; `scripts/fuzz.sh` runs either.

#[path = "../../examples/mutate/targets/mod.rs"]
mod targets;

use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::Once;

/// Runs a target on some bytes, and again with the checksum corrected; an uncaught panic aborts the process,
/// as libFuzzer expects.
///
/// # Panics
/// If there is no target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    // libFuzzer's own hook would abort the process even at panics in libraries that frostline catches.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| drop(panic::take_hook()));
    let target = targets::TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("the target is in the table");
    let mut sealed = bytes.to_vec();
    target.reseal(&mut sealed);
    let all = [Some(bytes), (sealed != bytes).then_some(&sealed[..])];
    for bytes in all.into_iter().flatten() {
        if panic::catch_unwind(AssertUnwindSafe(|| target.run(bytes))).is_err() {
            eprintln!("{name} failed, {}", target.about);
            process::abort();
        }
    }
}
