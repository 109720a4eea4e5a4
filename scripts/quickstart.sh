#!/usr/bin/env bash
# From nothing to a classifier: sets everything up, and runs extract, fit-head, evaluate and classify.
# usage: scripts/quickstart.sh [--backbone NAME] [IMAGES]
#   IMAGES    holds train/<class>/… and validation/<class>/…; default: emoji
#   NAME      a name of `frostline models list`, fetched where it is not installed; default: efficientnet-lite0
set -euo pipefail
backbone=efficientnet-lite0 images=
while [ $# -gt 0 ]; do
    case $1 in
        --backbone) backbone=${2:?"quickstart: --backbone wants a name"}; shift 2 ;;
        -*) echo "quickstart: \`$1\` is no option; there is --backbone NAME" >&2; exit 2 ;;
        *) images=$1; shift ;;
    esac
done
if [ -n "$images" ]; then
    for split in train validation; do
        [ -d "$images/$split" ] || { echo "quickstart: there is no folder \`$images/$split\`; wanted are" \
            "\`$images/train/<class>/…\` and \`$images/validation/<class>/…\`" >&2; exit 2; }
    done
    images=$(cd "$images" && pwd)
fi

if [ "$backbone" = vgg16-conv ]; then set -- --vgg16; fi
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

if ! [ -f "$FROSTLINE_HOME/models/$backbone.onnx" ]; then
    say "the backbone $backbone"
    "$frostline" models pull "$backbone"
fi

if [ -z "$images" ]; then
    images=$PWD/data/emoji
    if ! [ -d "$images/validation" ]; then
        say "the sample images: emoji"
        cargo run --quiet --release --locked --example emoji -- "$images"
    fi
fi

out=$FROSTLINE_HOME/quickstart/$(basename "$images")-$backbone
mkdir -p "$out"
run() { say "frostline $*"; "$frostline" "$@" || [ $? -eq 3 ]; }

run extract "$images/train" -o "$out/train" --backbone "$backbone"
run extract "$images/validation" -o "$out/validation" --backbone "$backbone"
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
