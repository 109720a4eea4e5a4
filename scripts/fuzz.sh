#!/usr/bin/env bash
# Fuzzes everything that reads untrusted files, one target after another. Uses cargo-fuzz (coverage-guided)
# if nightly Rust and cargo-fuzz are installed, and otherwise mutates seeds with stable Rust.
# usage: scripts/fuzz.sh [--jobs N] [--stable] [--seed N] [SECONDS] [TARGET...]
#   --jobs N    number of targets to run at a time [default: 1]
#   --stable    use stable Rust even if cargo-fuzz is installed
#   --seed N    random seed of the mutants [default: the time]
#   SECONDS     time per target [default: 60]
#   TARGET      a name from `cargo run --release --example mutate -- list` [default: all]
# Exits with 1 if a target fails: it panics, aborts, takes 10 seconds of CPU time, or uses more than 1 GB of memory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/say.sh

jobs=1 stable= seed=$(date +%s) seconds=60 targets=()
while [ $# -gt 0 ]; do
    case $1 in
        --jobs) jobs=$2; shift ;;
        --seed) seed=$2; shift ;;
        --stable) stable=yes ;;
        -*) echo "fuzz: unknown option \`$1\`; see the start of scripts/fuzz.sh" >&2; exit 2 ;;
        *[!0-9]*) targets+=("$1") ;;
        *) seconds=$1 ;;
    esac
    shift
done

# FUZZ_BINARY is the path of a mutator that is already built; scripts/test.sh sets it.
target_folder=${CARGO_TARGET_DIR:-$PWD/target}
mutate=${FUZZ_BINARY:-$target_folder/fuzz/examples/mutate}
if [ -z "${FUZZ_BINARY:-}" ]; then
    say "building the mutator with overflow checks"
    cargo build --locked --profile fuzz --all-features --example mutate
fi
if [ ${#targets[@]} = 0 ]; then
    read -r -a targets <<<"$("$mutate" list | cut -d' ' -f1 | tr '\n' ' ')"
fi

# Files that targets read by path are in memory if possible.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then
    export TMPDIR=/dev/shm
fi
# Makes glibc return large blocks to the system when they are freed, so that growing memory is memory still
# in use.
export MALLOC_MMAP_THRESHOLD_=131072
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

by_coverage() {
    [ -z "$stable" ] && [ -z "${FUZZ_BINARY:-}" ] && cargo +nightly fuzz --version >/dev/null 2>&1
}

# Runs one target; its last lines are the result.
fuzz() {
    if by_coverage; then
        # Uses the same versions as the normal build.
        [ -e fuzz/Cargo.lock ] || cp Cargo.lock fuzz/
        "$mutate" seeds "$1" "fuzz/corpus/$1"
        cargo +nightly fuzz run "$1" -- -max_total_time="$seconds" -seed="$seed" -rss_limit_mb=1024 -timeout=10 -print_final_stats=1
    else
        # 1 GB of address space: allocated memory counts even if it is unused. macOS has no such limit.
        (
            ulimit -v 1048576 2>/dev/null || true
            exec "$mutate" "$1" "$seconds" "$seed"
        )
    fi
}

# Runs a target, logs its output, and names its last input if it fails.
watched() {
    local code=0
    fuzz "$1" >"$logs/$1" 2>&1 || code=$?
    if [ $code != 0 ]; then
        echo "FAILED: $1 exited with $code; its last input is in $target_folder/mutants/$1-$seed" \
            "or fuzz/artifacts/$1" >>"$logs/$1"
        touch "$logs/failed"
    fi
    grep -E "^($1:|FAILED|Error|memory allocation|stat::number_of|  seed:)|panicked at" "$logs/$1" >"$logs/$1.row" || true
    cat "$logs/$1.row" >&2
}

say "${#targets[@]} targets, $seconds seconds each, seed $seed"
running=0
for target in "${targets[@]}"; do
    if [ "$jobs" = 1 ]; then
        watched "$target"
        continue
    fi
    watched "$target" &
    running=$((running + 1))
    if [ $running -ge "$jobs" ]; then
        wait -n
        running=$((running - 1))
    fi
done
wait
say "summary"
for target in "${targets[@]}"; do
    cat "$logs/$target.row"
done
[ ! -e "$logs/failed" ]
