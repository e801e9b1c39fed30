#!/usr/bin/env bash
# Says whether what cannot be set up by itself is here: Go, Python, a C
# compiler. Names each one that is missing and what to install.
#
#   scripts/requirements.sh go|python|cc ...
#
# PYTHON is the interpreter asked for, python3 by default.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly go_minimum=1.26 python_minimum=3.10
missing=0

miss() {
    printf 'missing: %s\n         %s\n' "$1" "$2" >&2
    missing=1
}

# at_least HAVE WANT compares two dotted versions by major and minor.
at_least() {
    local have_major have_minor want_major want_minor
    IFS=. read -r have_major have_minor _ <<<"$1"
    IFS=. read -r want_major want_minor _ <<<"$2"
    have_minor=${have_minor%%[!0-9]*}
    ((have_major > want_major || (have_major == want_major && ${have_minor:-0} >= want_minor)))
}

check_go() {
    local version
    if ! command -v go >/dev/null; then
        miss "Go $go_minimum or newer: no \"go\" on the PATH" \
            "Install Go from your system's packages or the Go project's download page."
    elif ! version=$(go env GOVERSION 2>/dev/null) || ! at_least "${version#go}" "$go_minimum"; then
        miss "Go $go_minimum or newer: \"go\" is ${version:-broken} ($(command -v go))" \
            "Install a newer Go and put its bin folder first on the PATH."
    fi
}

check_python() {
    local name=${PYTHON:-python3} python version
    if ! python=$(scripts/python.sh "$name"); then
        miss "Python $python_minimum or newer: \"$name\" is not there or does not run" \
            "Install it (Debian, Ubuntu: apt install python3 python3-venv) or name another one: PYTHON=python3.12 make …"
        return
    fi
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! at_least "$version" "$python_minimum"; then
        miss "Python $python_minimum or newer: \"$name\" is $version ($python)" \
            "Install a newer one and name it: PYTHON=python3.12 make …"
    elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        miss "Python's venv module: $python cannot create environments" \
            "Install it (Debian, Ubuntu: apt install python$version-venv)."
    fi
}

check_cc() {
    local cc output
    cc=$(go env CC 2>/dev/null || echo cc)
    output=$(mktemp)
    # shellcheck disable=SC2086 # CC may hold flags
    if ! echo '#include <stdlib.h>
int main(void) { return EXIT_SUCCESS; }' | $cc -x c -o "$output" - 2>/dev/null; then
        miss "a C compiler for Go's race detector: \"$cc\" is not there or cannot build a program" \
            "Install one (Debian, Ubuntu: apt install gcc libc6-dev; macOS: xcode-select --install)."
    fi
    rm -f "$output"
}

for requirement in "$@"; do
    "check_$requirement"
done
exit "$missing"
