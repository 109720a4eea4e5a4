#!/usr/bin/env bash
# Downloads axe-core, by whose rules the tests check pages in a browser, to the target directory. Its licence,
# MPL-2.0, stays with it; it is not part of frostline. Needs npm; as root, npm is installed with apt-get.
# Without npm or the registry it says so and succeeds: then these tests are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/say.sh

version=4.14.1
sha256=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745
folder="${CARGO_TARGET_DIR:-$PWD/target}/axe-core"
archive="$folder/axe-core-$version.tgz"

intact() { echo "$sha256  $archive" | sha256sum --check --status 2>/dev/null; }

skip() {
    say "$1: pages are not checked by axe-core"
    exit 0
}

if ! intact; then
    if ! command -v npm >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "installing npm to download axe-core"
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends npm >/dev/null; } || true
    fi
    command -v npm >/dev/null || skip "npm is missing"
    mkdir -p "$folder"
    npm pack --silent --pack-destination "$folder" "axe-core@$version" >/dev/null ||
        skip "downloading axe-core failed"
    intact || { echo "axe: $archive does not have the expected SHA-256" >&2; exit 1; }
fi
tar -xzf "$archive" -C "$folder" package/axe.min.js package/LICENSE
