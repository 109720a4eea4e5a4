#!/usr/bin/env bash
# Sets up attacks (planted libraries and links, shadowed backbones, a home that others can write to, pipes,
# damaged caches) in a temporary folder, runs frostline there, and prints one line per attack. Fails if an
# attack succeeds.
# Linux only. Needs a home with ONNX Runtime and efficientnet-lite0 from frostline setup, which is copied.
# usage: scripts/hostile_places.sh [BINARY]
#   BINARY           the frostline to test [default: target/release/frostline]
#   FROSTLINE_HOME   the home to copy [default: .frostline in the checkout]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
frostline=$(realpath "${1:-${CARGO_TARGET_DIR:-$PWD/target}/release/frostline}")
installed=$(realpath "${FROSTLINE_HOME:-$PWD/.frostline}")
[ -x "$frostline" ] || { echo "hostile_places: \`$frostline\` is missing" >&2; exit 2; }
[ -f "$installed/models/efficientnet-lite0.onnx" ] ||
    { echo "hostile_places: \`$installed\` is not set up; run FROSTLINE_HOME=$installed frostline setup" >&2; exit 2; }

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"
export FROSTLINE_HOME="$place/home" HOME="$place/user"
unset ORT_DYLIB_PATH VIRTUAL_ENV CONDA_PREFIX LD_LIBRARY_PATH FROSTLINE_ALLOW_SHARED_HOME
mkdir -m 755 "$FROSTLINE_HOME" "$HOME" "$place/here"
cp -r "$installed/models" "$installed/runtime" "$FROSTLINE_HOME"
chmod -R go-w "$FROSTLINE_HOME"

# Images of two colours, as PPM, which is easy to write.
for class in 200 40; do
    mkdir -p "$place/images/c$class"
    for n in 1 2 3; do
        { printf 'P6 16 16 255\n'; head -c 768 /dev/zero | tr '\0' "\\$(printf %o $((class + n)))"; } \
            >"$place/images/c$class/$n.ppm"
    done
done

attacks=0 successes=0
held() { attacks=$((attacks + 1)); printf 'refused    %s\n' "$1"; }
broken() { attacks=$((attacks + 1)); successes=$((successes + 1)); printf 'SUCCEEDED  %s\n' "$1"; }

# Runs a command and saves its output; no command may hang.
said="$place/said"
run() { (cd "$place/here" && exec timeout 60 "$frostline" "$@") >"$said" 2>&1 </dev/null; }

# refuses NAME WORDS COMMAND…: the command exits with an error and prints WORDS.
refuses() {
    local name=$1 words=$2 code=0
    shift 2
    run "$@" || code=$?
    if { [ $code = 1 ] || [ $code = 2 ]; } && grep -qF -- "$words" "$said"; then
        held "$name"
    else
        broken "$name (exit code $code)"
        sed 's/^/             /' "$said"
    fi
}

# same NAME: the labels are the same as before the attack.
classify=(classify "$place/images" --head "$place/head.safetensors")
labels() { (cd "$place/here" && exec timeout 60 "$frostline" --quiet "${classify[@]}") 2>"$said" </dev/null; }
same() {
    local code=0 now
    now=$(labels) || code=$?
    if [ $code = 0 ] && [ "$now" = "$right" ]; then
        held "$1"
    else
        broken "$1 (exit code $code)"
        sed 's/^/             /' "$said"
    fi
}

sleep 2.1 # Checksums of younger networks are not cached.
run extract "$place/images" -o "$place/store" && run fit-head "$place/store" -o "$place/head.safetensors" ||
    { cat "$said"; exit 2; }
right=$(labels)

# A library that creates a file when it is loaded; without a compiler, a text file, which the loader's error
# would name.
mark="$place/loaded" library="$place/library.so"
printf '#include <stdio.h>\n__attribute__((constructor)) static void run(void) { fclose(fopen("%s", "w")); }\n' "$mark" \
    >"$place/library.c"
cc -shared -fPIC -o "$library" "$place/library.c" 2>/dev/null || echo "text, not a library" >"$library"

# loads_nothing NAME COMMAND…: the command neither loads nor tries a planted library.
loads_nothing() {
    local name=$1 code=0
    shift
    (cd "$place/here" && exec timeout 60 env "$@") >"$said" 2>&1 </dev/null || code=$?
    if [ $code -lt 124 ] && ! [ -e "$mark" ] && ! grep -q "invalid ELF header\|file too short" "$said"; then
        held "$name"
    else
        broken "$name (exit code $code)"
        sed 's/^/             /' "$said"
    fi
    rm -f "$mark"
}

