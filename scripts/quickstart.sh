#!/usr/bin/env bash
# From nothing to a classifier: sets everything up, and runs extract, fit-head, evaluate and classify.
# usage: scripts/quickstart.sh [IMAGES]      IMAGES holds train/<class>/… and validation/<class>/…; default: emoji
set -euo pipefail
images=${1:-}
if [ -n "$images" ]; then
    for split in train validation; do
        [ -d "$images/$split" ] || { echo "quickstart: there is no folder \`$images/$split\`; wanted are" \
            "\`$images/train/<class>/…\` and \`$images/validation/<class>/…\`" >&2; exit 2; }
    done
    images=$(cd "$images" && pwd)
fi

set --
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

if [ -z "$images" ]; then
    images=$PWD/data/emoji
    if ! [ -d "$images/validation" ]; then
        say "the sample images: emoji"
        cargo run --quiet --release --locked --example emoji -- "$images"
    fi
fi

out=$FROSTLINE_HOME/quickstart/$(basename "$images")
mkdir -p "$out"
run() { say "frostline $*"; "$frostline" "$@" || [ $? -eq 3 ]; }

run extract "$images/train" -o "$out/train"
run extract "$images/validation" -o "$out/validation"
run fit-head "$out/train" --validation "$out/validation" -o "$out/head.safetensors"
run evaluate --head "$out/head.safetensors" "$out/validation"
run classify "$images/validation" --head "$out/head.safetensors" --store "$out/validation" -o "$out/labels.csv"

say "done"
cat >&2 <<END
  images    $images
  features  $out/train and $out/validation
  head      $out/head.safetensors
  labels    $out/labels.csv
  binary    $frostline
  home      $FROSTLINE_HOME (keep it: export FROSTLINE_HOME=$FROSTLINE_HOME)
END
