#!/bin/bash
# soak.sh: what takes longer than CI may. ROUNDS rounds (20) of all tests, in the optimised build
# and under the sanitizers, each round with a new seed; and in the first round HANDOFFS (10^8) hand-
# offs through rings, in each of these builds, and COMMANDS (10^8) random commands to the order book
# and to a naive one, and as many to the ledger and a naive one (a fiftieth of that under the
# sanitizers). SEED=N repeats a round.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

rounds=${ROUNDS:-20}
if [ -n "${SEED-}" ]; then
    rounds=1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The stress test of the disruptor, from trial $seed on. What it says of each trial is of interest
# only where it stops.
stress() # PRESET
{
    local runner=()
    if setarch --addr-no-randomize true 2>/dev/null; then
        runner=(setarch --addr-no-randomize)
    fi
    MR_SEED=$seed MR_HANDOFFS=${HANDOFFS:-100000000} TSAN_OPTIONS=halt_on_error=1 \
        "${runner[@]}" "$(folder_of "$1")/tests/disruptor_test_stress" >"$log" 2>&1 || {
        tail -n 100 "$log"
        return 1
    }
    grep '^stress: ' "$log"
}

# The order book, or the ledger, next to a naive one.
compare() # PRESET book|ledger
{
    local commands=${COMMANDS:-100000000}
    [ "$1" = release ] || commands=$((commands / 50))
    # A shard of its own: the tests have used the first ones.
    MR_SEED=$seed MR_FUZZ_COMMANDS=$commands \
        "$(folder_of "$1")/tests/core_test_$2_fuzz" 9 >"$log" 2>&1 || {
        tail -n 200 "$log"
        return 1
    }
    echo "$2: $commands commands, and no difference from the naive one"
}

# What only the first round does.
compare_all() # PRESET
{
    stress "$1" && compare "$1" book && compare "$1" ledger
}

for ((round = 1; round <= rounds; round++)); do
    seed=${SEED:-$((RANDOM << 15 | RANDOM))}
    for preset in release sanitize tsan; do
        echo "soak: round $round of $rounds, $preset, SEED=$seed"
        if ! MR_SEED=$seed scripts/test.sh "$preset" ||
            { [ "$round" -eq 1 ] && ! compare_all "$preset"; }; then
            echo "soak: failed; SEED=$seed make soak repeats it"
            exit 1
        fi
    done
done