echo "# planted libraries, with ONNX Runtime not installed elsewhere"
mv "$FROSTLINE_HOME/runtime" "$place/runtime"
for folder in . lib onnxruntime/capi lib/python3/site-packages/onnxruntime/capi runtime glibc-hwcaps/x86-64-v3; do
    mkdir -p "$place/here/$folder"
    for file in onnxruntime.so libonnxruntime.so libonnxruntime.so.1.99.0; do
        cp "$library" "$place/here/$folder/$file"
    done
done
network="$FROSTLINE_HOME/models/efficientnet-lite0.onnx"
for command in "doctor" "${classify[*]}" "models import $network --name other"; do
    # shellcheck disable=SC2086 # words of a command
    loads_nothing "libraries in the working directory: ${command%% *}" "$frostline" $command
done
for setting in LD_LIBRARY_PATH= LD_LIBRARY_PATH=: LD_LIBRARY_PATH=/nonexistent: LD_LIBRARY_PATH=:/nonexistent \
    LD_LIBRARY_PATH=. LD_LIBRARY_PATH=lib VIRTUAL_ENV=. VIRTUAL_ENV= CONDA_PREFIX=. ORT_DYLIB_PATH=libonnxruntime.so \
    ORT_DYLIB_PATH=./lib/libonnxruntime.so FROSTLINE_HOME=. FROSTLINE_HOME=lib; do
    loads_nothing "the same with $setting" "$setting" "$frostline" doctor
done
mv "$place/runtime" "$FROSTLINE_HOME/runtime"
# The binary's own libraries are loaded before frostline starts; this one is needed by ONNX Runtime.
cp "$library" "$place/here/libstdc++.so.6"
loads_nothing "a library that ONNX Runtime needs, with LD_LIBRARY_PATH=:" LD_LIBRARY_PATH=: "$frostline" doctor
rm -r "$place/here" && mkdir "$place/here"

echo "# shadowed names"
cp "$network" "$place/here/efficientnet-lite0"
printf 'name = "efficientnet-lite0"\n[preprocessing]\nresize = 99\n' >"$place/here/efficientnet-lite0.toml"
if run preview "$place/images" -o "$place/p1.png" && (cd "$place" && "$frostline" preview images -o p2.png) 2>/dev/null &&
    cmp -s "$place/p1.png" "$place/p2.png"; then
    held "a file with the default backbone's name and other preprocessing"
else
    broken "a file with the default backbone's name and other preprocessing"
fi
mkdir "$place/here/vgg19"
refuses "a folder with a known backbone's name" "is not installed" models show vgg19
cp "$network" "$FROSTLINE_HOME/models/other.onnx"
printf 'name = "efficientnet-lite0"\n' >"$FROSTLINE_HOME/models/other.toml"
refuses "an installed manifest with a known backbone's name" "its manifest is for" models show other
rm "$FROSTLINE_HOME"/models/other.*

