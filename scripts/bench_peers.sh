#!/usr/bin/env bash
# Measures frostline beside its peers, side by side in one run, and writes BENCHMARKS.md.
# Needs cargo, and python3 with venv and pip: each peer comes from PyPI into a virtual environment of its own under
# target/bench-peers (torch's is some GB). In full it takes some hours, and wants a machine that does nothing else.
# usage: scripts/bench_peers.sh [--quick] [--profile PROFILE] [--python PYTHON] [--table] [SECTION…]
#   SECTION    forward, folder, photos, tutorial, fit, cold or again; without one, all. The others' last results stay
#   --quick    few rounds and images
#   --profile  cargo's profile [default: release]
#   --python   one Python that has all peers, instead of the virtual environments
#   --table    measure nothing: write BENCHMARKS.md once more
# FROSTLINE_BENCH_IMAGES names Alien vs Predator elsewhere than in ../shared/data.
set -euo pipefail
quick= profile=release python= table=
while [ $# -gt 0 ]; do
    case $1 in
        --quick) quick=--quick; shift ;;
        --profile) profile=${2:?"bench_peers: --profile wants a name"}; shift 2 ;;
        --python) python=${2:?"bench_peers: --python wants a program"}; shift 2 ;;
        --table) table=yes; shift ;;
        -*) echo "bench_peers: \`$1\` is no option; there are --quick, --profile, --python and --table" >&2; exit 2 ;;
        *) break ;;
    esac
done
for section; do
    case $section in
        forward | folder | photos | tutorial | fit | cold | again) ;;
        *) echo "bench_peers: \`$section\` is no section; there are forward, folder, photos, tutorial, fit, cold and again" >&2; exit 2 ;;
    esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source scripts/say.sh

target=${CARGO_TARGET_DIR:-$PWD/target}
out=$target/bench-peers
peers=$PWD/scripts/bench_peers
installed=${FROSTLINE_HOME:-$PWD/.frostline}
mkdir -p "$out/results"

write_table() {
    python3 "$peers/table.py" "$out/results" BENCHMARKS.md
    say "BENCHMARKS.md is written; the results are in $out/results"
}
if [ -n "$table" ]; then write_table; exit; fi

if [ "$profile" = release ]; then scripts/setup.sh; fi
for file in models/efficientnet-lite0.onnx runtime; do
    [ -e "$installed/$file" ] || { echo "bench_peers: there is no \`$installed/$file\`: run scripts/setup.sh" >&2; exit 1; }
done

say "programs"
benches=()
for bench in benches/*.rs; do benches+=(--bench "$(basename "$bench" .rs)"); done
# One line for each program: NAME=PATH.
programs=$(cargo build --quiet --locked --profile "$profile" --bins --example synthetic_vgg19 "${benches[@]}" \
    --message-format json | python3 -c '
import json, sys
for line in sys.stdin:
    built = json.loads(line)
    if built.get("executable"):
        print(built["target"]["name"], built["executable"], sep="=")')
program() { sed -n "s/^$1=//p" <<<"$programs"; }
frostline=$(program frostline)

# A home of its own, so that nothing that is kept there from before helps or hurts.
home=$out/home
mkdir -p "$home/models"
ln -sfn "$(readlink -f "$installed/runtime")" "$home/runtime"
for file in "$installed"/models/efficientnet-lite0.*; do cp -u "$file" "$home/models/"; done
if ! [ -f "$home/models/vgg19-synthetic.onnx" ]; then
    say "VGG19 with seeded weights"
    "$(program synthetic_vgg19)" "$out/vgg19.onnx"
    FROSTLINE_HOME=$home "$frostline" models import "$out/vgg19.onnx" --name vgg19-synthetic
    rm "$out/vgg19.onnx"
fi

# Makes the virtual environment of a peer, with its packages.
peer() {
    local venv=$out/venvs/$1
    shift
    if [ -n "$python" ] || [ -f "$venv/.complete" ]; then return; fi
    say "$(basename "$venv"), into $venv"
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: "$@" ||
        { say "$(basename "$venv") could not be installed: it is not measured"; return; }
    touch "$venv/.complete"
}
peer onnxruntime onnxruntime numpy pillow
peer opencv opencv-python-headless onnxruntime numpy pillow
peer torch torch torchvision onnx numpy pillow
peer openvino openvino numpy
peer MNN MNN numpy
peer sklearn scikit-learn numpy threadpoolctl
pattern=${python:-$out/venvs/{peer\}/bin/python}

for model in efficientnet-lite0 vgg19-synthetic; do
    if [ -x "${pattern/\{peer\}/MNN}" ] && ! [ -f "$home/models/$model.mnn" ]; then
        say "$model for MNN"
        "${pattern/\{peer\}/MNN}" "$peers/mnn_convert.py" "$home/models/$model.onnx" "$home/models/$model.mnn" >&2 ||
            say "$model could not be converted: MNN is not measured with it"
    fi
done

named=()
while read -r each; do named+=(--bench "$each"); done < <(grep -E "^($(basename -as .rs benches/*.rs | paste -sd '|'))=" <<<"$programs")
python3 "$peers/measure.py" $quick --out "$out" --home "$home" --frostline "$frostline" --python "$pattern" "${named[@]}" "$@"
write_table
