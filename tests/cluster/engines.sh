#!/usr/bin/env bash
# Runs Ray and Spark on this computer, on loopback alone, and checks that each row is answered once while workers,
# actors and Python processes are killed (tests/cluster). Needs the wheel of scripts/wheel.sh, python3 with venv, and
# Java 17 or later for Spark (Debian: openjdk-17-jre-headless, which is installed if root runs this).
# usage: tests/cluster/engines.sh [ray] [spark]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/say.sh
source tests/cluster/environment.sh
parts=("$@")
[ $# -gt 0 ] || parts=(ray spark)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

environment onnx pillow
say "2,000 rows"
in_environment -c 'import sys, pathlib, rows; rows.write(pathlib.Path(sys.argv[1]))' "$work"
for part in "${parts[@]}"; do
    if [ "$part" = spark ] && ! java_runtime; then continue; fi
    say "$part"
    in_environment "tests/cluster/test_$part.py" "$work"
done
