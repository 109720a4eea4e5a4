#!/usr/bin/env bash
# Runs every check that must pass before a change lands: setup, formatting, lints, tests, documentation.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# Their features are compared with PyTorch's.
for name in efficientnet-lite1 efficientnet-lite2; do
    "$frostline" setup --backbone "$name"
done

# The report is tested in a real browser; without one, these tests are skipped with a message.
if ! command -v chromedriver >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "installing chromium to test the report"
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium chromium-driver >/dev/null; } ||
            say "installing chromium failed: the report is not tested in a browser"
    else
        say "chromedriver is missing: the report is not tested in a browser" \
            "(Debian: apt-get install chromium chromium-driver)"
    fi
fi
scripts/axe.sh

say "formatting"
cargo fmt --all --check
say "lints"
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
# The Python module has the features of the program.
cargo clippy --locked --workspace --exclude frostline-python --no-default-features -- -D warnings
cargo clippy --locked --no-default-features --features cli -- -D warnings
say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --all-features --no-deps --document-private-items
say "the tables of scripts/bench_peers.sh"
python3 -m unittest discover --quiet --start-directory scripts/bench_peers --pattern "test_*.py"
say "dry runs of the checks on a GPU"
python3 -m unittest discover --quiet --start-directory scripts/gpu --pattern "test_*.py"
if command -v cargo-deny >/dev/null; then
    say "licences, versions and sources of dependencies"
    cargo deny --locked check licenses bans sources
    # The advisory database is used only if `cargo deny fetch` has downloaded it.
    if compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*" >/dev/null; then
        say "advisories"
        cargo deny --locked --offline check advisories
    else
        say "the advisory database is missing: advisories are not checked (run cargo deny fetch db)"
    fi
else
    say "cargo-deny is missing: dependencies are not checked (run cargo install cargo-deny --locked)"
fi
say "tests"
cargo test --locked --workspace --all-features
say "the installed program"
installed="$(mktemp -d)"
trap 'rm -rf "$installed"' EXIT
cargo install --quiet --locked --no-track --path . --root "$installed"
# Labelling trains after each label, which takes minutes without optimisation.
FROSTLINE_INSTALLED="$installed/bin/frostline" \
    cargo test --quiet --locked --workspace --all-features --test it -- --include-ignored \
    setup::real label_page::clothing label_page::latency::a_thousand
say "the Python wheel"
scripts/wheel.sh
say "fuzzing"
# Built in the tests' profile, which also checks for overflow, so that nothing is built twice.
cargo build --locked --all-features --example mutate
FUZZ_BINARY="${CARGO_TARGET_DIR:-$PWD/target}/debug/examples/mutate" scripts/fuzz.sh --seed 1 5
