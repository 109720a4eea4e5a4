//! The `frostline` binary; see [`frostline::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    frostline::cli::main()
}
