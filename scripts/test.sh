#!/usr/bin/env bash
# Everything that must hold before a change lands: set-up, formatting, lints, tests, documentation.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# The report is tested in a real browser; without one those tests say that they did nothing.
if ! command -v chromedriver >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "chromium, to test the report"
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium chromium-driver >/dev/null; } ||
            say "chromium could not be installed: the report is not tested in a browser"
    else
        say "there is no chromedriver: the report is not tested in a browser (Debian: apt-get install chromium chromium-driver)"
    fi
fi

say "formatting"
cargo fmt --all --check
say "lints"
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
cargo clippy --locked --workspace --no-default-features -- -D warnings
say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --all-features --no-deps --document-private-items
say "the tables of scripts/bench_peers.sh"
python3 -m unittest discover --quiet --start-directory scripts/bench_peers --pattern "test_*.py"
if command -v cargo-deny >/dev/null; then
    say "licences, versions and sources of dependencies"
    cargo deny --locked check licenses bans sources
    # The database of advisories comes from the network: it is used where an earlier `cargo deny fetch` left it.
    if compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*" >/dev/null; then
        say "advisories"
        cargo deny --locked --offline check advisories
    else
        say "there is no database of advisories: dependencies are not compared with it (cargo deny fetch db)"
    fi
else
    say "there is no cargo-deny: dependencies are not checked (cargo install cargo-deny --locked)"
fi
say "tests"
cargo test --locked --workspace --all-features
say "fuzzing"
# In the tests' profile, which checks for overflow too, so that nothing is built twice.
cargo build --locked --all-features --example mutate
FUZZ_BINARY="${CARGO_TARGET_DIR:-$PWD/target}/debug/examples/mutate" scripts/fuzz.sh --seed 1 5
