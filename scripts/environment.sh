#!/usr/bin/env bash
# Creates or refreshes the Python environment of the repository: the SDK,
# editable, with all its extras and what its tests and checks need.
#
#   scripts/environment.sh FOLDER          the SDK's environment
#   scripts/environment.sh FOLDER FILE     an environment of FILE's packages only
#
# PYTHON is the interpreter asked for, python3 by default. What is installed is
# pinned by python/constraints/<version>.txt. A second run with nothing changed
# does nothing: the stamp holds the hash of everything that went in.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=${1:?usage: scripts/environment.sh FOLDER [FILE]}
readonly requirements=${2:-}
readonly stamp=$venv/.toolbridge-stamp

python=$(scripts/python.sh "${PYTHON:-python3}") || {
    scripts/requirements.sh python
    exit 1
}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
constraints=python/constraints/$version.txt

inputs() {
    "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
    cat scripts/environment.sh
    if [ -n "$requirements" ]; then
        cat "$requirements"
    else
        # Only the first part of pyproject.toml says what is installed; the
        # settings of the checks below it do not.
        sed '/^\[tool\.pytest/,$d' python/pyproject.toml
        cat "$constraints" 2>/dev/null || true
    fi
}
fingerprint=$(inputs | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')

if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint" ]; then
    exit 0
fi

scripts/requirements.sh python
installed=$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
if [ "$installed" != "$version" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
rm -f "$stamp"
echo "$venv: installing with Python $version; the first time takes a minute or two"

pip_install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@"
}

if [ -n "$requirements" ]; then
    pip_install --requirement "$requirements"
else
    pins=()
    if [ -f "$constraints" ]; then
        pins=(--constraint "$constraints")
    else
        echo "$venv: no $constraints, so the newest versions are taken, which nobody has tried together" >&2
    fi
    pip_install ${pins[@]+"${pins[@]}"} hatchling
    pip_install ${pins[@]+"${pins[@]}"} --no-build-isolation --editable './python[all,dev]'
fi
echo "$fingerprint" >"$stamp"
