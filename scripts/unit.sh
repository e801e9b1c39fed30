#!/usr/bin/env bash
# Runs the unit tests of both languages alone. Called by `make unit`.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly python=$TOOLBRIDGE_PYTHON
mkdir -p coverage
failed=0

go test -json -short -count=1 -timeout=5m ./... |
    "$python" scripts/go_report.py coverage/unit-go.summary || failed=1
(cd python && "$python" -m pytest tests/unit --junit-xml=../coverage/unit-python.xml) || failed=1

printf '\ngo      %s\n' "$(cat coverage/unit-go.summary)"
printf 'python  %s\n' "$("$python" scripts/junit_summary.py coverage/unit-python.xml)"
exit "$failed"
