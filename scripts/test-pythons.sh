#!/usr/bin/env bash
# Runs the Python SDK's tests on every supported Python that is installed, each
# in an environment of its own. Called by `make test-pythons`.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
mkdir -p coverage
results=()
failed=0

for constraints in python/constraints/3.*.txt; do
    version=$(basename "$constraints" .txt)
    if ! scripts/python.sh "python$version" >/dev/null; then
        results+=("python $version  not installed")
        continue
    fi
    printf '\n== python %s\n' "$version"
    interpreter=python$version venv=.venv-$version
    if .venv/bin/python -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
        interpreter=python3 venv=.venv # the default one has this version
    fi
    PYTHON=$interpreter scripts/environment.sh "$venv"
    python=$root/$venv/bin/python
    junit=$root/coverage/python-$version.xml
    rm -f "$junit"
    (cd python && TOOLBRIDGE_PYTHON=$python "$python" -m pytest -q \
        --ignore=tests/performance --junit-xml="$junit") || failed=1
    results+=("python $version  $("$python" scripts/junit_summary.py "$junit" || echo 'did not run')")
done

printf '\n'
printf '%s\n' "${results[@]}"
exit "$failed"
