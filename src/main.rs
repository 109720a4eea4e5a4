//! The `frostline` program; see [`cli`].

mod cli;

use std::process::ExitCode;

use frostline::allocator::Allocator;
use frostline::backbones::NO_TELEMETRY;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

#[expect(
    unsafe_code,
    reason = "setting an environment variable has no safe form"
)]
fn main() -> ExitCode {
    // SAFETY: the process has only one thread here, so nothing else reads the environment.
    unsafe { std::env::set_var(NO_TELEMETRY, "1") };
    cli::main()
}
