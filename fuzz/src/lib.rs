//! The targets of `examples/mutate` for cargo-fuzz, which needs nightly Rust; `scripts/fuzz.sh` starts both.

#[path = "../../examples/mutate/targets/mod.rs"]
mod targets;

use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::Once;

/// Runs a target on some bytes, and on the same with the right checksum; a panic that nobody catches ends the
/// process, as libFuzzer wants it.
///
/// # Panics
/// Where there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    // libFuzzer's own hook ends the process at a panic that frostline catches, of a library that it uses, as
    // well.
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
