#!/usr/bin/env bash
# Checks the style of Go, Python and the protocol, all of it even when one
# check fails, and names those that did. Called by `make lint`.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly python=$TOOLBRIDGE_PYTHON root=$PWD
tool() { go tool -modfile=tools/go.mod "$@"; }
failed=()

check() {
    local name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed+=("$name")
}

go_format() {
    local unformatted
    unformatted=$(git ls-files --cached --others --exclude-standard '*.go' | xargs gofmt -l)
    [ -z "$unformatted" ] || {
        printf 'not formatted (make format does it):\n%s\n' "$unformatted"
        return 1
    }
}

# The protocol may grow but not change under those who speak a released one:
# it is compared with the newest release, or with the commit that BASELINE names.
protocol_breaks() {
    local baseline=${BASELINE:-$(git describe --tags --abbrev=0 --match='v*' 2>/dev/null)}
    if [ -z "$baseline" ]; then
        echo 'no release yet, so nothing to compare with'
        return 0
    fi
    tool buf breaking --against ".git#ref=$(git rev-parse "$baseline^{commit}")"
}

in_module() { (cd "$1" && go tool -modfile="$root/tools/go.mod" golangci-lint run ./...); }

in_python() { (cd python && "$python" -m "$@"); }

check 'gofmt' go_format
check 'golangci-lint' tool golangci-lint run --build-tags=e2e ./...
for module in test/*/go.mod; do # programs with dependencies of their own
    [ -f "$module" ] || continue
    check "golangci-lint ${module%/go.mod}" in_module "${module%/go.mod}"
done
check 'buf lint' tool buf lint
check 'buf format' tool buf format --diff --exit-code
check 'buf breaking' protocol_breaks
check 'ruff check' in_python ruff check .
check 'ruff check scripts' "$python" -m ruff check --config python/pyproject.toml \
    --ignore=T201,INP001,S311 scripts test/load test/chaos # scripts print, are no package, and their dice keep no secret
check 'ruff check programs' "$python" -m ruff check --config python/pyproject.toml \
    --ignore=T201,INP001 test/bench test/survival # so do programs
check 'ruff check conformance' "$python" -m ruff check --config python/pyproject.toml \
    --ignore=INP001,D conformance/python # adapters are no package; what a verb does stands in the README
check 'ruff format' in_python ruff format --check . ../scripts ../test/load ../conformance/python ../test/chaos ../test/bench ../test/survival
check 'pyright' in_python pyright --pythonpath "$python"

if ((${#failed[@]})); then
    printf '\nlint FAILED: %s\n' "$(printf '%s, ' "${failed[@]}" | sed 's/, $//')" >&2
    exit 1
fi
printf '\nlint ok\n'
