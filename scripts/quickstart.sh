#!/usr/bin/env bash
# From a checkout to a classifier: installs everything, then runs extract, fit-head, evaluate, and classify
# or report.
# usage: scripts/quickstart.sh [--backbone NAME] [IMAGES]
#   IMAGES    a folder with train/<class>/… and validation/<class>/…, or only <class>/…: then every image is
#             evaluated with a head trained without it and its near-duplicates (5-fold cross-validation)
#             [default: emoji]
#   NAME      a name from `frostline models list`, downloaded if it is not installed
#             [default: efficientnet-lite0]
set -euo pipefail
backbone=efficientnet-lite0 images=
while [ $# -gt 0 ]; do
    case $1 in
        --backbone) backbone=${2:?"quickstart: --backbone needs a name"}; shift 2 ;;
        -*) echo "quickstart: unknown option \`$1\`; the only option is --backbone NAME" >&2; exit 2 ;;
        *) images=$1; shift ;;
    esac
done

refuse() {
    echo "quickstart: $1; expected \`$images/train/<class>/…\` and \`$images/validation/<class>/…\`, or" \
        "\`$images/<class>/…\` with at least two classes" >&2
    exit 2
}

has_folders() { compgen -G "$1/*/" >/dev/null; }

split=yes
if [ -n "$images" ]; then
    [ -d "$images" ] || refuse "the folder \`$images\` does not exist"
    if ! [ -d "$images/train" ] || ! [ -d "$images/validation" ]; then
        # A class may be named `train` or `validation`; then it contains images and no folders.
        if has_folders "$images/train"; then refuse "\`$images/validation\` is missing"; fi
        if has_folders "$images/validation"; then refuse "\`$images/train\` is missing"; fi
        has_folders "$images" || refuse "\`$images\` has no folders"
        classes=("$images"/*/)
        [ ${#classes[@]} -ge 2 ] || refuse "\`$images\` has only one folder"
        split=no
    fi
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
        cargo run --quiet --release --locked -p emoji -- "$images"
    fi
fi

out=$FROSTLINE_HOME/quickstart/$(basename "$images")-$backbone
mkdir -p "$out"
run() { say "frostline $*"; "$frostline" "$@" || [ $? -eq 3 ]; }

# Prints the metrics and saves the accuracy with its interval for the summary.
evaluate() {
    run evaluate --head "$out/head.safetensors" "$1" -o "$out/figures.txt"
    cat "$out/figures.txt"
    accuracy=$(sed -n 's/^accuracy  *\([0-9.]* %\)  *\(.*\)$/\1 (95 % interval \2)/p' "$out/figures.txt")
}

if [ $split = yes ]; then
    run extract "$images/train" -o "$out/train" --backbone "$backbone"
    run extract "$images/validation" -o "$out/validation" --backbone "$backbone"
    run fit-head "$out/train" --validation "$out/validation" -o "$out/head.safetensors"
    evaluate "$out/validation"
    accuracy+=" on the validation images"
    run classify "$images/validation" --head "$out/head.safetensors" --store "$out/validation" -o "$out/labels.csv"
    features="$out/train and $out/validation" result="labels    $out/labels.csv"
else
    features=$out/$(basename "$images")
    run extract "$images" -o "$features" --backbone "$backbone"
    run fit-head "$features" --folds 5 -o "$out/head.safetensors"
    run report --head "$out/head.safetensors" "$features" --images "$images" -o "$out/report.html"
    evaluate "$features"
    accuracy+=", each image evaluated with a head trained without it"
    result="report    $out/report.html"
fi

say "done"
cat >&2 <<END
  images    $images
  features  $features
  head      $out/head.safetensors
  $result
  accuracy  $accuracy
  binary    $frostline
  home      $FROSTLINE_HOME (to use it later: export FROSTLINE_HOME=$FROSTLINE_HOME)
END
