# To be sourced. Prints a heading on standard error, in bold on a terminal unless NO_COLOR is set
# (see https://no-color.org).
say() {
    if [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
        printf '\033[1m==> %s\033[0m\n' "$*" >&2
    else
        printf '==> %s\n' "$*" >&2
    fi
}
