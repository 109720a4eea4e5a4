#!/usr/bin/env bash
# Builds the Python wheel, with the extension module and the program, and an sdist (without the program), in
# target/wheel/dist. Installs the wheel into an empty virtual environment and runs python/tests there, with nothing of
# the checkout on Python's path. Needs cargo, and python3 (3.10 or later) with pip and venv. The profile and the features
# are those of `cargo build --release`, so after it only the crates of the module itself are compiled.
# usage: scripts/wheel.sh [--zig] [--no-test]
#   --zig       build for every Linux with glibc 2.28 or later (manylinux_2_28), with the linker of PyPI's ziglang;
#               without it, the wheel is for this computer's glibc or later, and is not for PyPI
#   --no-test   only build
#
# One wheel (cp310-abi3) serves all versions of Python on a platform. A release needs one for each platform, each
# built on its own kind of runner, since the program in it is run by the tests:
#   Linux x86_64, aarch64      scripts/wheel.sh --zig
#   Linux x86_64, aarch64 musl not possible: ONNX Runtime has no wheels for musl
#   macOS arm64                MACOSX_DEPLOYMENT_TARGET=14.0 scripts/wheel.sh (that of ONNX Runtime's wheels)
#   Windows x86_64, arm64      the same steps: cargo build, a copy of frostline.exe, maturin build
set -euo pipefail
zig= test=yes
for argument in "$@"; do
    case $argument in
        --zig) zig=yes ;;
        --no-test) test= ;;
        *) echo "wheel: unknown option \`$argument\`; the options are --zig and --no-test" >&2; exit 2 ;;
    esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/say.sh
target=${CARGO_TARGET_DIR:-$PWD/target}
out=$target/wheel
tools=$out/tools/bin

if ! python3 -c "import ensurepip, venv" 2>/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "installing python3-venv"
        apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
    else
        echo "wheel: python3 has no \`venv\`; install it first (Debian: apt-get install python3-venv)" >&2
        exit 1
    fi
fi

say "maturin"
[ -x "$tools/maturin" ] || python3 -m venv "$out/tools"
"$tools/pip" install --quiet "maturin>=1.9,<2" ${zig:+ziglang cargo-zigbuild}

say "the program"
if [ -n "$zig" ]; then
    triple=$(rustc -vV | sed -n 's/^host: //p')
    PATH="$tools:$PATH" cargo zigbuild --release --locked --target "$triple.2.28"
    program=$target/$triple/release/frostline
    options=(--zig --compatibility manylinux_2_28 --target "$triple")
else
    cargo build --release --locked
    program=$target/release/frostline
    options=(--compatibility linux)
fi
# maturin takes this folder, by its name, as the data of the module.
data=python/frostline._frostline.data
mkdir -p "$data/scripts"
cp "$program" "$data/scripts/frostline"

say "the wheel"
rm -rf "$out/dist"
PATH="$tools:$PATH" "$tools/maturin" build --release --manifest-path python/Cargo.toml --out "$out/dist" "${options[@]}"
say "the sdist"
"$tools/maturin" sdist --manifest-path python/Cargo.toml --out "$out/dist"
wheel=$(ls "$out"/dist/*.whl)
say "$(du -h "$wheel" | cut -f1) $(basename "$wheel")"
[ -n "$test" ] || exit 0

say "an empty environment"
rm -rf "$out/environment"
python3 -m venv "$out/environment"
"$out/environment/bin/pip" install --quiet "$wheel[cpu,test]"
sample=$PWD/data/emoji
if [ ! -d "$sample/validation" ]; then
    say "the sample images: emoji"
    cargo run --quiet --release --locked -p emoji -- "$sample"
fi
say "the tests of the installed wheel"
tests=$PWD/python/tests
# No variable names the environment.
unset=(VIRTUAL_ENV CONDA_PREFIX FROSTLINE_HOME PYTHONPATH ORT_DYLIB_PATH)
cd "$out"
env "${unset[@]/#/--unset=}" FROSTLINE_EMOJI="$sample" \
    "$out/environment/bin/python" -m pytest -q -p no:cacheprovider -c "$tests/../pyproject.toml" "$tests"
