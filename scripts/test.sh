#!/usr/bin/env bash
# Everything that must hold before a change lands: set-up, formatting, lints, tests, documentation.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

say "formatting"
cargo fmt --check
say "lints"
cargo clippy --locked --all-targets -- -D warnings
say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
say "tests"
cargo test --locked
