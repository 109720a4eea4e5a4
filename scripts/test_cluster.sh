#!/usr/bin/env bash
# Tests frostline with the real tools that divide work among machines, all of them on this computer: shards with GNU
# parallel, Slurm and ssh, and the engines Ray and Spark, which need the wheel (scripts/wheel.sh).
# usage: scripts/test_cluster.sh [shards] [engines]      without arguments, both
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -gt 0 ] || set -- shards engines
for part in "$@"; do
    case $part in
        shards | engines) "tests/cluster/$part.sh" ;;
        *) echo "test_cluster: unknown part \`$part\`; the parts are shards and engines" >&2; exit 2 ;;
    esac
done
