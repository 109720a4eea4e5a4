# To be sourced from the root of the checkout, after scripts/say.sh. What the tests of this folder install.

# have COMMAND PACKAGES…: whether a tool is there, or can be installed.
have() {
    command -v "$1" >/dev/null && return
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "installing ${*:2}"
        apt-get update -qq >/dev/null 2>&1 || true
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${@:2}" >/dev/null 2>&1 &&
            command -v "$1" >/dev/null && return
    fi
    say "$1 is missing: what needs it is not tested (Debian: apt-get install ${*:2})"
    return 1
}

java_runtime() {
    have java openjdk-17-jre-headless || have java default-jre-headless
}

# Installs the wheel of scripts/wheel.sh with the engines, and more packages, into $target/cluster.
environment() {
    local wheel
    target=${CARGO_TARGET_DIR:-$PWD/target}
    wheel=$(ls "$target"/wheel/dist/*.whl) || { say "build the wheel first: scripts/wheel.sh --no-test"; exit 1; }
    say "an environment with the engines"
    [ -x "$target/cluster/bin/python" ] || python3 -m venv "$target/cluster"
    "$target/cluster/bin/python" -m pip install --quiet "$wheel[cpu,ray,spark]" "$@"
    "$target/cluster/bin/python" -m pip install --quiet --force-reinstall --no-deps "$wheel"
}

# Runs Python in that environment, with nothing of the checkout on its path except this folder. Ray reports its use
# to its makers, unless it is told not to.
in_environment() {
    RAY_USAGE_STATS_ENABLED=0 RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0 PYTHONPATH="$PWD/tests/cluster" \
        NO_PROXY="*" no_proxy="*" "$target/cluster/bin/python" "$@"
}
