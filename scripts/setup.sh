#!/usr/bin/env bash
# Builds the release binary, and installs ONNX Runtime and the default backbone with `frostline setup`.
# Needs cargo, and python3 with pip. Anything already installed and intact is not downloaded again.
# usage: scripts/setup.sh [--cuda] [--vgg16]
#   --cuda    also install ONNX Runtime for NVIDIA GPUs, with the NVIDIA libraries it needs
#             (1.4 GB to download, 2.4 GB on disk)
#   --vgg16   also install the backbone vgg16-conv (61 MB to download)
set -euo pipefail
cuda= vgg16=
for argument in "$@"; do
    case $argument in
        --cuda) cuda=--cuda ;;
        --vgg16) vgg16=yes ;;
        *) echo "setup: unknown option \`$argument\`; the options are --cuda and --vgg16" >&2; exit 2 ;;
    esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export FROSTLINE_HOME="${FROSTLINE_HOME:-$PWD/.frostline}"
frostline="${CARGO_TARGET_DIR:-$PWD/target}/release/frostline"

source scripts/say.sh

command -v cargo >/dev/null || { echo "setup: \`cargo\` is missing; install it first" >&2; exit 1; }
say "frostline"
cargo build --release --locked
say "ONNX Runtime and the default backbone"
"$frostline" setup $cuda
if [ -n "$vgg16" ]; then
    "$frostline" setup --backbone vgg16-conv
fi

# Other scripts source this one.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    say "done"
    cat >&2 <<END
  export PATH="$(dirname "$frostline"):\$PATH" FROSTLINE_HOME="$FROSTLINE_HOME"
  frostline doctor
END
fi
