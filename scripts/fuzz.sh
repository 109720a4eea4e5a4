#!/usr/bin/env bash
# Fuzzes everything that reads files of strangers, one target after the other.
# With nightly Rust and cargo-fuzz, inputs grow by coverage; else mutants are made of seeds by stable Rust.
# usage: scripts/fuzz.sh [--jobs N] [--stable] [--seed N] [SECONDS] [TARGET...]
#   --jobs N    so many targets at a time (1)
#   --stable    stable Rust, whatever else is there
#   --seed N    the number that mutants depend on (the time)
#   SECONDS     of each target (60)
#   TARGET      one of `cargo run --release --example mutate -- list` (all)
# Ends with 1 where a target failed: panicked, aborted, hung for 10 seconds, or took more than 1 GB of memory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/say.sh

jobs=1 stable= seed=$(date +%s) seconds=60 targets=()
while [ $# -gt 0 ]; do
    case $1 in
        --jobs) jobs=$2; shift ;;
        --seed) seed=$2; shift ;;
        --stable) stable=yes ;;
        -*) echo "fuzz: \`$1\` is not an option; see the head of scripts/fuzz.sh" >&2; exit 2 ;;
        *[!0-9]*) targets+=("$1") ;;
        *) seconds=$1 ;;
    esac
    shift
done

# FUZZ_BINARY is a mutator that is built already, as scripts/test.sh has one.
target_folder=${CARGO_TARGET_DIR:-$PWD/target}
mutate=${FUZZ_BINARY:-$target_folder/fuzz/examples/mutate}
if [ -z "${FUZZ_BINARY:-}" ]; then
    say "the mutator, with overflow checks"
    cargo build --locked --profile fuzz --all-features --example mutate
fi
if [ ${#targets[@]} = 0 ]; then
    read -r -a targets <<<"$("$mutate" list | cut -d' ' -f1 | tr '\n' ' ')"
fi

# Files that targets read by their path lie in memory where that can be.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then
    export TMPDIR=/dev/shm
fi
# glibc gives large blocks back to the system when they are freed, so that memory that grows is memory that is kept.
export MALLOC_MMAP_THRESHOLD_=131072
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

by_coverage() {
    [ -z "$stable" ] && [ -z "${FUZZ_BINARY:-}" ] && cargo +nightly fuzz --version >/dev/null 2>&1
}

# One target; its last lines say how it went.
fuzz() {
    if by_coverage; then
        # The versions of the ordinary build.
        [ -e fuzz/Cargo.lock ] || cp Cargo.lock fuzz/
        "$mutate" seeds "$1" "fuzz/corpus/$1"
        cargo +nightly fuzz run "$1" -- -max_total_time="$seconds" -seed="$seed" -rss_limit_mb=1024 -timeout=10 -print_final_stats=1
    else
        # 1 GB of address space: memory that is asked for counts, whether it is used or not. macOS has no such limit.
        (
            ulimit -v 1048576 2>/dev/null || true
            exec "$mutate" "$1" "$seconds" "$seed"
        )
    fi
}

# Runs a target, keeps what it says, and says where its input is if it ended without a word.
watched() {
    local code=0
    fuzz "$1" >"$logs/$1" 2>&1 || code=$?
    if [ $code != 0 ]; then
        echo "FAILED: $1 ended with $code; its last input is in $target_folder/mutants/$1-$seed or fuzz/artifacts/$1" >>"$logs/$1"
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
