#!/usr/bin/env bash
# Tests frostline with the real tools that divide work among machines, all of them on this computer: shards with GNU
# parallel, Slurm and ssh; the engines Ray and Spark; and all of them on Parquet files and a store for S3. The last two
# need the wheel (scripts/wheel.sh).
# usage: scripts/test_cluster.sh [shards] [engines] [sources]      without arguments, all
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -gt 0 ] || set -- shards engines sources
for part in "$@"; do
    case $part in
        shards | engines | sources) "tests/cluster/$part.sh" ;;
        *) echo "test_cluster: unknown part \`$part\`; the parts are shards, engines and sources" >&2; exit 2 ;;
    esac
done
