#!/usr/bin/env bash
# Generates the Go and Python code of proto/*.proto below the folder given
# (the repository's root by default).
#
#   scripts/generate.sh [FOLDER]
#
# GENERATE_PYTHON is a Python that has grpcio-tools; `make generate` sets it.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-.}
python=${GENERATE_PYTHON:-.venv-generate/bin/python}

mkdir -p "$out/python/src"
go tool -modfile=tools/go.mod buf generate --output "$out"
"$python" -m grpc_tools.protoc --proto_path=proto \
    --python_out="$out/python/src" \
    --pyi_out="$out/python/src" \
    --grpc_python_out="$out/python/src" \
    proto/*.proto
