#!/usr/bin/env bash
# Runs the load test against a bridge of its own, and leaves its report in
# test-results/load.txt and test-results/load.html. Called by `make load`,
# which sets TOOLBRIDGE_BIN and what can be chosen: LOAD_USERS, LOAD_SECONDS.
# Fails when a single request fails.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly environment=.venv-load users=$LOAD_USERS seconds=$LOAD_SECONDS
"$(scripts/python.sh "$PYTHON")" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "locust needs Python 3.11 or newer, and $PYTHON is older: PYTHON=python3.12 make load" >&2
    exit 1
}
scripts/environment.sh "$environment" test/load/requirements.txt
mkdir -p test-results

said=$(mktemp)
"$TOOLBRIDGE_BIN" serve --demo --memory --grpc 127.0.0.1:0 --http 127.0.0.1:0 >"$said" 2>&1 &
readonly bridge=$!
trap 'kill "$bridge" 2>/dev/null || true; wait "$bridge" || true; rm -f "$said"' EXIT

# where is the address of the gateway, once the bridge has said it.
where() { sed -n 's/^http on //p' "$said"; }

for _ in $(seq 300); do
    [ -z "$(where)" ] || break
    if ! kill -0 "$bridge" 2>/dev/null; then break; fi
    sleep 0.1
done
if [ -z "$(where)" ]; then
    printf 'the bridge did not start:\n%s\n' "$(cat "$said")" >&2
    exit 1
fi

printf '%s users for %s s against %s\n' "$users" "$seconds" "$(where)"
"$environment/bin/locust" -f test/load/locustfile.py --headless --only-summary \
    --host "$(where)" --users "$users" --spawn-rate "$users" --run-time "${seconds}s" \
    --html test-results/load.html 2>&1 | tee test-results/load.txt
