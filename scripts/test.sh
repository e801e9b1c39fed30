#!/usr/bin/env bash
# Runs vet and all tests of both languages with coverage, and the chaos tests in
# their short form, and prints one line each at the end. Called by `make test`, which sets the environment:
# TOOLBRIDGE_BIN, TOOLBRIDGE_PYTHON, COVERAGE.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly python=$TOOLBRIDGE_PYTHON limit=$COVERAGE
root=$PWD
mkdir -p coverage
failed=0

section() { printf '\n== %s\n' "$1"; }

# below VALUE says whether a percentage is below the limit.
below() { awk -v have="$1" -v want="$limit" 'BEGIN { exit !(have + 0 < want + 0) }'; }

verdict() {
    local language=$1 tests=$2 percent=$3 ok=$4
    if below "$percent"; then
        ok=1
    fi
    printf '%-7s %s: %s; %s %% of lines covered, at least %s wanted\n' \
        "$language" "$([ "$ok" -eq 0 ] && echo ok || echo FAILED)" "$tests" "$percent" "$limit"
    [ "$ok" -eq 0 ] || failed=1
}

# own_packages lists what counts for Go's coverage: all but what is generated
# and what only tests or shows the rest.
own_packages() {
    go list ./... | grep -vE '/toolbridge/(gen|proto|examples|test)(/|$)' | paste -sd, -
}

section 'go vet'
go_ok=0
go vet -tags=e2e ./... || go_ok=1

section 'go test'
go test -json -race -count=1 -timeout=15m -tags=e2e \
    -covermode=atomic -coverpkg="$(own_packages)" -coverprofile=coverage/go.out ./... |
    "$python" scripts/go_report.py coverage/go.summary || go_ok=1
# Modules of their own keep what only tests need out of everybody's go.mod.
for module in test/*/go.mod; do
    section "go test ${module%/go.mod}"
    (cd "${module%/go.mod}" && go vet ./... && go test -short -count=1 -timeout=10m ./...) || go_ok=1
done
go_tests=$(cat coverage/go.summary)
go_percent=0
if [ -s coverage/go.out ]; then
    go tool cover -func=coverage/go.out >coverage/go.txt
    go_percent=$(awk '/^total:/ { sub(/%/, "", $NF); print $NF }' coverage/go.txt)
fi

section 'chaos'
chaos_ok=ok
(cd test/chaos && go vet ./... && go test -json -race -count=1 -timeout=10m ./...) |
    "$python" scripts/go_report.py coverage/chaos.summary || chaos_ok=FAILED

section 'pytest'
python_ok=0
python_percent=0
(
    cd python
    rm -f "$root"/coverage/python.data*
    # Not pytest-cov: the SDK's pytest plugin is imported before it would start.
    "$python" -m coverage run -m pytest --ignore=tests/performance \
        --junit-xml="$root/coverage/python.xml"
) || python_ok=1
python_tests=$("$python" scripts/junit_summary.py coverage/python.xml || echo 'did not run')
(
    cd python
    "$python" -m coverage combine --quiet
    "$python" -m coverage report
    "$python" -m coverage report --format=total --precision=1 >"$root/coverage/python.total"
) && python_percent=$(cat coverage/python.total) || python_ok=1

section 'result'
verdict go "$go_tests" "$go_percent" "$go_ok"
verdict python "$python_tests" "$python_percent" "$python_ok"
printf '%-7s %s: %s, the short form; the long one is make chaos\n' chaos "$chaos_ok" "$(cat coverage/chaos.summary)"
[ "$chaos_ok" = ok ] || failed=1
exit "$failed"
