#!/usr/bin/env bash
# Resolves python/constraints/<version>.txt anew for every Python that is
# installed, from pyproject.toml alone, in environments that are thrown away.
#
#   scripts/constraints.sh [VERSION ...]
set -euo pipefail
cd "$(dirname "$0")/.."

versions=("$@")
((${#versions[@]})) || versions=(3.10 3.11 3.12 3.13)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for version in "${versions[@]}"; do
    if ! python=$(scripts/python.sh "python$version"); then
        echo "constraints: Python $version is not installed, its file stays as it is"
        continue
    fi
    venv=$scratch/$version
    target=python/constraints/$version.txt
    extra=()
    note="# What the tests run with on Python $version. Written by: make constraints"
    if [ "$version" = 3.10 ]; then
        # The oldest Python runs the oldest protobuf that pyproject.toml allows.
        extra=(protobuf==6.33.0)
        note+=$'\n# protobuf is the oldest one that pyproject.toml allows; the other files have the newest.'
    fi
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check hatchling
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation \
        --editable './python[all,dev]' ${extra[@]+"${extra[@]}"}
    {
        echo "$note"
        "$venv/bin/python" -m pip freeze --disable-pip-version-check --exclude-editable
    } >"$target"
    echo "constraints: wrote $target"
done
