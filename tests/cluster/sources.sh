#!/usr/bin/env bash
# Computes one store from Parquet files with images and from stores for S3 and Azure on loopback, with one machine,
# shards with GNU parallel, Ray and Spark, while processes are killed, and compares each with the store of a folder:
# the same images and classes, features to 1e-5, no row lost or doubled. The pictures are data/emoji, and those of
# ../shared/data if they are there. Needs the wheel of scripts/wheel.sh; installs the rest, as tests/cluster/engines.sh.
# usage: tests/cluster/sources.sh [PICTURES]      about so many of the pictures are used [default: 1200]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/say.sh
source tests/cluster/environment.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

environment "moto[server]==5.*"
if [ ! -d data/emoji/validation ]; then
    say "the sample images: emoji"
    cargo run --quiet --release --locked -p emoji -- data/emoji
fi
tools=(ray)
! have parallel parallel || tools+=(parallel)
! java_runtime || tools+=(spark)
options=(--pictures "${1:-1200}")
azurite=$target/azurite/node_modules/.bin/azurite-blob
if [ -x "$azurite" ] || { command -v npm >/dev/null &&
    npm install --silent --no-audit --no-fund --prefix "$target/azurite" azurite@3; }; then
    options+=(--azurite "$azurite")
else
    say "Azurite cannot be installed, which needs npm: az:// is not tested"
fi
say "pictures from Parquet files and stores: one machine, ${tools[*]}"
in_environment tests/cluster/test_sources.py "$work" "${tools[@]}" "${options[@]}"
