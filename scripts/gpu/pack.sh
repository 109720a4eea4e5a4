#!/usr/bin/env bash
# Collects what check.sh needs on a machine with an NVIDIA card that has neither a network nor cargo, as pieces with
# SHA-256 sums: the programs, ONNX Runtime with the CUDA provider, EfficientNet-Lite0 and the pictures of Alien vs
# Predator (generated there if they are not in ../shared/data). Needs cargo, and python3 with pip; x86-64 Linux.
# usage: scripts/gpu/pack.sh [--output DIR] [--mib N] [--program FILE] [--rehearse]
#   --output     the folder of the pieces [default: target/gpu/pieces]
#   --mib        the largest size of a piece [default: 50]
#   --program    pack this binary and build nothing: without the tests and the Python package
#   --rehearse   join the pieces in another folder, and compare it with what was packed
# FROSTLINE_HOME is the home with EfficientNet-Lite0 [default: .frostline]; FROSTLINE_BENCH_IMAGES is another path of
# the pictures.
set -euo pipefail
output= mib=50 program= rehearse=
while [ $# -gt 0 ]; do
    case $1 in
        --output) output=${2:?"pack: --output needs a folder"}; shift 2 ;;
        --mib) mib=${2:?"pack: --mib needs a number"}; shift 2 ;;
        --program) program=$(readlink -f "${2:?"pack: --program needs a file"}"); shift 2 ;;
        --rehearse) rehearse=--rehearse; shift ;;
        *) echo "pack: unknown option \`$1\`; the options are --output, --mib, --program and --rehearse" >&2; exit 2 ;;
    esac
done
[ -z "$output" ] || output=$(mkdir -p "$output" && cd "$output" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/say.sh
target=${CARGO_TARGET_DIR:-$PWD/target}
out=$target/gpu
output=${output:-$out/pieces}
tree=$out/tree
export FROSTLINE_HOME="${FROSTLINE_HOME:-$PWD/.frostline}"
images=${FROSTLINE_BENCH_IMAGES:-$PWD/../shared/data/alien_predator}

# Unpacks the files of a wheel whose names start with one of the given words.
unpack() {
    python3 - "$@" <<'END'
import sys, zipfile
wheel, to, *starts = sys.argv[1:]
with zipfile.ZipFile(wheel) as packed:
    packed.extractall(to, [name for name in packed.namelist() if name.startswith(tuple(starts))])
END
}

rm -rf "$tree/program" "$tree/runtime" "$tree/data"
mkdir -p "$tree"/program/{bin,gpu} "$tree/runtime/site-packages" "$tree/data/home/models"

if [ -z "$program" ]; then
    say "the program"
    cargo build --release --locked
    program=$target/release/frostline
    say "the tests"
    # With the features of scripts/test.sh, so that nothing is built twice.
    tests=$(cargo test --quiet --locked --all-features --test it --no-run --message-format json | python3 -c '
import json, sys
for line in sys.stdin:
    built = json.loads(line)
    # cargo also builds the program, for the tests.
    if built.get("executable") and built["target"]["name"] == "it":
        print(built["executable"])')
    cp "$tests" "$tree/program/bin/it"
    echo "$PWD" >"$tree/program/bin/it.path"
    mkdir -p "$tree/data/checkout/tests"
    cp -r tests/golden "$tree/data/checkout/tests/"
    say "the Python package"
    scripts/wheel.sh --no-test
    unpack "$target"/wheel/dist/frostline-*.whl "$tree/program/python" frostline/
fi
cp "$program" "$tree/program/bin/frostline"
if command -v strip >/dev/null; then strip "$tree"/program/bin/{frostline,it} 2>/dev/null || true; fi
cp -r scripts/gpu/*.py scripts/gpu/check.sh scripts/gpu/fake "$tree/program/gpu/"
cp scripts/networks.py "$tree/program/"
rm -rf "$tree"/program/gpu/{,fake/}__pycache__ "$tree"/program/gpu/test_*

say "ONNX Runtime"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    --python-version 3.12 --platform manylinux_2_28_x86_64 --dest "$out/wheels" \
    --requirement scripts/gpu/onnxruntime.txt
# Without the tools for training and quantization, and TensorRT.
unpack "$out"/wheels/onnxruntime_gpu-*.whl "$tree/runtime/site-packages" onnxruntime/{__init__.py,capi/,transformers/}
rm "$tree"/runtime/site-packages/onnxruntime/capi/*providers_tensorrt*

say "networks and pictures"
for file in efficientnet-lite0.{onnx,toml}; do
    [ -f "$FROSTLINE_HOME/models/$file" ] || "$program" setup
    cp "$FROSTLINE_HOME/models/$file" "$tree/data/home/models/"
done
if [ -d "$images" ]; then
    cp -r "$images" "$tree/data/pictures"
else
    say "the pictures are missing in $images: others are generated on the other machine"
fi

say "the pieces"
python3 scripts/gpu/pieces.py "$tree" "$output" --mib "$mib" $rehearse
say "wrote $output; copy it, and there run python3 join.py, then joined/program/gpu/check.sh"
