#!/usr/bin/env bash
# Measures frostline and its peers in one run and writes BENCHMARKS.md.
# Needs cargo, and python3 with venv and pip: each peer is installed from PyPI into its own virtual
# environment under target/bench-peers (torch's takes several GB). A full run takes several hours and needs an
# idle machine.
# usage: scripts/bench_peers.sh [--quick] [--profile PROFILE] [--python PYTHON] [--table] [SECTION…]
#   SECTION    forward, folder, photos, tutorial, fit, cold, again or serve [default: all]; the others keep
#              their last results. `serve` installs oha, which makes the load, with cargo
#   --quick    use few rounds and images
#   --profile  cargo profile [default: release]
#   --python   one Python with all peers, instead of the virtual environments
#   --table    measure nothing and only rewrite BENCHMARKS.md
# FROSTLINE_BENCH_IMAGES sets the path of Alien vs Predator if it is not in ../shared/data.
set -euo pipefail
quick= profile=release python= table=
while [ $# -gt 0 ]; do
    case $1 in
        --quick) quick=--quick; shift ;;
        --profile) profile=${2:?"bench_peers: --profile needs a name"}; shift 2 ;;
        --python) python=${2:?"bench_peers: --python needs a program"}; shift 2 ;;
        --table) table=yes; shift ;;
        -*)
            echo "bench_peers: unknown option \`$1\`; the options are" \
                "--quick, --profile, --python and --table" >&2
            exit 2
            ;;
        *) break ;;
    esac
done
for section; do
    case $section in
        forward | folder | photos | tutorial | fit | cold | again | serve) ;;
        *)
            echo "bench_peers: unknown section \`$section\`; the sections are" \
                "forward, folder, photos, tutorial, fit, cold, again and serve" >&2
            exit 2
            ;;
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
    say "wrote BENCHMARKS.md; the results are in $out/results"
}
if [ -n "$table" ]; then write_table; exit; fi

if [ "$profile" = release ]; then scripts/setup.sh; fi
for file in models/efficientnet-lite0.onnx runtime; do
    [ -e "$installed/$file" ] ||
        { echo "bench_peers: \`$installed/$file\` is missing; run FROSTLINE_HOME=$installed frostline setup" >&2; exit 1; }
done

say "programs"
benches=()
for bench in benches/*.rs; do benches+=(--bench "$(basename "$bench" .rs)"); done
# One line per program: NAME=PATH.
programs=$(cargo build --quiet --locked --profile "$profile" --bins --example synthetic_vgg19 "${benches[@]}" \
    --message-format json | python3 -c '
import json, sys
for line in sys.stdin:
    built = json.loads(line)
    if built.get("executable"):
        print(built["target"]["name"], built["executable"], sep="=")')
program() { sed -n "s/^$1=//p" <<<"$programs"; }
frostline=$(program frostline)

# A separate home, so that no earlier cache affects the timings.
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

# Creates a peer's virtual environment with its packages.
peer() {
    local venv=$out/venvs/$1
    shift
    if [ -n "$python" ] || [ -f "$venv/.complete" ]; then return; fi
    say "installing $(basename "$venv") into $venv"
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: "$@" ||
        { say "installing $(basename "$venv") failed: it is not measured"; return; }
    touch "$venv/.complete"
}
peer onnxruntime onnxruntime numpy pillow
peer opencv opencv-python-headless onnxruntime numpy pillow
peer torch torch torchvision onnx numpy pillow
peer openvino openvino numpy
peer MNN MNN numpy
peer sklearn scikit-learn numpy threadpoolctl
peer services fastapi uvicorn 'ray[serve]' onnxruntime numpy pillow
pattern=${python:-$out/venvs/{peer\}/bin/python}

for model in efficientnet-lite0 vgg19-synthetic; do
    if [ -x "${pattern/\{peer\}/MNN}" ] && ! [ -f "$home/models/$model.mnn" ]; then
        say "converting $model for MNN"
        "${pattern/\{peer\}/MNN}" "$peers/mnn_convert.py" "$home/models/$model.onnx" "$home/models/$model.mnn" >&2 ||
            say "converting $model failed: MNN is not measured with it"
    fi
done

if [ $# = 0 ] || [[ " $* " = *" serve "* ]]; then
    say "oha, which makes the load for \`serve\`"
    cargo install --quiet --locked --root "$out/oha" oha ||
        say "installing oha failed: services are not measured"
fi

named=()
while read -r each; do named+=(--bench "$each"); done < <(grep -E "^($(basename -as .rs benches/*.rs | paste -sd '|'))=" <<<"$programs")
python3 "$peers/measure.py" $quick --out "$out" --home "$home" --frostline "$frostline" --python "$pattern" "${named[@]}" "$@"
write_table
