#!/usr/bin/env bash
# Looks for values that are lost on the way, for about so many seconds: a third
# goes to Go's own fuzzing of every decoder, a third to generated values of Go
# (rapid), a third to those of Python (hypothesis). Called by `make fuzz-values`,
# which sets TOOLBRIDGE_BIN and TOOLBRIDGE_PYTHON. Those of Python include
# what a link reads: frames, HTTP/2, packed numbers and tables in pieces.
#
#   scripts/fuzz-values.sh 600
#
# It ends at the first part that fails: what it printed last says how to have
# the same again. With few seconds each native target still gets one, and fewer
# values are generated a run, but a run is at least 100 values each way. On a
# busy machine what comes later gets less, and a run that is not done two minutes
# after its time is ended; a part of which no run was done is told, and the exit
# code is 1.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly budget=${1:?how many seconds} python=$TOOLBRIDGE_PYTHON
# Every native target, and the package that it stands in.
readonly targets=(
    value/FuzzDecode
    value/FuzzValue
    value/FuzzDecodeInto
    value/FuzzFromJSON
    value/frame/FuzzRead
    value/frame/FuzzNotes
    internal/link/FuzzPeer
    internal/link/FuzzDecode
    internal/direct/FuzzProcess
    internal/direct/FuzzBridge
    internal/direct/FuzzOpening
    tool/FuzzTableMeter
)
if ! [[ $budget =~ ^[0-9]+$ ]] || ((10#$budget < 1)); then
    printf 'want a number of seconds, at least 1, got %s\n' "$budget" >&2
    exit 2
fi
readonly third=$((10#$budget / 3)) started=$SECONDS excess=120
# What one run of the generated tests sends each way: 1,000, fewer where there is
# no time for so many.
readonly a_run=$((third >= 60 ? 1000 : third < 10 ? 100 : third * 1000 / 60))
export TOOLBRIDGE_TEST_VALUES=$a_run
did=() short=() unfinished=()

# quietly COMMAND… shows what a command printed only when it fails. One that is
# ended because its time is over does not.
quietly() {
    local said code=0
    said=$(mktemp)
    "$@" >"$said" 2>&1 || code=$?
    if ((code == 124)); then
        ended=1
    elif ((code)); then
        cat "$said"
        rm -f "$said"
        printf 'FAILED: %s\n' "$*" >&2
        exit 1
    fi
    rm -f "$said"
}

# tried OUTPUT says how many inputs a target was given.
tried() {
    local last
    last=$(grep -o 'execs: [0-9]*' <<<"$1" | tail -1) || {
        printf 'not beyond its corpus'
        return
    }
    printf '%s inputs' "${last#execs: }"
}

native() {
    local each target said rest=${#targets[@]}
    for target in "${targets[@]}"; do
        each=$(((started + third - SECONDS) / rest)) rest=$((rest - 1))
        ((each > 0)) || each=1
        printf '== %s for %s s\n' "$target" "$each"
        said=$(go test "./${target%/*}" -run '^$' -fuzz "^${target##*/}\$" -fuzztime "${each}s" \
            -fuzzminimizetime 1s 2>&1) || {
            printf '%s\nFAILED: the input stands in testdata/fuzz beside the target\n' "$said" >&2
            exit 1
        }
        did+=("$target: $(tried "$said")")
        [[ $said == *'execs: '* ]] || short+=("$target")
    done
}

# generated NAME END COMMAND… runs a command again and again until so many seconds
# after the start, each time with another seed, which takes the place of SEED.
generated() {
    local name=$1 end=$((started + $2)) began=$SECONDS runs=0 longest=0 ended=0 begun seed
    shift 2
    while ((runs == 0 || !ended && SECONDS + longest < end)); do
        limit=$(((end > SECONDS ? end - SECONDS : 0) + excess))
        seed=$((RANDOM * 32768 + RANDOM + 1)) begun=$SECONDS
        printf '== %s, seed %s\n' "$name" "$seed"
        quietly "${@//SEED/$seed}"
        runs=$((runs + 1 - ended))
        ((!ended)) || break
        if ((SECONDS - begun > longest)); then
            longest=$((SECONDS - begun))
        fi
    done
    if ((runs)); then
        did+=("$name: $runs runs of $a_run values each way")
    else
        unfinished+=("$name: no run ended in $((SECONDS - began)) s: give more SECONDS")
    fi
}

in_go() { timeout "$limit" go test -count=1 "$@"; }
in_python() { (cd python && timeout "$limit" "$python" -m pytest -q "$@"); }

native
generated rapid $((2 * third)) in_go ./value/valuetest ./value/frame/frametest ./test/e2e \
    -run 'ComesBack' -rapid.seed=SEED -rapid.checks=$((a_run / 10))
generated hypothesis $((10#$budget)) in_python tests/unit/test_value_round_trips.py tests/unit/test_decoder_mutations.py \
    tests/unit/test_largeframes.py tests/unit/test_http2.py tests/unit/test_packing.py tests/unit/test_pieces.py \
    tests/unit/test_batchreaders.py tests/e2e/test_value_round_trips.py --hypothesis-seed=SEED

printf '\n%s s for %s that were asked for; what was tried lost nothing:\n' $((SECONDS - started)) "$((10#$budget))"
printf '  %s\n' "${did[@]}"
if ((${#short[@]})); then
    printf 'WARNING: %s of %s native targets made no input of their own in %s s each: give more SECONDS\n' \
        "${#short[@]}" "${#targets[@]}" "$((third / ${#targets[@]} > 0 ? third / ${#targets[@]} : 1))" >&2
fi
if ((${#unfinished[@]})); then
    printf 'WARNING: %s\n' "${unfinished[@]}" >&2
    exit 1
fi
