#!/usr/bin/env bash
# Runs Ray and Spark on this computer, on loopback alone, and checks that each row is answered once while workers,
# actors and Python processes are killed (tests/cluster). Needs the wheel of scripts/wheel.sh, python3 with venv, and
# Java 17 or later for Spark (Debian: openjdk-17-jre-headless, which is installed if root runs this).
# usage: tests/cluster/engines.sh [ray] [spark]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/say.sh
target=${CARGO_TARGET_DIR:-$PWD/target}
parts=("$@")
[ $# -gt 0 ] || parts=(ray spark)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Installs the wheel with the engines into $target/cluster.
environment() {
    local wheel
    wheel=$(ls "$target"/wheel/dist/*.whl) || { say "build the wheel first: scripts/wheel.sh --no-test"; exit 1; }
    say "an environment with the engines"
    [ -x "$target/cluster/bin/python" ] || python3 -m venv "$target/cluster"
    "$target/cluster/bin/pip" install --quiet "$wheel[cpu,ray,spark]" onnx pillow
    "$target/cluster/bin/pip" install --quiet --force-reinstall --no-deps "$wheel"
}

# Whether there is Java, or it can be installed.
java_runtime() {
    command -v java >/dev/null && return
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "installing Java"
        apt-get update -qq >/dev/null || true
        for package in openjdk-17-jre-headless default-jre-headless; do
            apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 && return
        done
    fi
    say "Java is missing: Spark is not tested (Debian: apt-get install openjdk-17-jre-headless)"
    return 1
}

# Runs a file of tests/cluster with nothing of the checkout on Python's path except its folder.
engine() {
    say "$1"
    # Ray reports its use to its makers, unless it is told not to.
    RAY_USAGE_STATS_ENABLED=0 RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0 PYTHONPATH="$PWD/tests/cluster" \
        "$target/cluster/bin/python" "tests/cluster/test_$1.py" "$work"
}

environment
say "2,000 rows"
PYTHONPATH="$PWD/tests/cluster" "$target/cluster/bin/python" -c \
    'import sys, pathlib, rows; rows.write(pathlib.Path(sys.argv[1]))' "$work"
for part in "${parts[@]}"; do
    if [ "$part" = spark ] && ! java_runtime; then continue; fi
    engine "$part"
done
