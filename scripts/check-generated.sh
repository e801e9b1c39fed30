#!/usr/bin/env bash
# Generates the code of proto/ into a folder that is thrown away and compares it
# with what is committed. Called by `make check-generated`.
set -euo pipefail
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
scripts/generate.sh "$fresh"

stale=0
while read -r file; do
    diff -u "$file" "$fresh/$file" || stale=1
done < <(cd "$fresh" && find . -type f | sed 's,^\./,,' | sort)

if [ "$stale" -ne 0 ]; then
    echo 'generated code is stale: run `make generate` and commit what it writes' >&2
    exit 1
fi
echo 'generated code is current'