echo "# files and folders that others can write to"
# frostline creates folders that nobody else can enter; the attacks need them open.
chmod -R go+rX "$FROSTLINE_HOME"
folders=("$place" "$FROSTLINE_HOME" "$FROSTLINE_HOME/models" "$FROSTLINE_HOME/runtime" "$FROSTLINE_HOME/cache"
    "$network" "${network%.onnx}.toml" "$FROSTLINE_HOME"/runtime/libonnxruntime* "$FROSTLINE_HOME/cache/checksums.json"
    "$FROSTLINE_HOME"/cache/graphs/*/weights.bin)
for folder in "${folders[@]}"; do
    mode=$(stat -c %a "$folder")
    chmod o+w "$folder"
    refuses "${folder/#$place/PLACE}: mode $(stat -c %a "$folder")" "other users can write to \`$folder\`" \
        extract "$place/images" -o "$place/new"
    chmod "$mode" "$folder"
    rm -rf "$place/new"
done
chmod 1777 "$FROSTLINE_HOME"
refuses "PLACE/home: sticky" "other users can write to" "${classify[@]}"
chmod 755 "$FROSTLINE_HOME"
if [ "$(id -u)" = 0 ]; then
    chown 65534 "$FROSTLINE_HOME/models"
    refuses "PLACE/home/models: owned by another user" "belongs to another user" "${classify[@]}"
    chown 0 "$FROSTLINE_HOME/models"
else
    echo "not tried  PLACE/home/models: owned by another user (only root can change the owner)"
fi

echo "# pipes and devices"
mkfifo "$place/pipe.onnx"
ln -s /dev/zero "$place/zero.onnx"
for file in "$place/pipe.onnx" "$place/zero.onnx" /dev/stdin; do
    name=${file/#$place/PLACE}
    refuses "models import $name" "not a regular file" models import "$file"
    refuses "models import $name --arch resnet18" "not a regular file" models import "$file" --arch resnet18
    refuses "models pull --from $name" "not a regular file" models pull efficientnet-lite0 --from "$file"
done
mv "${network%.onnx}.toml" "$place/manifest"
mkfifo "${network%.onnx}.toml"
refuses "a pipe as a manifest" "not a regular file" "${classify[@]}" --backbone "$network"
refuses "a pipe as a manifest, listed" "checks failed" doctor
rm "${network%.onnx}.toml" && mv "$place/manifest" "${network%.onnx}.toml"

echo "# the cache"
labels >/dev/null
for file in "$FROSTLINE_HOME"/cache/checksums.json "$FROSTLINE_HOME"/cache/graphs/*/{graph.onnx,weights.bin,sum}; do
    name=${file##*/}
    [ -f "$file" ] || { broken "$name is missing"; continue; }
    cp "$file" "$place/kept"
    size=$(stat -c %s "$file") sum=$(b2sum <"$file")
    for at in 0 $((size / 3)) $((size - 2)); do
        byte=$(od -An -tu1 -j "$at" -N 1 "$file")
        printf "\\$(printf %o $((byte ^ 1)))" | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
        same "$name with a flipped bit at $at"
        cp "$place/kept" "$file"
    done
    truncate -s $((size / 2)) "$file"
    same "$name cut in half"
    rm -f "$file" && mkfifo "$file"
    same "a pipe as $name"
    rm -f "$file" && ln -s "$place/kept" "$file"
    same "a link as $name"
    if [ "$(b2sum <"$place/kept")" = "$sum" ]; then
        held "the target of the link as $name is unchanged"
    else
        broken "the target of the link as $name is unchanged"
    fi
    rm -rf "$FROSTLINE_HOME/cache" && labels >/dev/null
done

echo "# planted links"
victim="$place/victim" wanted="another user's file"
# keeps NAME COMMAND…: whatever the command does, the target of a link is unchanged.
keeps() {
    local name=$1 code=0
    shift
    echo "$wanted" >"$victim"
    run "$@" || code=$?
    if [ $code -lt 124 ] && [ "$(cat "$victim")" = "$wanted" ] && ! [ -e "$place/dangling-target" ]; then
        held "$name"
    else
        broken "$name (exit code $code)"
        sed 's/^/             /' "$said"
    fi
    rm -f "$victim" "$place/dangling-target"
}
fresh_store() { rm -rf "$place/linked" && cp -r "$place/store" "$place/linked" && rm -f "$place/linked/.lock"; }
for target in victim dangling-target; do
    fresh_store && ln -s "$place/$target" "$place/linked/.lock"
    keeps "a store's lock that is a link to $target: extract" extract "$place/images" -o "$place/linked"
    fresh_store && ln -s "$place/$target" "$place/linked/.lock"
    keeps "a store's lock that is a link to $target: classify --store" "${classify[@]}" --store "$place/linked"
    for end in lock part; do
        rm -rf "$FROSTLINE_HOME/downloads" && mkdir "$FROSTLINE_HOME/downloads"
        ln -s "$place/$target" "$FROSTLINE_HOME/downloads/vgg19-7.onnx.$end"
        keeps "a download's $end that is a link to $target" \
            models pull vgg19 --url http://127.0.0.1:9/vgg19-7.onnx
    done
done
fresh_store && rm -f "$place/linked/.lock" && mkfifo "$place/linked/.lock"
keeps "a store's lock that is a pipe" extract "$place/images" -o "$place/linked"
ln -s "$place/images/c200/1.ppm" "$place/here/labels.csv"
refuses "an output that is a link to an input" "labels.csv" "${classify[@]}" -o labels.csv

echo
if [ $successes -gt 0 ]; then
    echo "$successes of $attacks attacks succeeded"
    exit 1
fi
echo "all $attacks attacks were refused"
