#!/usr/bin/env bash
# Prints the path of an interpreter of the name given, if one really runs:
#
#   scripts/python.sh python3.12
#
# A name on the PATH may be a version manager's stand-in that refuses to run,
# so each candidate is tried, then the places where versions are usually kept.
# Fails silently when there is none.
set -euo pipefail

name=${1:?usage: scripts/python.sh NAME}
version=${name##*/}
version=${version#python}

candidates() {
    printf '%s\n' "$name"
    case $version in
    3.*)
        printf '%s\n' \
            "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/"python$version" \
            "$HOME/.local/share/uv/python/"*"-$version"*/bin/"python$version" \
            "/opt/python/$version"*/bin/"python$version" \
            "/usr/local/bin/python$version" \
            "/usr/bin/python$version" \
            "/opt/homebrew/bin/python$version"
        ;;
    esac
}

while read -r candidate; do
    if path=$("$candidate" -c 'import sys; print(sys.executable)' 2>/dev/null) && [ -n "$path" ]; then
        printf '%s\n' "$path"
        exit 0
    fi
done < <(candidates)
exit 1
